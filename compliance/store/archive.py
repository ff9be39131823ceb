"""Messages and records as received: `compliance.ports.Archive` over the store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

import orjson
from sqlalchemy import Connection, insert, select

from compliance.closing import Closure
from compliance.model import Accepted, Epoch, Held, Receipt, Rejected
from compliance.store import closures, epochs
from compliance.store.database import Database
from compliance.store.tables import message, record, rejection

_KEYS_PER_QUERY = 500


class StoredArchive:
    """Archive over the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def writing(self, institution: str) -> Iterator[StoredBook]:
        """One transaction, alone with this institution's records."""
        with self._database.write(institution) as connection:
            yield StoredBook(connection, institution)


class StoredBook:
    """One institution's records inside one transaction."""

    def __init__(self, connection: Connection, institution: str) -> None:
        self._connection, self._institution = connection, institution

    def held(self, dataset: str, keys: Collection[str]) -> Mapping[str, Mapping[int, Held]]:
        """key -> version -> what is held."""
        found: dict[str, dict[int, Held]] = {}
        wanted = sorted(keys)
        for start in range(0, len(wanted), _KEYS_PER_QUERY):
            query = select(record.c.key, record.c.version, record.c.content_hash, record.c.accepted_at).where(
                record.c.institution == self._institution,
                record.c.dataset == dataset,
                record.c.key.in_(wanted[start : start + _KEYS_PER_QUERY]),
            )
            for row in self._connection.execute(query):
                found.setdefault(row.key, {})[row.version] = Held(row.content_hash, row.accepted_at)
        return found

    def epochs(self) -> Sequence[Epoch]:
        """The gateways that reported for the institution."""
        return epochs.load(self._connection, self._institution)

    def closures(self) -> Sequence[Closure]:
        """The days on which the institution is closed."""
        return closures.load(self._connection, self._institution)

    def mark(self, changed: Sequence[Epoch]) -> None:
        """Write epochs that changed."""
        epochs.save(self._connection, self._institution, changed)

    def accept(self, dataset: str, msgid: str, records: Sequence[Accepted]) -> None:
        """Store records, bodies as JSON text."""
        if records:
            self._connection.execute(insert(record), [self._row(dataset, msgid, each) for each in records])

    def reject(self, dataset: str, msgid: str, records: Sequence[Rejected], received_at: datetime) -> None:
        """Remember refusals, without bodies."""
        if records:
            self._connection.execute(
                insert(rejection),
                [
                    {
                        "institution": self._institution,
                        "dataset": dataset,
                        "key": each.key,
                        "version": each.version,
                        "content_hash": each.content_hash,
                        "reasons": orjson.dumps([reason.as_dict() for reason in each.reasons]).decode(),
                        "received_at": received_at,
                        "msgid": msgid,
                    }
                    for each in records
                ],
            )

    def note(self, receipt: Receipt) -> None:
        """Remember the message."""
        self._connection.execute(insert(message).values(asdict(receipt)))

    def _row(self, dataset: str, msgid: str, accepted: Accepted) -> dict[str, object]:
        return {
            "institution": self._institution,
            "dataset": dataset,
            "msgid": msgid,
            **{name: getattr(accepted, name) for name in Accepted.__slots__},
            "body": orjson.dumps(dict(accepted.body)).decode(),
        }
