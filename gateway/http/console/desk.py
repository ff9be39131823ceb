"""What every page works with: the gateway, the door, and what is dear to count, kept for a moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.config import Console
from gateway.freshness import fresh
from gateway.login import Limits, Login
from gateway.outlook import Outlook, outlook
from gateway.watching import Watch
from gateway.wiring import Gateway

#: several people look at the same figures: they are counted so often, not at every look
_FRESH = timedelta(seconds=15)
#: older figures are waited for; and counting takes no more than one part in so many of the time
_STALE, _SHARE = timedelta(minutes=10), 10


class Desk:
    """One for all pages; used by several threads."""

    def __init__(self, gateway: Gateway, settings: Console, watch: Watch, taken: Callable[[], None]) -> None:
        """`watch`: whoever looks at the gateway for the alarms. `taken` is called when something may be sent at once."""
        self.gateway, self.settings, self.taken, self._watch = gateway, settings, taken, watch
        self.people = gateway.store.people
        self.login = Login(self.people, Limits(settings.idle, settings.longest), gateway.clock)
        self._lock = threading.Lock()
        self._outlook: Outlook | None = None
        self._lasts = _FRESH
        self._turn = 0  #: raised by whatever a person does

    def now(self) -> datetime:
        """The gateway's clock."""
        return self.gateway.clock()

    def outlook(self) -> Outlook:
        """How things stand, a few seconds ago at most, or longer where counting takes long.

        While one person's look is counted the others are shown what was known before: a slow store must not keep every thread
        of the listener waiting, and with them the supervisor's `/healthz`.
        """
        known = self._outlook
        if known and fresh(known.now, self.now(), self._lasts):
            return known
        at_hand = known is not None and fresh(known.now, self.now(), _STALE)
        if not self._lock.acquire(blocking=not at_hand) and known:
            return known
        try:
            if self._outlook not in (None, known) and (counted := self._outlook):
                return counted  # by whom we waited for
            return self._count()
        finally:
            self._lock.release()

    def _count(self) -> Outlook:
        turn, began = self._turn, time.monotonic()
        found = outlook(self.gateway, self._watch)
        if turn == self._turn:
            self._outlook = found
            self._lasts = max(_FRESH, timedelta(seconds=_SHARE * (time.monotonic() - began)))
        return found

    def datasets(self) -> list[tuple[str, str]]:
        """Those that are read, with their Chinese names."""
        codes = dict.fromkeys(feed.source.dataset for feed in self.gateway.feeds)
        return [(code, self.gateway.edition.datasets[code].name) for code in codes]

    def changed(self) -> None:
        """A person did something: the next look must show it."""
        self._turn += 1
        self._outlook = None
