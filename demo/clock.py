"""The demo's clock: five weeks pass in seconds, on both sides alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass
class DemoClock:
    """A clock that only the story moves, never backwards."""

    now: datetime

    def __call__(self) -> datetime:
        """What time it is in the story."""
        return self.now

    def move_to(self, moment: datetime) -> None:
        """Let time pass until `moment`."""
        self.now = max(self.now, moment)
