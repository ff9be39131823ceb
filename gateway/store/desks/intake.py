"""What intake asks: see `gateway.ports.IntakeStore`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from gateway.errors import OutpacedError, StoreError
from gateway.model import Cursor, Intake, LedgerEntry
from gateway.store import cursors, deliveries, intake, parents, sealing, voids
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write


class IntakeDesk(Opened):
    """Each method is one transaction."""

    def cursor(self, source: str, dataset: str, digest: str, targets: Collection[str] = ()) -> Cursor | None:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return cursors.load(connection, source, dataset, digest, targets)

    def ledger(self, institution: str, dataset: str, keys: Collection[str]) -> Mapping[str, LedgerEntry]:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return intake.entries(connection, institution, dataset, keys)

    def unserved(self, dataset: str, entries: Collection[LedgerEntry], targets: Collection[str]) -> Collection[tuple[str, str]]:
        """See IntakeStore."""
        if not entries:
            return ()
        with reading(self._engine) as connection:
            return deliveries.unserved(connection, dataset, entries, targets)

    def of_rows(self, source: str, dataset: str, refs: Collection[str]) -> Sequence[LedgerEntry]:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return voids.of_rows(connection, source, dataset, list(refs))

    def bodies(self, entries: Collection[LedgerEntry], dataset: str) -> Mapping[tuple[str, str], bytes]:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            found = voids.bodies(connection, list(entries), dataset)
        versions = {(each.institution, each.key): each.version for each in entries}
        return {
            (institution, key): self.keyring.open(body, sealing.of_parcel(institution, dataset, key, versions[institution, key]))
            for (institution, key), body in found.items()
        }

    def accept(self, page: Intake) -> None:
        """See IntakeStore."""
        self.room.check()
        links = parents.links(self._edition, page)
        sealed = intake.sealed(page, self.keyring)

        def work(connection: Connection) -> None:
            intake.accept(connection, sealed, self.keyring)
            parents.hold_back(connection, links, page.targets, page.now)

        try:
            write(self._engine, work)
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):  # both entered the key for the first time
                raise OutpacedError(str(error)) from error
            raise
