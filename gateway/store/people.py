"""Accounts, sessions, failed logins and the access log; each method is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.errors import GatewayError, StoreError
from gateway.lockout import FORGOTTEN, Guarded, Lockout, after_failure
from gateway.operators import PLACE_LENGTH, Access, Operator, Session
from gateway.store.engine import reading, write, write_over
from gateway.store.tables import access, lockout, operator, session

#: characters of a column
_ADDRESS = 64


class People:
    """Implements `gateway.login.PeopleStore`, and what managing accounts asks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # accounts

    def operators(self) -> Sequence[Operator]:
        """All of them, by name."""
        with reading(self._engine) as connection:
            return [_operator(row) for row in connection.execute(select(operator).order_by(operator.c.name))]

    def operator(self, name: str) -> Operator | None:
        """See PeopleStore."""
        with reading(self._engine) as connection:
            row = connection.execute(select(operator).where(operator.c.name == name)).first()
        return _operator(row) if row else None

    def add_operator(self, each: Operator, now: datetime) -> None:
        """A new account. GatewayError if there is one of that name."""
        columns = ("name", "role", "department", "password", "must_change", "disabled")
        values = {name: getattr(each, name) for name in columns}
        try:
            write(self._engine, lambda connection: connection.execute(insert(operator).values(**values, created_at=now)))
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise GatewayError(f"已有用户 {each.name}") from None
            raise

    def set_password(self, name: str, password: str, *, must_change: bool) -> None:
        """See PeopleStore."""
        self._change(name, password=password, must_change=must_change)

    def set_role(self, name: str, role: str, department: str) -> None:
        """Other work; all sessions of the account end."""
        self._change(name, role=role, department=department)

    def set_disabled(self, name: str, disabled: bool) -> None:
        """An account that nobody logs in with for now."""
        self._change(name, disabled=disabled)

    def unlock(self, name: str) -> None:
        """Its failures are forgotten. GatewayError if there is no such account."""

        def work(connection: Connection) -> None:
            _need(connection, name)
            connection.execute(delete(lockout).where(*_subject(Guarded.OPERATOR, name)))

        write(self._engine, work)

    def _change(self, name: str, **values: Any) -> None:
        """GatewayError if there is no such account."""

        def work(connection: Connection) -> None:
            _need(connection, name)
            connection.execute(update(operator).where(operator.c.name == name).values(**values))
            connection.execute(delete(session).where(session.c.operator == name))

        write(self._engine, work)

    # sessions

    def open_session(self, digest: str, name: str, now: datetime) -> None:
        """See PeopleStore."""

        def work(connection: Connection) -> None:
            connection.execute(insert(session).values(digest=digest, operator=name, began_at=now, used_at=now))
            connection.execute(update(operator).where(operator.c.name == name).values(seen_at=now))

        write(self._engine, work)

    def session(self, digest: str) -> Session | None:
        """See PeopleStore."""
        query = select(operator, session.c.began_at, session.c.used_at).join(session, session.c.operator == operator.c.name)
        with reading(self._engine) as connection:
            row = connection.execute(query.where(session.c.digest == digest)).first()
        return Session(digest, _operator(row), row.began_at, row.used_at) if row else None

    def touch_session(self, digest: str, now: datetime) -> None:
        """See PeopleStore."""
        write(
            self._engine,
            lambda connection: connection.execute(update(session).where(session.c.digest == digest).values(used_at=now)),
        )

    def end_session(self, digest: str) -> None:
        """See PeopleStore."""
        write(self._engine, lambda connection: connection.execute(delete(session).where(session.c.digest == digest)))

    # failed logins

    def lockout(self, kind: Guarded, subject: str) -> Lockout:
        """See PeopleStore."""
        with reading(self._engine) as connection:
            row = connection.execute(select(lockout).where(*_subject(kind, subject))).first()
        return _lockout(row)

    def note_lockout(self, kind: Guarded, subject: str, became: Lockout) -> None:
        """See PeopleStore."""

        def work(connection: Connection) -> None:
            connection.execute(delete(lockout).where(*_subject(kind, subject)))
            if became.failures:
                connection.execute(insert(lockout).values(kind=kind, subject=subject[:_ADDRESS], **_values(became)))

        write_over(self._engine, work)

    def note_failure(self, kind: Guarded, subject: str, now: datetime) -> None:
        """See PeopleStore. Two gateways on one store lose none: each counts on from what the other has written."""

        def work(connection: Connection) -> None:
            here = _subject(kind, subject)
            row = connection.execute(select(lockout).where(*here).with_for_update()).first()
            values = _values(after_failure(kind, _lockout(row), now))
            if row:  # changed where it stands: whoever waits for it would find no row that was put in its place
                connection.execute(update(lockout).where(*here).values(**values))
            else:
                connection.execute(insert(lockout).values(kind=kind, subject=subject[:_ADDRESS], **values))

        write_over(self._engine, work)

    def lockouts(self, now: datetime) -> dict[str, datetime]:
        """Account -> until when nobody may log in with it; names that are no account are left out."""
        known = select(operator.c.name)
        query = select(lockout.c.subject, lockout.c.locked_until).where(
            lockout.c.kind == Guarded.OPERATOR, lockout.c.locked_until > now, lockout.c.subject.in_(known)
        )
        with reading(self._engine) as connection:
            return {row.subject: row.locked_until for row in connection.execute(query)}

    # the access log

    def note_access(self, *lines: Access) -> None:
        """Lines of it, all or none."""
        rows = [
            {
                "at": each.at,
                "operator": each.operator,
                "address": each.address[:_ADDRESS],
                "action": each.action,
                "outcome": each.outcome,
                "place": each.place[:PLACE_LENGTH],
            }
            for each in lines
        ]
        write(self._engine, lambda connection: connection.execute(insert(access), rows))

    def accesses(self, start: datetime, end: datetime, name: str = "", most: int = 10_000) -> Sequence[Access]:
        """Those in [start, end), the newest first."""
        query = select(access).where(access.c.at >= start, access.c.at < end).order_by(access.c.at.desc(), access.c.id.desc())
        if name:
            query = query.where(access.c.operator == name)
        with reading(self._engine) as connection:
            rows = connection.execute(query.limit(most)).all()
        return [Access(row.at, row.operator, row.address, row.action, row.outcome, row.place) for row in rows]

    def forget(self, now: datetime, accesses: timedelta, sessions: timedelta) -> int:
        """What is kept long enough: lines of the log, sessions that are over, failures; returns how many lines."""

        def work(connection: Connection) -> int:
            connection.execute(delete(session).where(session.c.began_at < now - sessions))
            connection.execute(delete(lockout).where(lockout.c.failed_at < now - FORGOTTEN))
            return connection.execute(delete(access).where(access.c.at < now - accesses)).rowcount

        return write(self._engine, work)


def _need(connection: Connection, name: str) -> None:
    if connection.execute(select(operator.c.name).where(operator.c.name == name)).first() is None:
        raise GatewayError(f"没有用户 {name}，请用 gateway user list 查看")


def _subject(kind: Guarded, subject: str) -> tuple[Any, ...]:
    return (lockout.c.kind == kind, lockout.c.subject == subject[:_ADDRESS])


def _lockout(row: Row[Any] | None) -> Lockout:
    return Lockout(row.failures, row.failed_at, row.locked_until) if row else Lockout()


def _values(became: Lockout) -> dict[str, Any]:
    return {"failures": became.failures, "failed_at": became.failed_at, "locked_until": became.until}


def _operator(row: Row[Any]) -> Operator:
    return Operator(row.name, row.role, row.department, row.password, row.must_change, row.disabled, row.created_at, row.seen_at)
