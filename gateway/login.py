"""Logging in and out, and changing a password: what the login page and its guard ask. No web in it."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from gateway import passwords
from gateway.errors import GatewayError
from gateway.lockout import Guarded, Lockout, spoken
from gateway.operators import TOUCH_EVERY, Operator, Session, nameable

_WRONG = "用户名或密码不对"
_LOCKED = "失败次数太多，请 {}后再试；忘了密码请找管理员"
#: a name or an address is looked at, a password tried and the outcome noted by one at a time: two cannot both be the last free try
_one = threading.Lock()


class PeopleStore(Protocol):
    """What logging in asks of the store."""

    def operator(self, name: str) -> Operator | None:
        """The account of that name."""

    def lockout(self, kind: Guarded, subject: str) -> Lockout:
        """What failed there so far."""

    def note_lockout(self, kind: Guarded, subject: str, became: Lockout) -> None:
        """Keep what became of it."""

    def note_failure(self, kind: Guarded, subject: str, now: datetime) -> None:
        """One more, counted in one step: another gateway may be counting too."""

    def open_session(self, digest: str, name: str, now: datetime) -> None:
        """Somebody logged in."""

    def session(self, digest: str) -> Session | None:
        """Whose session that is, with the account as it is now."""

    def touch_session(self, digest: str, now: datetime) -> None:
        """It was used."""

    def end_session(self, digest: str) -> None:
        """It is over."""

    def set_password(self, name: str, password: str, *, must_change: bool) -> None:
        """Another hash; all sessions of the account end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts."""

    idle: timedelta
    longest: timedelta


class TurnedAwayError(GatewayError):
    """Nobody is logged in; the sentence says why, and never whether there is such a name."""

    def __init__(self, sentence: str, *, locked: bool) -> None:
        super().__init__(sentence)
        self.locked = locked


class Login:
    """The door."""

    def __init__(self, store: PeopleStore, limits: Limits, clock: Callable[[], datetime]) -> None:
        self._store, self._limits, self._clock = store, limits, clock

    def enter(self, name: str, password: str, address: str) -> str:
        """The token of a new session. TurnedAwayError if it is not given.

        1. Neither the name nor the address may be waiting.
        2. The password is hashed even where there is no such account, so that both take as long.
        3. A failure is counted for both; a success clears the name only, or a guesser would log in as himself now and then.
        """
        with _one:
            self._refuse_waiting(name, address)
            found = self._store.operator(name) if nameable(name) else None
            fits = passwords.fits(password, found.password if found else "")
            if not (found and fits) or found.disabled:
                self._failed(name, address)
                raise TurnedAwayError(_WRONG, locked=False)
            self._store.note_lockout(Guarded.OPERATOR, name, Lockout())
        token = secrets.token_urlsafe(32)
        self._store.open_session(digest(token), name, self._clock())
        return token

    def whose(self, token: str, *, counts: bool = True) -> Session | None:
        """The session of that token, if it lasts. `counts`: this is somebody's doing, not a page that refreshes itself."""
        found = self._store.session(digest(token)) if token else None
        if found is None:
            return None
        now = self._clock()
        if found.operator.disabled or found.over(now, self._limits.idle, self._limits.longest):
            self._store.end_session(found.digest)
            return None
        if counts and now - found.used_at >= TOUCH_EVERY:
            self._store.touch_session(found.digest, now)
        return found

    def leave(self, token: str) -> None:
        """Log out."""
        self._store.end_session(digest(token))

    def change_password(self, operator: Operator, old: str, new: str, address: str) -> None:
        """By its owner; all sessions end, this one too.

        TurnedAwayError if the old one is wrong, GatewayError if the new one will not do.
        """
        if told := passwords.fault(new, operator.name):
            raise GatewayError(told)
        with _one:
            self._refuse_waiting(operator.name, address)
            if not passwords.fits(old, operator.password):
                self._failed(operator.name, address)
                raise TurnedAwayError("原来的密码不对", locked=False)
        if old == new:
            raise GatewayError("新密码不能与原来的一样")
        self._store.set_password(operator.name, passwords.hashed(new), must_change=False)

    def _refuse_waiting(self, name: str, address: str) -> None:
        found = [self._store.lockout(kind, subject) for kind, subject in _subjects(name, address)]
        wait = max(each.wait(self._clock()) for each in found)
        if wait:
            raise TurnedAwayError(_LOCKED.format(spoken(wait)), locked=True)

    def _failed(self, name: str, address: str) -> None:
        for kind, subject in _subjects(name, address):
            self._store.note_failure(kind, subject, self._clock())


def digest(token: str) -> str:
    """What the store knows a token by: whoever reads the store cannot log in with it."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _subjects(name: str, address: str) -> tuple[tuple[Guarded, str], ...]:
    """A name that nobody could have is counted by its address alone."""
    named = ((Guarded.OPERATOR, name),) if nameable(name) else ()
    return (*named, (Guarded.ADDRESS, address))


def with_password(operator: Operator, password: str) -> Operator:
    """The account with that password. GatewayError if it will not do."""
    if told := passwords.fault(password, operator.name):
        raise GatewayError(told)
    return replace(operator, password=passwords.hashed(password))
