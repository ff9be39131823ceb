"""The drop folder of a data set whose files no single rename takes away: two that belong together, or one that others read too.

What was taken in, and what is no good, stands in a folder of its own. A file that several data sets read stays in the drop folder
until each of them has put its own copy away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.dropped import setaside
from adapters.dropped.arrivals import Dropped, seen
from adapters.dropped.dropfolder import STAMP, DropFolder, stuck
from adapters.dropped.filenames import Naming
from adapters.dropped.setaside import Piece, Stamp


@dataclass(frozen=True, slots=True)
class Sharer:
    """Another data set of the source: which files it reads, and where it puts them away."""

    names: tuple[Naming, ...]
    folders: tuple[Path, ...]

    def awaits(self, name: str, stamp: Stamp) -> bool:
        """Whether it has still to read that file."""
        return any(each.takes(name) for each in self.names) and not any(
            (name, stamp) in setaside.leaving(place) for place in self.folders
        )


@dataclass(kw_only=True)
class ParcelFolder(DropFolder):
    """The parcels of one data set."""

    sharers: tuple[Sharer, ...] = ()

    @property
    def copies(self) -> bool:
        """See DropFolder."""
        return True

    def waiting(self) -> list[Dropped]:
        """The complete files that were not taken in yet, oldest first. SourceError if the folder cannot be read."""
        return sorted(self._fresh(), key=lambda each: each.order)

    def _fresh(self) -> list[Dropped]:
        gone = setaside.leaving(self.archive) | setaside.leaving(self.bad)
        return [each for each in self.arrivals.complete() if (each.path.name, each.stamp) not in gone]

    def archived(self) -> Iterator[Dropped]:
        """What was taken in, newest first."""
        parts = len(self.arrivals.names)
        for parcel in self._kept():
            found = [each for path in setaside.members(parcel)[:parts] if (each := seen(path))]
            if len(found) == parts:
                yield replace(found[0], partner=found[1] if parts > 1 else None)

    def _kept(self) -> list[Path]:
        return setaside.parcels(self.archive)

    def settle(self) -> None:
        """End what a crash has left half done, and what waited for another data set. SourceError if it cannot be."""
        for folder in (self.archive, self.bad):
            try:
                setaside.settle(folder, self.inbox, self._awaited)
            except OSError as error:
                raise stuck(self.inbox, folder, error) from None

    def put_away(self, pieces: Sequence[Piece]) -> bool:
        """All to the archive, as they were read, whatever stands in the drop folder by now."""
        return self._put(pieces, self.archive / self._stamp(pieces[0]))

    def reject(self, pieces: Sequence[Piece], reason: str) -> bool:
        """All aside, with the reason beside them. False if one is another file by now: it is looked at again."""
        self._moved += 1
        place = self.bad / f"{self.clock():{STAMP}}-{self._moved:06d}-{pieces[0].digest[:12]}"
        return self._put(pieces, place, self._told(pieces, reason))

    def _put(self, pieces: Sequence[Piece], place: Path, reason: str = "") -> bool:
        try:
            return setaside.put(pieces, place, reason, self._awaited)
        except OSError as error:
            raise stuck(pieces[0].dropped.path, place.parent, error) from None

    def _awaited(self, name: str, stamp: Stamp) -> bool:
        return any(each.awaits(name, stamp) for each in self.sharers)
