"""The same trouble again and again is told a few times and then counted, so that a night's outage does not fill the disk.

The first few lines of one (event, place, cause) pass in a window; the others are held, and at the window's end one line says
how many. While it goes on each window is twice as long as the one before. Lines below a warning always pass: they are work done.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

#: the event of the line that says how many were held
REPEATED = "repeated"
_LIMITED = ("warning", "error", "critical")
#: what makes two lines of one event the same trouble, beside its cause
_PLACE = ("source", "dataset", "target", "institution", "infno", "job", "tier", "kind", "subject", "path", "status", "channel")
_CAUSES = ("cause", "reason", "sentence", "where")
_DIGITS = re.compile(r"\d+")  # bytes left, ports, counts: another number is no other cause
_LONGEST_CAUSE = 300
_Key = tuple[str, ...]


@dataclass
class _Spell:
    """One trouble in its present window."""

    ends: float
    length: float  #: seconds
    seen: int
    held: int
    told: dict[str, Any]  #: what its line says


def _tell(line: dict[str, Any]) -> None:
    structlog.get_logger().warning(REPEATED, **line)


class Flood:
    """A structlog processor; it stands behind what gives the level and formats exceptions. May be used by any thread."""

    def __init__(
        self,
        first: int = 5,
        window: float = 60,
        longest: float = 3600,
        most: int = 1000,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[dict[str, Any]], None] = _tell,
    ) -> None:
        """`most` troubles are remembered; of more, the oldest is told and forgotten."""
        self._first, self._window, self._longest, self._most = first, window, longest, most
        self._clock, self._tell = clock, tell
        self._spells: dict[_Key, _Spell] = {}
        self._look = 0.0
        self._lock = threading.Lock()

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """The line, or DropEvent if it is only counted."""
        if event.get("level") not in _LIMITED or event.get("event") == REPEATED:
            return event
        with self._lock:
            now = self._clock()
            told = self._due(now)
            passes = self._passes(_key(event), event, now, told)
        self._all(told)
        if not passes:
            raise structlog.DropEvent
        return event

    def tick(self) -> None:
        """Tell what is due, also when no line comes: to be called every few seconds."""
        with self._lock:
            told = self._due(self._clock())
        self._all(told)

    def close(self) -> None:
        """Tell everything that is held."""
        with self._lock:
            told = [_summary(spell) for spell in self._spells.values() if spell.held]
            self._spells.clear()
        self._all(told)

    def _passes(self, key: _Key, event: MutableMapping[str, Any], now: float, told: list[dict[str, Any]]) -> bool:
        spell = self._spells.get(key)
        if spell is None:
            if len(self._spells) >= self._most:
                oldest = self._spells.pop(next(iter(self._spells)))
                told.extend([_summary(oldest)] if oldest.held else [])
            spell = self._spells[key] = _Spell(now + self._window, self._window, 0, 0, _told(event))
        spell.seen += 1
        spell.held += spell.seen > self._first
        return spell.seen <= self._first

    def _due(self, now: float) -> list[dict[str, Any]]:
        """What the windows that are over held back; a trouble that kept within its few lines is forgotten."""
        if now < self._look:
            return []
        self._look = now + 1
        over = [(key, spell) for key, spell in self._spells.items() if now >= spell.ends]
        for key, spell in over:
            if not spell.held:
                del self._spells[key]
                continue
            length = min(spell.length * 2, self._longest)
            self._spells[key] = _Spell(now + length, length, 0, 0, spell.told)
        return [_summary(spell) for _, spell in over if spell.held]

    def _all(self, told: list[dict[str, Any]]) -> None:
        for line in told:
            self._tell(line)


def _key(event: MutableMapping[str, Any]) -> _Key:
    trace = str(event.get("exception", "")).rpartition("\n")[2]
    cause = [*(str(event.get(name, "")) for name in _CAUSES), trace]
    place = (str(event.get(name, "")) for name in _PLACE)
    return (str(event.get("event")), *place, *(_DIGITS.sub("0", each[:_LONGEST_CAUSE]) for each in cause))


def _told(event: MutableMapping[str, Any]) -> dict[str, Any]:
    kept = {name: event[name] for name in (*_PLACE, *_CAUSES) if name in event}
    return {**kept, "of": event.get("event")}


def _summary(spell: _Spell) -> dict[str, Any]:
    return {**spell.told, "times": spell.held, "seconds": round(spell.length)}
