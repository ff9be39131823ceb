"""Which of the files that the site drops are complete: what is still being written is not read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from adapters.dropped.filenames import Naming
from gateway.errors import SourceError
from schemas.errors import file_trouble

_MARK = ".ok"
#: nanoseconds by which a file system of a share may round the times of two files
_COARSE = 2_000_000_000


class Arrival(StrEnum):
    """By what a file is known to be written to its end."""

    RENAME = "rename"  #: it gets its name when it is complete
    STILL = "still"  #: size and change time stay the same for some seconds
    MARKER = "marker"  #: a file of the same name with .ok behind it


@dataclass(frozen=True, slots=True)
class Dropped:
    """A complete file as it was seen."""

    path: Path
    size: int
    changed: int  #: nanoseconds
    partner: Dropped | None = None  #: the file that is read with it

    @property
    def files(self) -> tuple[Dropped, ...]:
        """It, and the one that is read with it, each by itself."""
        return (self,) if self.partner is None else (replace(self, partner=None), self.partner)

    @property
    def stamp(self) -> tuple[int, int]:
        """Another one means another content."""
        return self.size, self.changed

    @property
    def order(self) -> tuple[int, str]:
        """What was written later counts more."""
        return self.since, self.path.name

    @property
    def since(self) -> int:
        """When the first of its files was written, in nanoseconds."""
        return min(each.changed for each in self.files)


@dataclass
class Arrivals:
    """The files of some names in one folder."""

    inbox: Path
    names: tuple[Naming, ...]
    arrival: Arrival
    still: float  #: seconds
    marked: Naming | None = None  #: whose files have a marker; None: all
    pause: Callable[[float], None] = time.sleep
    ticks: Callable[[], float] = time.monotonic
    _known: dict[Path, tuple[tuple[int, int], float]] = field(default_factory=dict)

    def complete(self) -> list[Dropped]:
        """Those that are written to their end. SourceError if the folder cannot be read."""
        found = self._look()
        if self.arrival is Arrival.STILL and (fresh := self._unripe(found)):
            self.pause(max(0.0, self.still - min(self.ticks() - since for since in fresh.values())))
            found = self._look()
            unripe = self._unripe(found)
            found = [each for each in found if each.path not in unripe]
        return found

    def _look(self) -> list[Dropped]:
        try:
            found = {path for each in self.names for path in self.inbox.glob(each.pattern) if each.takes(path.name)}
            paths = [path for path in found if path.is_file() and not path.name.startswith(".")]
            if not self.inbox.is_dir():
                raise FileNotFoundError
        except OSError as error:
            raise SourceError(f"投放文件夹 {self.inbox} 打不开：{file_trouble(error)}") from None
        if self.arrival is Arrival.MARKER:
            paths = [path for path in paths if _marks(path) or (self.marked and not self.marked.takes(path.name))]
        return [each for path in paths if path.suffix != _MARK and (each := seen(path))]

    def _unripe(self, found: list[Dropped]) -> dict[Path, float]:
        """Files that were not seen the same for long enough, and since when they are."""
        now = self.ticks()
        for each in found:
            if each.path not in self._known or self._known[each.path][0] != each.stamp:
                self._known[each.path] = (each.stamp, now)
        here = {each.path for each in found}
        self._known = {path: known for path, known in self._known.items() if path in here}
        return {path: since for path, (_, since) in self._known.items() if now - since < self.still}


def seen(path: Path) -> Dropped | None:
    """The file as it is now; None of one that was taken away meanwhile."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return Dropped(path, found.st_size, found.st_mtime_ns)


def marker_of(path: Path) -> Path:
    """The file that says that this one is complete."""
    return path.with_name(path.name + _MARK)


def _marks(path: Path) -> bool:
    """Whether its marker was written after it: one that was left behind by a crash says nothing of the next file of that name."""
    marker, file = seen(marker_of(path)), seen(path)
    return bool(marker and file and marker.changed >= file.changed - _COARSE)
