"""How each tier reads again, and when what vanished counts as gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.config.schedule import LAST_HOUR
from gateway.fingerprint import Tolerance
from gateway.lookback import Bounds
from gateway.voiding import Guards
from schemas.yamlfile import Section

#: sections about reading again and withdrawing; all may be left out
SECTIONS = ("tiers", "lookback", "void")


@dataclass(frozen=True, slots=True)
class Tiers:
    """How often and how far each tier reads, and when what vanished counts as gone."""

    overlap: timedelta
    warm_every: int  #: seconds
    cold_hour: int  #: of the day, Asia/Shanghai
    open_days: int  #: how far back the cold tier reads
    bounds: Bounds
    guards: Guards

    @property
    def tolerance(self) -> Tolerance:
        """What may vanish between two looks is what may be withdrawn at once."""
        return Tolerance(rows=self.guards.rows, percent=self.guards.percent)


def tiers(section: Section) -> Tiers:
    tiers, reach, void = (section.optional(name) or Section({}, section.file, name) for name in SECTIONS)
    tiers.known("overlap", "warm_every", "cold_hour", "open_days")
    reach.known("floor_days", "cap_days")
    void.known("sweeps", "rows", "percent")
    floor, cap = reach.at_least("floor_days", 1, 3), reach.at_least("cap_days", 1, 31)
    if floor > cap:
        raise reach.error("应不大于 cap_days", "floor_days")
    hour = tiers.at_least("cold_hour", 0, 2)
    if hour > LAST_HOUR:
        raise tiers.error("应为 0 至 23", "cold_hour")
    return Tiers(
        overlap=timedelta(seconds=tiers.at_least("overlap", 0, 120)),
        warm_every=tiers.at_least("warm_every", 10, 300),
        cold_hour=hour,
        open_days=tiers.at_least("open_days", 1, 45),
        bounds=Bounds(timedelta(days=floor), timedelta(days=cap)),
        guards=Guards(void.at_least("sweeps", 1, 2), void.at_least("rows", 1, 20), void.at_least("percent", 0, 1)),
    )
