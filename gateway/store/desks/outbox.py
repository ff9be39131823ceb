"""What uploading asks: see `gateway.ports.OutboxStore`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.breaker import Ended, Report, Tripped
from gateway.outbox import Batch, Item, Step
from gateway.store import breakers, changes, leasing, outbox, outdated
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write, write_over


class OutboxDesk(Opened):
    """Each method is one transaction."""

    def recover(self, target: str, now: datetime) -> Sequence[Item]:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return leasing.recoverable(connection, self._edition.datasets, target, now + self._skew(connection))

    def lease(self, target: str, now: datetime, until: datetime) -> Batch | None:
        """See OutboxStore."""
        return self._lease(target, now, lambda connection: leasing.lease(connection, self._turn(connection, target, now, until)))

    def _turn(self, connection: Connection, target: str, now: datetime, until: datetime) -> leasing.Turn:
        skew = self._skew(connection)
        return leasing.Turn(self._edition, target, now + skew, until + skew)

    def _lease(self, target: str, now: datetime, work: Callable[[Connection], Batch | None]) -> Batch | None:
        while leased := write(self._engine, work):
            batch, other = outdated.parted(self._edition, leasing.opened(leased, self.keyring))
            if other:
                self._hold(target, leased, other, now)
            if batch.items:
                return batch
        return None

    def advance(self, target: str, ended: Ended | None, now: datetime, until: datetime) -> Batch | None:
        """See OutboxStore. Only what went well is written with the next lease: anything else may lock what others wait for."""
        smooth = ended if ended and ended.smooth else None
        if ended and not smooth:
            self.apply(ended.steps, now)
            self.note(target, ended.batch.institution, ended.report, now)

        turned: dict[str, Tripped] = {}

        def work(connection: Connection) -> Batch | None:
            turn = replace(self._turn(connection, target, now, until), sent=now)
            if smooth:
                turned.update((each.institution, each) for each in outbox.finish(connection, target, smooth, turn.now))
            return leasing.lease(connection, turn)

        batch = self._lease(target, now, work)
        for each in turned.values():
            changes.turned(each)
        return batch

    def _hold(self, target: str, leased: Batch, other: dict[int, str], now: datetime) -> None:
        """Hold what another edition made; if nothing of the batch is left, whatever it was to try is not tried."""

        def work(connection: Connection) -> None:
            skew = self._skew(connection)
            outdated.hold(connection, leased, other, now + skew)
            if len(other) == len(leased.items):
                breakers.unprobe(connection, target, leased.institution, now + skew)

        write(self._engine, work)

    def mark_sending(self, batch: Batch, now: datetime) -> str | None:
        """See OutboxStore."""
        return write(self._engine, lambda connection: _mark(connection, batch, now, self._skew(connection)))

    def apply(self, steps: Sequence[Step], now: datetime) -> None:
        """See OutboxStore."""
        if steps:
            write_over(self._engine, lambda connection: outbox.apply(connection, steps, now, self._skew(connection)))

    def passed(self, target: str, batch: Batch, since: datetime) -> bool:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return outbox.passed(connection, target, batch, since)

    def release(self, batch: Batch, now: datetime) -> None:
        """See OutboxStore."""
        write(self._engine, lambda connection: leasing.release(connection, batch, now + self._skew(connection)))

    def note(self, target: str, institution: str, report: Report, now: datetime) -> None:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            at = now + self._skew(connection)
            if breakers.unmoved(connection, target, institution, report, at):
                return
        for turned in write(self._engine, lambda connection: breakers.note(connection, target, institution, report, at)):
            changes.turned(turned)


def _mark(connection: Connection, batch: Batch, now: datetime, skew: timedelta) -> str | None:
    """A fresh message id and the state, together; without the lease, neither."""
    msgid = leasing.next_message(connection, batch.institution, now)
    if leasing.mark_sending(connection, batch, msgid, now + skew):
        return msgid
    connection.rollback()
    return None
