"""What became of records whose outcome is unknown, or that a target may have lost: see `gateway.ports.OutboxStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from gateway.outbox import Doubt, State
from gateway.standing import EVERYTHING, Extent, Resent
from gateway.store import ledger, parents, resending, reservations
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write
from schemas.holdings import Holding


class DoubtDesk(Opened):
    """Each method is one transaction."""

    def doubts(self, target: str, state: State, now: datetime, after: int) -> Sequence[Doubt]:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return ledger.doubts(connection, self._edition.datasets, target, state, now + self._skew(connection), after)

    def reserve(self, doubts: Sequence[Doubt], now: datetime, until: datetime) -> Sequence[Doubt]:
        """See OutboxStore."""

        def work(connection: Connection) -> Sequence[Doubt]:
            skew = self._skew(connection)
            return reservations.take(connection, doubts, now + skew, until + skew)

        return write(self._engine, work)

    def settled(self, target: str, after: int, extent: Extent = EVERYTHING) -> Sequence[Doubt]:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return ledger.settled(connection, self._edition.datasets, target, after, extent)

    def resend(self, doubts: Sequence[Doubt], now: datetime) -> Resent:
        """See OutboxStore."""

        def work(connection: Connection) -> Resent:
            return resending.resend(connection, self._edition, self.keyring, doubts, now + self._skew(connection))

        return write(self._engine, work)

    def depth(self, dataset: str) -> int:
        """See OutboxStore."""
        return parents.depth(self._edition, dataset)

    def record(self, doubt: Doubt) -> bytes:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return ledger.record(connection, doubt, self.keyring)

    def rebuild(self, target: str, findings: Sequence[tuple[Doubt, Holding]], now: datetime) -> None:
        """See OutboxStore."""
        rid = self.rid

        def work(connection: Connection) -> None:
            at = now + self._skew(connection)
            ledger.rebuild(connection, ledger.Rebuilding(target, rid, self.keyring, at), findings)

        write(self._engine, work)

    def unknown(self, target: str, dataset: str, key: str) -> Sequence[Doubt]:
        """Items of unknown outcome of one key."""
        with reading(self._engine) as connection:
            return ledger.unknown(connection, self._edition.datasets, target, dataset, key)
