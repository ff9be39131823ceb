"""Several files out of the drop folder at once, which no rename does: copied, made to count by one rename, then let go.

    .new-NAME        copies are being written; nothing counts yet, the files stand in the drop folder as they did
    NAME.leaving     all copies are on the disk: from this rename on the files are put away, and what still stands of them in the
                     drop folder is no new file
    NAME             nothing of them stands there any more

A crash between any two steps leaves one of these, and `settle` goes on from there. A file that was replaced meanwhile is another
file: it stays, or goes back to where it stood. And what someone else has still to read stays until he has put it away as well.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from adapters.dropped.arrivals import Dropped, marker_of, seen
from adapters.dropped.digests import file_digest

_NEW, _LEAVING, _TAKEN, _OLD = ".new-", ".leaving", ".taken-", ".old-"
_INDEX = ".parts.json"
REASON = "原因.txt"

Stamp = tuple[int, int]
#: whether someone else has still to read the file of that name and stamp
Wanted = Callable[[str, Stamp], bool]


@dataclass(frozen=True, slots=True)
class Piece:
    """One file as it was read."""

    dropped: Dropped
    digest: str
    content: bytes | None = None  #: None: it is copied from where it stands, if it is still the same there


def _nobody(name: str, stamp: Stamp) -> bool:
    return False


def put(pieces: Sequence[Piece], place: Path, reason: str = "", wanted: Wanted = _nobody) -> bool:
    """Put them away together under `place`. False, and nothing done, if one of them is another file by now. OSError as it comes."""
    fresh = place.with_name(_NEW + place.name)
    fresh.mkdir(parents=True)
    for each in pieces:
        copy = fresh / each.dropped.path.name
        if not _copied(each, copy):
            shutil.rmtree(fresh)
            return False
        os.utime(copy, ns=(each.dropped.changed, each.dropped.changed))  # which export is the newer one is asked of the archive too
    if reason:
        _write(fresh / REASON, io.BytesIO(reason.replace("\n", "\r\n").encode("utf-8-sig")))
    told = [{"name": each.dropped.path.name, "stamp": each.dropped.stamp, "digest": each.digest} for each in pieces]
    _write(fresh / _INDEX, io.BytesIO(json.dumps(told, ensure_ascii=False).encode()))
    _sync(fresh)
    leaving = place.with_name(place.name + _LEAVING)
    fresh.rename(leaving)
    _sync(place.parent)
    _let_go(leaving, pieces[0].dropped.path.parent, wanted)
    return True


def settle(folder: Path, inbox: Path, wanted: Wanted = _nobody) -> None:
    """End what a crash has left in this folder, or what had to wait for someone else. OSError as it comes."""
    for path in _inside(folder):
        if path.name.startswith((_NEW, _OLD)):
            shutil.rmtree(path)
        elif path.name.endswith(_LEAVING):
            _let_go(path, inbox, wanted)


def leaving(folder: Path) -> set[tuple[str, Stamp]]:
    """Name and stamp of files that are put away, and may still stand in the drop folder."""
    found = (path for path in _inside(folder) if path.name.endswith(_LEAVING))
    return {(name, stamp) for path in found for name, stamp, _ in _parts(path)}


def parcels(folder: Path) -> list[Path]:
    """What was put away, newest first; also what is no parcel, but a file from before there were any."""
    return sorted((path for path in _inside(folder) if not path.name.startswith(".")), reverse=True)


def members(parcel: Path) -> list[Path]:
    """Its files, in the order in which they were put there; none of a folder that is no parcel."""
    return [parcel / name for name, _, _ in _parts(parcel)]


def forget(parcel: Path) -> None:
    """Delete it: not half, should the power go meanwhile. Not while a file of it may stand there still: it would be new again."""
    if parcel.name.endswith(_LEAVING):
        return
    old = parcel.with_name(_OLD + parcel.name)
    parcel.rename(old)
    shutil.rmtree(old)


def _let_go(parcel: Path, inbox: Path, wanted: Wanted) -> None:
    parts = _parts(parcel)
    gone = [_gone(inbox / name, parcel / (_TAKEN + name), stamp, digest, wanted) for name, stamp, digest in parts]
    if all(gone):  # each was tried: one that must stay keeps no other
        parcel.rename(parcel.with_name(parcel.name.removesuffix(_LEAVING)))


def _gone(original: Path, taken: Path, stamp: Stamp, digest: str, wanted: Wanted) -> bool:
    """Take the original out of the drop folder, with its marker. False if someone else has still to read it."""
    if not taken.exists():
        found = seen(original)
        if found is None or found.stamp != stamp:
            return True
        if wanted(original.name, stamp):
            return False
        marker = seen(marker_of(original))
        original.rename(taken)
        if marker and seen(marker.path) == marker:  # another one is of the next file of that name
            marker.path.unlink(missing_ok=True)
    if file_digest(taken) == digest or original.exists():
        taken.unlink()
    else:  # it was replaced between our look and the move
        taken.rename(original)
    return True


def _copied(piece: Piece, copy: Path) -> bool:
    if piece.content is not None:
        _write(copy, io.BytesIO(piece.content))
        return True
    if piece.dropped.path.is_symlink():  # what it leads to is not ours to copy
        return False
    try:
        with piece.dropped.path.open("rb") as file:
            _write(copy, file)
    except FileNotFoundError:
        return False
    return file_digest(copy) == piece.digest


def _write(path: Path, content: IO[bytes]) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """A rename is on the disk only when its folder is; Windows does that by itself, and opens no folder."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _parts(parcel: Path) -> Iterator[tuple[str, Stamp, str]]:
    try:
        told = json.loads((parcel / _INDEX).read_bytes())
    except (FileNotFoundError, NotADirectoryError):  # put there by someone else, or pruned meanwhile
        return
    for each in told:
        size, changed = each["stamp"]
        yield each["name"], (size, changed), each["digest"]


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
