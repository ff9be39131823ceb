"""A folder into which the site drops files: where those go that were taken in or are no good.

Nothing is ever deleted but what stood in the archive for long enough. A file stays where it is until every row of it is in the
store, so that a crash only means that it is read again; it is moved by one rename, and if it was another file by then it goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from adapters.dropped import setaside
from adapters.dropped.arrivals import Arrivals, Dropped, marker_of, seen
from adapters.dropped.digests import file_digest
from adapters.dropped.pairing import Lonely
from adapters.dropped.setaside import Piece
from gateway.errors import SourceError
from schemas.errors import file_trouble
from schemas.wire import SHANGHAI

ARCHIVE, BAD = "archive", "bad"
#: memo files that belong to a .dbf
_COMPANIONS = (".dbt", ".fpt", ".DBT", ".FPT")
STAMP = "%Y%m%dT%H%M%S.%f"  #: to the microsecond: a restarted program counts its files from one again
_STAMPED = len("20260101T000000.000000")
#: bytes of a dropped file's own name that are kept of it; a file system takes 255 with what we add
_NAME = 180


@dataclass
class DropFolder:
    """The files of one data set."""

    arrivals: Arrivals
    dataset: str
    keep_days: int
    clock: Callable[[], datetime] = lambda: datetime.now(SHANGHAI)
    _moved: int = 0

    @property
    def copies(self) -> bool:
        """Whether what was read is written to the archive once more, instead of being moved there."""
        return False

    @property
    def holds_others(self) -> bool:
        """Whether the archive has something, and nothing that is read: the profile read another number of files before."""
        return bool(self._kept()) and next(iter(self.archived()), None) is None

    @property
    def inbox(self) -> Path:
        """Where the site drops them."""
        return self.arrivals.inbox

    @property
    def archive(self) -> Path:
        """Where what was taken in is kept."""
        return self.inbox / ARCHIVE / self.dataset

    @property
    def bad(self) -> Path:
        """Where what is no good is put, each with its reason beside it."""
        return self.inbox / BAD / self.dataset

    def waiting(self) -> list[Dropped]:
        """The complete files, oldest first. SourceError if the folder cannot be read."""
        return sorted(self.arrivals.complete(), key=lambda each: each.order)

    def archived(self) -> Iterator[Dropped]:
        """What was taken in, newest first."""
        yield from (each for path in self._kept() if path.is_file() and (each := seen(path)))

    def _kept(self) -> list[Path]:
        try:
            return sorted((path for path in self.archive.iterdir() if path.suffix not in _COMPANIONS), reverse=True)
        except FileNotFoundError:
            return []

    def alone(self) -> list[Lonely]:
        """Files of the last look that wait for their partner: where one is enough, none."""
        return []

    def lonely(self) -> list[Lonely]:
        """Those of them that have waited for so long that a person must know."""
        return []

    def overwritten(self) -> list[Lonely]:
        """Files of the last look that took the name of one half of the pair before, of which the other half still stands there."""
        return []

    def settle(self) -> None:
        """End what a crash has left half done: one rename is never half done."""

    def supersede(self, newest: Dropped) -> None:
        """A whole file was taken in: what still waits for its partner and is older says nothing any more."""

    def put_away(self, pieces: Sequence[Piece]) -> bool:
        """Move a file whose rows are in the store to the archive. False if it is another one by now: it stays, and is read."""
        (piece,) = pieces
        return self._move(piece, self.archive / f"{self._stamp(piece)}-{_shortened(piece.dropped.path)}")

    def reject(self, pieces: Sequence[Piece], reason: str) -> bool:
        """Move a file that is no good aside, with the reason in a text beside it."""
        (piece,) = pieces
        place = self.bad / f"{self.clock():{STAMP}}-{piece.digest[:12]}-{_shortened(piece.dropped.path)}"
        if not self._move(piece, place):
            return False
        place.with_name(place.name + ".txt").write_text(self._told(pieces, reason), encoding="utf-8-sig", newline="\r\n")
        return True

    def _told(self, pieces: Sequence[Piece], reason: str) -> str:
        names = " 和 ".join(each.dropped.path.name for each in pieces)
        return f"{names} 没有读入，一行也没有报送。\n原因：{reason}\n改好后{self._way_back()}，或请厂商重新导出。\n"

    def _way_back(self) -> str:
        return f"重新放回 {self.inbox}"

    def _stamp(self, piece: Piece) -> str:
        self._moved += 1
        return f"{self._moment():{STAMP}}-{self._moved:06d}-{piece.digest[:12]}"

    def _moment(self) -> datetime:
        """Now, and after the newest in the archive: a clock that was set back must not make an older file the newest one."""
        now = self.clock().astimezone(SHANGHAI)
        for known in self._kept():
            try:
                newest = datetime.strptime(known.name[:_STAMPED], STAMP).replace(tzinfo=SHANGHAI)
            except ValueError:  # put there by someone else
                continue
            return max(now, newest + timedelta(microseconds=1))
        return now

    def prune(self) -> None:
        """Delete what has stood in the archive for longer than it is kept; the newest stays, it is what holds now."""
        limit = f"{self.clock() - timedelta(days=self.keep_days):{STAMP}}"
        for old in self._kept()[1:]:
            if old.name < limit:
                self._delete(old)

    def _delete(self, old: Path) -> None:
        if old.is_dir():
            setaside.forget(old)
        else:
            for path in (old, *companions(old)):
                path.unlink(missing_ok=True)

    def _move(self, piece: Piece, place: Path) -> bool:
        dropped = piece.dropped
        marker = seen(marker_of(dropped.path))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            Path(dropped.path).replace(place)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise stuck(dropped.path, place.parent, error) from None
        if not _holds(place, piece.digest):
            _give_back(place, dropped.path)
            return False
        for companion in companions(dropped.path):
            Path(companion).replace(place.with_suffix(companion.suffix))
        if marker and seen(marker.path) == marker:  # another one is of the next file of that name
            marker.path.unlink(missing_ok=True)
        return True


def stuck(path: Path, place: Path, error: OSError) -> SourceError:
    """A file that cannot be moved away."""
    return SourceError(f"文件 {path} 移不到 {place}：{file_trouble(error)}；内容已读入，移走之前每次会重读")


def _holds(path: Path, digest: str) -> bool:
    """Whether that is its content; of a link that leads nowhere from there it is not."""
    try:
        return file_digest(path) == digest
    except FileNotFoundError:
        return False


def _shortened(path: Path) -> str:
    """The file's own name, cut where ours before it would make it too long to be moved; its ending stays."""
    room = _NAME - len(path.suffix.encode())
    return path.stem.encode()[:room].decode(errors="ignore") + path.suffix


def _give_back(place: Path, original: Path) -> None:
    """A file that was replaced while it was read: to where it stood, beside what may stand there again by now."""
    free = original
    number = 0
    while free.exists():
        number += 1
        free = original.with_name(f"{original.stem}-{number}{original.suffix}")
    Path(place).replace(free)


def companions(path: Path) -> Iterator[Path]:
    """The files that belong to it and to nothing else."""
    if path.suffix.lower() == ".dbf":
        yield from (each for suffix in _COMPANIONS if (each := path.with_suffix(suffix)).exists())
