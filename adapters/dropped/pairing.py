"""Head file and line file: which two belong together, and which one still waits for the other.

They are told by what stands in place of the star in their names. Where names are used again, the next head must not be read with
the last lines: so the site says which of the two is written last, and a pair in which that one is the older is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.dropped.arrivals import Dropped
from adapters.dropped.filenames import Naming
from schemas.wire import SHANGHAI

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Lonely:
    """A file without its partner, and which that would be."""

    dropped: Dropped
    missing: str
    stale: bool  #: a partner is there, and it is of the export before

    def since(self) -> datetime:
        """When it was written."""
        return datetime.fromtimestamp(self.dropped.changed / _SECOND, SHANGHAI)

    def __str__(self) -> str:
        name = self.dropped.path.name
        if self.stale:
            return (
                f"{name} 在等 {self.missing}：现有的那一份比它旧，多半是上一次导出的，没有配在一起读"
                f"（确是同一次导出的，把 {self.missing} 重新存一遍）"
            )
        return f"{name} 在等与它成对的 {self.missing}：还没有来，或还没有写完"


@dataclass(frozen=True, slots=True)
class Pairing:
    """How the two files of a data set find each other."""

    main: Naming  #: whose lines are the rows
    partner: Naming
    main_last: bool  #: whether the main one is written after its partner
    patience: timedelta  #: for so long one may wait without a word

    @property
    def last(self) -> Naming:
        """Whose files are there only when both are."""
        return self.main if self.main_last else self.partner

    def pairs(self, files: Iterable[Dropped]) -> tuple[list[Dropped], list[Lonely]]:
        """The pairs, each as its main file with its partner, oldest first; and who waits."""
        found = list(files)
        mains = {self.main.part(each.path.name): each for each in found if self.main.takes(each.path.name)}
        partners = {self.partner.part(each.path.name): each for each in found if self.partner.takes(each.path.name)}
        paired = [
            replace(each, partner=partners[part])
            for part, each in mains.items()
            if part in partners and self._ordered(each, partners[part])
        ]
        whole = {self.main.part(each.path.name) for each in paired}
        lonely = [*self._lonely(mains, partners, self.partner, whole), *self._lonely(partners, mains, self.main, whole)]
        return sorted(paired, key=lambda each: each.order), sorted(lonely, key=lambda each: each.dropped.order)

    def _ordered(self, main: Dropped, partner: Dropped) -> bool:
        first, last = (partner, main) if self.main_last else (main, partner)
        return last.changed >= first.changed

    def _lonely(self, ones: dict[str, Dropped], others: dict[str, Dropped], sought: Naming, paired: set[str]) -> Iterator[Lonely]:
        """Of two that are no pair the newer one waits; the older is what is left of the export before."""
        for part, each in ones.items():
            other = others.get(part)
            if part not in paired and (other is None or other.changed < each.changed):
                yield Lonely(each, other.path.name if other else sought.named(part), other is not None)
