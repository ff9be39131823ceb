"""First-pass and final quality, apart: mending by hand must not hide that much is entered wrongly (work lists, DATASETS §7).

First pass: right when it was judged for the first time, and accepted without having been sent back before. Final: right now.
Counted in records, as the account of `gateway status` counts them, by business date; a row without a readable business time
counts on the day it was first seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from gateway.standing import Route


@dataclass(frozen=True, slots=True)
class Quality:
    """One data set of one source at one target, of one business date; None: of all that were added up."""

    route: Route
    day: date | None
    first: int = 0  #: right at once: accepted, and was never wrong before that
    mended: int = 0  #: right now, but not at once
    outdated: int = 0  #: accepted, and wrong at the site since: the platform shows the old value
    rejected: int = 0  #: sent back
    quarantined: int = 0  #: set aside, never reported
    underway: int = 0  #: no answer yet
    withdrawn: int = 0  #: taken back, or not owed any more
    slipped: int = 0  #: of `outdated`, those that were right at once

    @property
    def final(self) -> int:
        """Right now."""
        return self.first + self.mended

    @property
    def judged(self) -> int:
        """Of which it is known how they fared: what both rates are of."""
        return self.final + self.outdated + self.rejected + self.quarantined

    @property
    def records(self) -> int:
        """All of them: what the account calls its states and what it has in quarantine."""
        return self.judged + self.underway + self.withdrawn

    @property
    def first_right(self) -> int:
        """Right at once, whatever became of them since."""
        return self.first + self.slipped

    @property
    def first_rate(self) -> Decimal | None:
        """首次合格率; None where nothing is judged yet."""
        return Decimal(self.first_right) / self.judged if self.judged else None

    @property
    def final_rate(self) -> Decimal | None:
        """最终合格率."""
        return Decimal(self.final) / self.judged if self.judged else None


_COUNTS = ("first", "mended", "outdated", "rejected", "quarantined", "underway", "withdrawn", "slipped")


def total(found: Iterable[Quality]) -> list[Quality]:
    """One line for each route over all its days."""
    sums: dict[Route, Quality] = {}
    for each in found:
        so_far = sums.get(each.route, Quality(each.route, None))
        sums[each.route] = replace(so_far, **{name: getattr(so_far, name) + getattr(each, name) for name in _COUNTS})
    return list(sums.values())
