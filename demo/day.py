"""One day at one institution: its clock and its own dice, so that a longer story begins like a shorter one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from demo.dirt import Fate
from demo.district import Institution
from demo.rows import Version
from schemas.wire import SHANGHAI


@dataclass(frozen=True, slots=True)
class Day:
    """What the departments of an institution need to know to make up a day."""

    institution: Institution
    on: date
    first: date  #: first day of the story; nothing is stored before it
    seed: int

    def random(self, topic: str) -> Random:
        """Dice of one topic of this day; other topics and days do not disturb them."""
        return Random(f"{self.seed}|{self.institution.code}|{topic}|{self.on}")

    def at(self, hour: int, minute: int = 0, second: int = 0) -> datetime:
        """A moment of this day."""
        return datetime.combine(self.on, time(hour, minute, second), SHANGHAI)

    @property
    def opening(self) -> bool:
        """Whether the story begins today."""
        return self.on == self.first

    def before(self, days: int, hour: int) -> datetime:
        """That hour so many days ago, but never before the story."""
        return max(self.at(hour) - timedelta(days=days), datetime.combine(self.first, time(0, 1), SHANGHAI))


def withdrawal(dirt: str, after: datetime, random: Random, state_column: str) -> list[Version]:
    """The last version of a row that is deleted or cancelled; none for other dirt."""
    at = after + timedelta(hours=random.randint(2, 30), minutes=random.randint(0, 59))
    if dirt == "deleted":
        return [Version(at, {"delete_flag": "1"}, Fate.VOID, dirt)]
    if dirt == "cancelled":
        return [Version(at, {state_column: "cancelled"}, Fate.VOID, dirt)]
    return []


def entered(dirt: str, usual: datetime, random: Random) -> datetime:
    """When the row is typed in: as usual, or 1 to 4 days later."""
    if dirt != "late_entry":
        return usual
    return usual + timedelta(days=random.randint(1, 4), minutes=random.randint(0, 120))


def fate_at_once(dirt: str, *kinds: str) -> Fate:
    """QUARANTINED if the row is wrong from the start in one of these ways, else CLEAN."""
    return Fate.QUARANTINED if dirt in kinds else Fate.CLEAN
