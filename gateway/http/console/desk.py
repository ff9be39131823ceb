"""What every page works with: the gateway, the door, and what is dear to count, kept for a moment."""

from __future__ import annotations

import threading
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


class Desk:
    """One for all pages; used by several threads."""

    def __init__(self, gateway: Gateway, settings: Console, watch: Watch, taken: Callable[[], None]) -> None:
        """`watch`: whoever looks at the gateway for the alarms. `taken` is called when something may be sent at once."""
        self.gateway, self.settings, self.taken, self._watch = gateway, settings, taken, watch
        self.people = gateway.store.people
        self.login = Login(self.people, Limits(settings.idle, settings.longest), gateway.clock)
        self._lock = threading.Lock()
        self._outlook: Outlook | None = None

    def now(self) -> datetime:
        """The gateway's clock."""
        return self.gateway.clock()

    def outlook(self) -> Outlook:
        """How things stand, at most a few seconds ago."""
        with self._lock:
            if self._outlook is None or not fresh(self._outlook.now, self.now(), _FRESH):
                self._outlook = outlook(self.gateway, self._watch)
            return self._outlook

    def datasets(self) -> list[tuple[str, str]]:
        """Those that are read, with their Chinese names."""
        codes = dict.fromkeys(feed.source.dataset for feed in self.gateway.feeds)
        return [(code, self.gateway.edition.datasets[code].name) for code in codes]

    def changed(self) -> None:
        """A person did something: the next look must show it."""
        with self._lock:
            self._outlook = None
