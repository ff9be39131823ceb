"""Nonces already spent: `compliance.ports.NonceMemory` over the store, so that all receivers share it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select

from compliance.store.database import Database
from compliance.store.tables import nonce as spent


class StoredNonces:
    """NonceMemory over the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spend(self, paasid: str, nonce: str, now: datetime, until: datetime) -> bool:
        """Remember the nonce; False if it was spent before. Those that can no longer pass the clock check are dropped."""
        with self._database.write(f"nonce {paasid}") as connection:
            connection.execute(delete(spent).where(spent.c.paasid == paasid, spent.c.until < now))
            known = select(spent.c.nonce).where(spent.c.paasid == paasid, spent.c.nonce == nonce)
            if connection.execute(known).first():
                return False
            connection.execute(insert(spent).values(paasid=paasid, nonce=nonce, until=until))
            return True
