"""A source over files that the site drops into a folder: each is read whole or not at all, taken in once, then put away.

A `whole` file is everything there is: the newest good one, waiting or in the archive, is what a sweep looks at. Of `changes` each
file is read in its turn; from the start means all of them, each row as the newest file has it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.dropped import filejoin, filetable
from adapters.dropped.arrivals import Dropped, seen
from adapters.dropped.digests import digest_of, file_digest
from adapters.dropped.dropfolder import DropFolder, companions
from adapters.dropped.filejoin import BETWEEN, Role
from adapters.dropped.filerows import FileRows
from adapters.dropped.filetable import Form, Layout, LocalRow
from adapters.dropped.filetext import BadFileError
from adapters.dropped.setaside import Piece
from adapters.localsource import KeyKind, LocalSource
from adapters.mapping import CURSOR_KEY, HEADLESS, ROW_REF
from adapters.plan import Parts
from gateway.errors import SourceError
from gateway.model import Cursor, Mark, Page, Reading, SourceRow
from schemas import tablefile
from schemas.errors import SpecError, file_trouble
from schemas.wire import SHANGHAI

if TYPE_CHECKING:
    from adapters.dropped.filesplan import FileEntry


@dataclass(frozen=True, slots=True)
class Content:
    """A file, or a pair, read whole: its rows by their own keys."""

    dropped: Dropped
    pieces: tuple[Piece, ...]
    rows: Mapping[str, LocalRow]
    bare: int = 0  #: heads in the other file that have not one line

    @property
    def count(self) -> int:
        """How many rows it has, without those of which only a line is there: a head file that was cut short has few."""
        return sum(HEADLESS not in row for row in self.rows.values())


@dataclass(frozen=True, slots=True)
class Bad:
    """What is not taken in, and why."""

    pieces: tuple[Piece, ...]
    reason: str

    def __str__(self) -> str:
        return f"{' 和 '.join(each.dropped.path.name for each in self.pieces)}：{self.reason}"


class FileSource(LocalSource):
    """One data set of dropped files."""

    def __init__(
        self,
        parts: Parts,
        dataset: str,
        entry: FileEntry,
        folder: DropFolder,
        clock: Callable[[], datetime] = lambda: datetime.now(SHANGHAI),
    ) -> None:
        super().__init__(parts, dataset, entry.pattern, Reading.INCREMENTAL, KeyKind.TEXT)
        self.entry, self.folder, self._clock = entry, folder, clock
        self._lock = threading.Lock()
        self._newest: Content | None = None  #: read last; a sweep asks for the same file again and again
        self._finished: list[Content] = []
        self._bad: dict[Dropped, Bad] = {}
        self._late: list[str] = []
        self._bare: dict[str, int] = {}  #: of what was read last: how many heads of which file have no line

    @property
    def sweeps(self) -> bool:
        """Whether a file says what is not there any more."""
        return self.entry.snapshot == "whole"

    def pages(self, after: Cursor | None, size: int) -> Iterator[Page]:
        """The rows of every complete file, each file whole. What was read to its end is put away by `put_away`, not here.

        SourceQueryError after the good ones, if there are files that are no good.
        """
        self._finished, self._bare = [], {}
        moment, number = f"{self._clock():%Y%m%d%H%M%S%f}", 0
        for content, rows in self._contents(after):
            if content.bare and content.dropped.partner:
                self._bare[content.dropped.partner.path.name] = content.bare
            for some in _chunks(rows, size):
                mapped = []
                for row in some:
                    number += 1
                    row[CURSOR_KEY] = f"{moment}-{number:09d}"
                    mapped.append(self._mapped(row, Cursor(None, row[CURSOR_KEY]), timed=False))
                yield Page(tuple(mapped), mapped[-1].cursor)
            self._finished.append(content)  # whoever asks on has taken every page of it in
        if told := [*self._refused(), *self._waiting_long(), *self._late]:
            raise self.wrong("；".join(told))

    def held_back(self) -> list[str]:
        """See gateway.ports: who tries a new profile has not the time to wait."""
        return list(map(str, self.folder.alone()))

    def left_bare(self) -> list[str]:
        """What the last reading met that is neither a row nor a mistake, but may be the sign of one."""
        return [
            f"主表文件 {name} 里有 {count} 张单据在明细文件里一行也没有，没有东西可报："
            "请核对 HIS 里它们是不是真的没有明细，还是导出时少了"
            for name, count in self._bare.items()
        ]

    def _refused(self) -> Iterator[str]:
        if self._bad:
            told = "；".join(map(str, self._bad.values()))
            yield f"有文件不能读入，已移到或将移到 {self.folder.bad}：{told}。改好放回，或请厂商重新导出，怎样放回见旁边的原因"

    def _waiting_long(self) -> Iterator[str]:
        if lonely := self.folder.lonely():
            told = "；".join(f"{each}，已等 {_ago(self._clock() - each.since())}" for each in lonely)
            after = "" if self.sweeps else "，后来的文件也在等它"
            yield f"有文件等不到它的另一半，没有读入{after}：{told}。请厂商补上缺的一份；补不上的，把等着的移出投放文件夹"

    def put_away(self) -> None:
        """Move what was taken in to the archive, and what is no good aside. Called once its rows are in the store."""
        finished, self._finished = sorted(self._finished, key=lambda each: each.dropped.order), []
        bad, self._bad = list(self._bad.values()), {}
        if finished or bad:
            self._newest = None  # it stands elsewhere from now on
        self.folder.settle()
        for content in finished:
            if self.folder.archive not in content.dropped.path.parents:
                self.folder.put_away(content.pieces)
        for each in bad:
            self.folder.reject(each.pieces, each.reason)
        if finished:
            if self.sweeps:
                self.folder.supersede(finished[-1].dropped)
            self.folder.prune()

    def window(self, start: datetime, end: datetime, size: int) -> Iterator[Page]:
        """Every row of the newest whole file whose business time is in [start, end): one file is one moment.

        SourceQueryError while one half of a pair was overwritten by the next export: what it said may be nowhere any more.
        """
        content = self._sure()
        if stale := [str(each) for each in self.folder.overwritten()]:
            raise self.wrong(f"{'；'.join(stale)}；凑齐之前不核对有没有删除")
        mapped = (self._as_is(row) for row in content.rows.values()) if content else ()
        within = [row for row in mapped if _is_within(row.values.get(self.mapping.dataset.occurred), start, end)]
        for first in range(0, len(within), size):
            some = within[first : first + size]
            yield Page(tuple(some), some[-1].cursor)

    def lookup(self, refs: Collection[str]) -> tuple[SourceRow, ...]:
        """Those of these rows that the newest whole file has."""
        content = self._sure()
        rows = content.rows if content else {}
        return tuple(self._as_is(rows[ref]) for ref in dict.fromkeys(refs) if ref in rows)

    def mark(self) -> Mark:
        """Which folder it is, and how many rows a whole file has: one that was cut short is told from deleting."""
        identity = f"{self.folder.inbox.resolve()}{BETWEEN}{self.entry.pattern}"
        content = self._present() if self.sweeps else None
        return Mark(identity, None, content.count if content else None)

    def count(self) -> int | None:
        """Nobody can say but the file itself."""
        return None

    def _need_whole(self) -> None:
        if not self.sweeps:
            raise self.wrong("文件只有变化的行（snapshot: changes），不能按业务时间核对或补读")

    def _contents(self, after: Cursor | None) -> Iterator[tuple[Content, Iterable[LocalRow]]]:
        """The files to be read, with the rows of each that count."""
        if self.sweeps:
            yield from self._whole(after)
        elif after is not None:
            for content in filter(None, map(self._read, self.folder.waiting())):
                yield content, self._still_new(content)
        else:
            yield from self._history()

    def _still_new(self, late: Content) -> list[LocalRow]:
        """Its rows, but for those of which a newer file was taken in before it came: what that said must not be undone."""
        known: set[str] = set()
        for dropped in self.folder.archived():
            if dropped.since > late.dropped.since and (content := self._read(dropped)):
                known.update(content.rows)
        return [row for ref, row in late.rows.items() if ref not in known]

    def _whole(self, after: Cursor | None) -> Iterator[tuple[Content, Iterable[LocalRow]]]:
        """The newest good file; those that waited before it are what it says, or what it says is gone."""
        waiting = self._current()
        good: Content | None = None
        older: list[Dropped] = []
        for dropped in reversed(waiting):
            if good is None:
                good = self._read(dropped)
            else:
                older.append(dropped)
        for dropped in reversed(older):
            if content := self._read(dropped):
                self._finished.append(content)
        if good is None and after is None:
            good = self._first_good(self.folder.archived())
        if good:
            yield good, good.rows.values()

    def _history(self) -> Iterator[tuple[Content, Iterable[LocalRow]]]:
        """Newest first, so that a row that stands in several files is what the newest one says."""
        known: set[str] = set()
        every = sorted((*self.folder.archived(), *self.folder.waiting()), key=lambda each: each.order, reverse=True)
        for dropped in every:
            content = self._read(dropped)
            if content:
                fresh = [row for ref, row in content.rows.items() if ref not in known]
                known.update(content.rows)
                yield content, fresh

    def _present(self) -> Content | None:
        """The newest good whole file; None before there was one."""
        return self._first_good(itertools.chain(reversed(self._current()), self.folder.archived()))

    def _current(self) -> list[Dropped]:
        """What waits, but for whole files that come after a newer one was taken in: they would bring back what it has changed."""
        waiting, known = self.folder.waiting(), next(self.folder.archived(), None)
        late = [each for each in waiting if known is not None and each.since < known.since]
        self._late = [_told_late(each, known) for each in late if known is not None]
        return [each for each in waiting if each not in late]

    def _sure(self) -> Content | None:
        """The same, for whoever tells from it what is gone: what stands in the archive in another shape says nothing of that."""
        self._need_whole()
        content = self._present()
        if content is None and self.folder.holds_others:
            raise self.wrong(f"{self.folder.archive} 里只有照以前的适配包存档的文件，新的一份到了才能核对")
        return content

    def _first_good(self, files: Iterable[Dropped]) -> Content | None:
        return next((content for each in files if (content := self._read(each))), None)

    def _read(self, dropped: Dropped) -> Content | None:
        """None if the file is no good, or was taken away meanwhile. What it held is known for the next question."""
        with self._lock:
            if self._newest and self._newest.dropped == dropped:
                return self._newest
            try:
                content = self._content(dropped)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise SourceError(
                    f"数据源 {self.name} 的 {self.dataset}：文件 {dropped.path.name} 读不出来：{file_trouble(error)}"
                ) from None
            except (BadFileError, SpecError) as error:
                self._note_bad(dropped, str(error))
                return None
            self._newest = content or self._newest
            return content

    def _content(self, dropped: Dropped) -> Content | None:
        """None if a file was replaced while it was read: next time. BadFileError, SpecError or OSError if it cannot be read."""
        tables, pieces = [], []
        for each, layout in zip(dropped.files, self.entry.layouts, strict=True):
            raw, rows = _table(each.path, layout, f"{each.path.name} 里：" if dropped.partner else "")
            tables.append(rows)
            pieces.append(Piece(each, digest_of(raw), raw if self._keeps(dropped) else None))
        found = FileRows(self.entry, self.mapping, self.facts).keyed(*tables)
        partner = self.entry.partner
        bare = filejoin.bare(tables[0], tables[1], partner) if partner and partner.role is Role.HEADS else 0
        if any(self._replaced(piece, dropped, layout) for piece, layout in zip(pieces, self.entry.layouts, strict=True)):
            return None
        files = dropped.files if self.folder.copies else ()
        memos = [_piece(memo) for each in files for memo in map(seen, companions(each.path)) if memo]
        return Content(dropped, (*pieces, *memos), found, bare)

    def _keeps(self, dropped: Dropped) -> bool:
        """Whether its bytes are kept until it is put away."""
        return self.folder.copies and self.folder.archive not in dropped.path.parents

    def _replaced(self, piece: Piece, dropped: Dropped, layout: Layout) -> bool:
        """A dBase file is read by its path; and of a pair both must have stood there at one moment."""
        if layout.form is Form.DBF:
            return file_digest(piece.dropped.path) != piece.digest
        return dropped.partner is not None and seen(piece.dropped.path) != piece.dropped

    def _note_bad(self, dropped: Dropped, reason: str) -> None:
        """A file in the archive was good when it came: the manifest or the mapping changed since, and a person is told of it."""
        if self.folder.archive in dropped.path.parents:
            raise self.wrong(f"存档的文件 {dropped.path.name} 按现在的适配包读不了：{reason}")
        try:
            self._bad[dropped] = Bad(tuple(map(_piece, dropped.files)), reason)
        except OSError:  # taken away meanwhile: it is nobody's trouble any more
            return

    def _as_is(self, row: LocalRow) -> SourceRow:
        """The row outside of a reading: its cursor is asked by nobody."""
        return self._mapped(row, Cursor(None, row[ROW_REF]), timed=False)


def _table(path: Path, layout: Layout, where: str) -> tuple[bytes, list[LocalRow]]:
    """The bytes of a file and its rows. BadFileError begins with `where`."""
    try:
        if path.is_symlink():
            raise BadFileError("是指向别处的链接，不是文件：请把文件本身放进来")
        raw = tablefile.content_of(path)
        return raw, filetable.read(path, raw, layout)
    except (BadFileError, SpecError) as error:
        raise BadFileError(where + str(error).removeprefix(f"{path}：")) from None


def _piece(dropped: Dropped) -> Piece:
    return Piece(dropped, file_digest(dropped.path))


def _told_late(late: Dropped, known: Dropped) -> str:
    names = " 和 ".join(each.path.name for each in late.files)
    return (
        f"{names} 写于 {_written(late)}，比已经读入的一份（写于 {_written(known)}）旧，没有读入，免得把新的改回去。"
        "不要的请移出投放文件夹；确是新导出的，核对 HIS 机器的时钟，再存一遍"
    )


def _written(dropped: Dropped) -> str:
    return f"{datetime.fromtimestamp(dropped.since / 10**9, SHANGHAI):%Y-%m-%d %H:%M:%S}"


def _ago(waited: timedelta) -> str:
    minutes = int(waited.total_seconds()) // 60
    return f"{minutes} 分钟" if minutes < 120 else f"{minutes // 60} 小时"


def _chunks(rows: Iterable[LocalRow], size: int) -> Iterator[list[LocalRow]]:
    some: list[LocalRow] = []
    for row in rows:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def _is_within(occurred: Any, start: datetime, end: datetime) -> bool:
    """As the window of a query: a day is its midnight in Shanghai."""
    if not isinstance(occurred, date):
        return False
    moment = occurred if isinstance(occurred, datetime) else datetime.combine(occurred, time(), SHANGHAI)
    return start <= moment < end
