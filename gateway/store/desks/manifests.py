"""What manifests are stated by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property

from sqlalchemy import Connection, select

from gateway.manifest import Held, Statement, Whereabouts
from gateway.store import leasing, manifests
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write, write_over
from gateway.store.tables import installation


class ManifestDesk(Opened):
    """Each method is one transaction."""

    @cached_property
    def installed_at(self) -> datetime:
        """When the store was made: of days before it nothing is stated by itself."""
        with reading(self._engine) as connection:
            found: datetime = connection.execute(select(installation.c.created_at)).scalar_one()
            return found

    def draw(self) -> int:
        """The next number of this installation; no other worker gets the same."""
        return write(self._engine, leasing.draw)

    def whereabouts(self, source: str, dataset: str, refs: Collection[str], targets: Collection[str]) -> Sequence[Whereabouts]:
        """Where these rows stand; one that was never taken in is missing."""
        with reading(self._engine) as connection:
            return manifests.of_rows(connection, source, dataset, sorted(refs), targets)

    def whereabouts_of_day(
        self, source: str, dataset: str, span: tuple[datetime, datetime], targets: Collection[str]
    ) -> Sequence[Whereabouts]:
        """Where the records of a span of business time stand, whether their rows are still there or not."""
        with reading(self._engine) as connection:
            return manifests.of_day(connection, source, dataset, span, targets)

    def set_aside_of_day(self, source: str, dataset: str, span: tuple[datetime, datetime]) -> Sequence[Whereabouts]:
        """The rows set aside, never sent, whose business time lies in a span; of one without such a time nobody can say."""
        with reading(self._engine) as connection:
            return manifests.set_aside(connection, source, dataset, span)

    def held(self, dataset: str, span: tuple[datetime, datetime], targets: Collection[str]) -> Sequence[Held]:
        """What each target accepted as the newest of a key, of what happened in the span."""
        with reading(self._engine) as connection:
            return manifests.held(connection, dataset, span, targets)

    def statements(self, dataset: str, day: date) -> Sequence[Statement]:
        """Every manifest of a data set's business day, by institution, oldest first."""
        with reading(self._engine) as connection:
            return manifests.of(connection, dataset, day)

    def statements_between(self, institution: str, first: date, last: date) -> Sequence[Statement]:
        """Every manifest of an institution's business days; by data set and day, oldest first."""
        with reading(self._engine) as connection:
            return manifests.between(connection, institution, first, last)

    def revoked_zeros(self, since: datetime) -> Sequence[Statement]:
        """The zeros that turned out to be none since then."""
        with reading(self._engine) as connection:
            return manifests.revoked(connection, since)

    def stated_looks(self, dataset: str, since: date) -> Mapping[tuple[str, date], datetime]:
        """(institution, business day) -> when its manifest was made, or last found to be still so."""
        with reading(self._engine) as connection:
            return manifests.looks(connection, dataset, since)

    def keep_statements(self, said: Sequence[Statement]) -> None:
        """Manifests that were queued."""

        def work(connection: Connection) -> None:
            for each in said:
                manifests.keep(connection, each)

        if said:
            write_over(self._engine, work)

    def statements_stand(self, dataset: str, day: date, institutions: Sequence[str], now: datetime) -> None:
        """Looked at again, their manifests of the day say what is so."""
        if institutions:
            write(self._engine, lambda connection: manifests.looked(connection, dataset, day, institutions, now))

    def revoke(self, said: Statement, now: datetime, by: str) -> None:
        """A zero that was none."""
        write(self._engine, lambda connection: manifests.revoke(connection, said, now, by))
