"""What every desk of an opened store works with."""

from __future__ import annotations

from functools import cached_property

from sqlalchemy import Engine, select

from gateway.disk import Room
from gateway.store.engine import reading
from gateway.store.migrations import Prepared
from gateway.store.tables import installation
from gateway.store.timing import Timing
from schemas.model import Edition


class Opened:
    """A database that stands ready, the edition that records are made by, the keys that bodies are sealed with."""

    def __init__(self, engine: Engine, edition: Edition, prepared: Prepared, room: Room, timing: Timing) -> None:
        self._engine, self._edition, self.room, self._skew = engine, edition, room, timing.skew
        self.keyring, self.news = prepared.keyring, prepared.news

    @cached_property
    def rid(self) -> str:
        """The installation epoch that every record carries."""
        with reading(self._engine) as connection:
            return str(connection.execute(select(installation.c.rid)).scalar_one())

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()
