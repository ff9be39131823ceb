"""The drop folder of a data set that comes in two files: they are read together, and put away together, or not at all.

A whole pair stands in the archive, or among the bad, as a folder of its own. A file without its partner waits; it holds up what
came after it, or a late one would overwrite what is newer, unless each pair is everything there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters import setaside
from adapters.arrivals import Dropped, seen
from adapters.digests import file_digest
from adapters.dropfolder import STAMP, DropFolder, stuck
from adapters.pairing import Lonely, Pairing
from adapters.setaside import Piece


@dataclass(kw_only=True)
class PairFolder(DropFolder):
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

    def lonely(self) -> list[Lonely]:
        """Those of the last look that have waited for so long that a person must know."""
        limit = self.clock() - self.pairing.patience
        return [each for each in self._alone if each.since() < limit]

    def overwritten(self) -> list[Lonely]:
        """See DropFolder."""
        return [each for each in self._alone if each.stale]

    def _found(self) -> tuple[list[Dropped], list[Lonely]]:
        gone = setaside.leaving(self.archive) | setaside.leaving(self.bad)
        return self.pairing.pairs(each for each in self.arrivals.complete() if (each.path.name, each.stamp) not in gone)

    def archived(self) -> Iterator[Dropped]:
        """What was taken in, newest first."""
        for parcel in self._kept():
            main, partner = [*map(seen, setaside.members(parcel)), None, None][:2]
            if main and partner:
                yield replace(main, partner=partner)

    def _kept(self) -> list[Path]:
        return setaside.parcels(self.archive)

    def settle(self) -> None:
        """End what a crash has left half done. SourceError if it cannot be."""
        for folder in (self.archive, self.bad):
            try:
                setaside.settle(folder, self.inbox)
            except OSError as error:
                raise stuck(self.inbox, folder, error) from None

    def put_away(self, pieces: Sequence[Piece]) -> bool:
        """Both to the archive, as they were read, whatever stands in the drop folder by now."""
        return self._put(pieces, self.archive / self._stamp(pieces[0]))

    def reject(self, pieces: Sequence[Piece], reason: str) -> bool:
        """Both aside, with the reason beside them. False if one is another file by now: the pair is looked at again."""
        self._moved += 1
        place = self.bad / f"{self.clock():{STAMP}}-{self._moved:06d}-{pieces[0].digest[:12]}"
        return self._put(pieces, place, self._told(pieces, reason))

    def supersede(self, newest: Dropped) -> None:
        """See DropFolder."""
        for each in self._found()[1] if self._alone else ():
            if each.dropped.order < newest.order:
                try:
                    digest = file_digest(each.dropped.path)
                except FileNotFoundError:
                    continue
                self.reject([Piece(each.dropped, digest)], f"{each}；后来的一对已经读入，它不再有用")

    def _put(self, pieces: Sequence[Piece], place: Path, reason: str = "") -> bool:
        try:
            return setaside.put(pieces, place, reason)
        except OSError as error:
            raise stuck(pieces[0].dropped.path, place.parent, error) from None
