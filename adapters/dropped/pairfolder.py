"""The drop folder of a data set that comes in two files: they are read together, and put away together, or not at all.

A file without its partner waits; it holds up what came after it, or a late one would overwrite what is newer, unless each pair is
everything there is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.dropped.arrivals import Dropped
from adapters.dropped.digests import file_digest
from adapters.dropped.pairing import Lonely, Pairing
from adapters.dropped.parcelfolder import ParcelFolder
from adapters.dropped.setaside import Piece


@dataclass(kw_only=True)
class PairFolder(ParcelFolder):
    """The pairs of one data set."""

    pairing: Pairing
    holds: bool  #: whether a pair waits for the file before it
    _alone: list[Lonely] = field(default_factory=list)

    def waiting(self) -> list[Dropped]:
        """The complete pairs, oldest first, up to the first file that lacks its partner. SourceError as of single files."""
        pairs, self._alone = self._found()
        if not self.holds or not self._alone:
            return pairs
        return [each for each in pairs if each.order < self._alone[0].dropped.order]

    def alone(self) -> list[Lonely]:
        """See DropFolder."""
        return self._alone

    def lonely(self) -> list[Lonely]:
        """See DropFolder."""
        limit = self.clock() - self.pairing.patience
        return [each for each in self._alone if each.since() < limit]

    def overwritten(self) -> list[Lonely]:
        """See DropFolder."""
        return [each for each in self._alone if each.stale]

    def _way_back(self) -> str:
        """Whoever mends the one that must not be newer has to save the other one after it."""
        return f"两份一起放回 {self.inbox}，名字合 {self.pairing.last.pattern} 的那一份最后再存一遍（比另一份旧的不会配在一起读）"

    def _found(self) -> tuple[list[Dropped], list[Lonely]]:
        return self.pairing.pairs(self._fresh())

    def supersede(self, newest: Dropped) -> None:
        """See DropFolder."""
        for each in self._found()[1] if self._alone else ():
            if each.dropped.order < newest.order:
                try:
                    digest = file_digest(each.dropped.path)
                except FileNotFoundError:
                    continue
                self.reject([Piece(each.dropped, digest)], f"{each}；后来的一对已经读入，它不再有用")
