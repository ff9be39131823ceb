"""The manifest of dropped files: which files are a data set's, how they are written, when one is complete, what it stands for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from adapters.choices import choice, notations
from adapters.dropped.arrivals import Arrival, Arrivals
from adapters.dropped.dropfolder import ARCHIVE, BAD, DropFolder
from adapters.dropped.filejoin import HEAD, Partner, Role
from adapters.dropped.filenames import Naming, muddled, naming, plain
from adapters.dropped.files import FileSource
from adapters.dropped.filetable import Form, Layout
from adapters.dropped.filetext import Encoding
from adapters.dropped.pairfolder import PairFolder
from adapters.dropped.pairing import Pairing
from adapters.dropped.parcelfolder import ParcelFolder, Sharer
from adapters.plan import Opener, Parts
from adapters.refining import Notations
from adapters.site import Site
from gateway.model import Reading
from schemas import address
from schemas.yamlfile import Section


class Snapshot(StrEnum):
    """What a file stands for."""

    WHOLE = "whole"  #: everything there is: what is missing in it may be gone
    CHANGES = "changes"  #: what is new or changed: it says nothing of other rows


class _Last(StrEnum):
    """Which of two files is written last."""

    HEAD = "head"
    LINES = "lines"


#: what a manifest says of the second file, whichever it is
_PARTNER = ("file", "form", "encoding", "delimiter", "quote", "columns", "last", "wait_minutes")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """The files of one data set."""

    pattern: str
    layout: Layout
    snapshot: Snapshot
    row_ref: tuple[str, ...]  #: columns that together are a row's own key
    entered_at: str = ""
    changed_at: str = ""
    institution: str = ""
    times: Notations | None = None  #: how these two are written, where they are texts
    reading: Reading = Reading.INCREMENTAL
    children: Mapping[str, str] = field(default_factory=dict)  #: the field that is lines, and the column that orders them
    partner: Partner | None = None  #: the other file, where the lines or the heads stand in one of their own

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names of its files."""
        return (self.pattern,) if self.partner is None else (self.pattern, self.partner.pattern)

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """How they are written."""
        return (self.layout,) if self.partner is None else (self.layout, self.partner.layout)

    @property
    def columns(self) -> frozenset[str]:
        """What is read beside the columns of the mapping."""
        return frozenset(name for name in (*self.row_ref, self.entered_at, self.changed_at, self.institution) if name)

    def decides(self) -> tuple[object, ...]:
        """See adapters.plan.Entry."""
        own = (repr(self.layout), self.row_ref, self.entered_at, self.changed_at, self.institution, repr(self.times))
        return own if self.partner is None else (*own, *self.partner.decides())

    def lines(self) -> list[tuple[str, str]]:
        """See adapters.plan.Entry."""
        return sorted(self.children.items())


#: forms that need a library of their own, which the extra of the same name brings
_LIBRARIES = {Form.DBF: ("dBase 文件", "dbfread"), Form.XLS: ("旧格式的 Excel 文件（.xls）", "xlrd")}


@dataclass(frozen=True, slots=True)
class FilesPlan:
    """The files of every data set."""

    arrival: Arrival
    still: int  #: seconds
    entries: Mapping[str, FileEntry]

    def opener(self, profile: str, site: Site) -> Opener:
        """See adapters.plan."""
        inbox = site.inbox
        if inbox is None:
            raise site.wrong("适配包读的是投放的文件，请写 inbox（投放文件夹）", "inbox")

        forms = {layout.form for each in self.entries.values() for layout in each.layouts}
        for form, (what, library) in _LIBRARIES.items():
            if form in forms and find_spec(library) is None:
                raise site.wrong(address.missing_library(what, form))

        def opened(dataset: str, parts: Parts) -> FileSource:
            return FileSource(parts, dataset, self.entries[dataset], self._folder(dataset, inbox, site))

        return opened

    def _folder(self, dataset: str, inbox: Path, site: Site) -> DropFolder:
        entry, names, days = self.entries[dataset], self._names(dataset), site.archive_days
        arrivals = Arrivals(inbox, names, self.arrival, self.still)
        read = site.datasets or tuple(self.entries)
        others = [each for each in read if each != dataset and set(self.entries[each].patterns) & set(entry.patterns)]
        sharers = tuple(Sharer(self._names(each), (inbox / ARCHIVE / each, inbox / BAD / each)) for each in others)
        if entry.partner is None and not self._shared(dataset):
            return DropFolder(arrivals, dataset, days)
        if entry.partner is None:
            return ParcelFolder(arrivals, dataset, days, sharers=sharers)
        main, partner = names
        pairing = Pairing(main, partner, entry.partner.main_last, timedelta(minutes=entry.partner.wait_minutes))
        arrivals.marked = pairing.last
        return PairFolder(arrivals, dataset, days, sharers=sharers, pairing=pairing, holds=entry.snapshot is Snapshot.CHANGES)

    def _names(self, dataset: str) -> tuple[Naming, ...]:
        every = [pattern for each in self.entries.values() for pattern in each.patterns]
        return tuple(naming(pattern, every) for pattern in self.entries[dataset].patterns)

    def _shared(self, dataset: str) -> bool:
        """Whether the profile has another data set of the same files, whichever of them the site reads: the archive looks alike."""
        own = set(self.entries[dataset].patterns)
        return any(own & set(each.patterns) for other, each in self.entries.items() if other != dataset)


def read(folder: Path, section: Section) -> FilesPlan:
    """The plan of a manifest of kind files. SpecError names file and key."""
    entries = {code: _entry(each) for code, each in section.named("datasets").items()}
    for code in entries:
        _check_names(section.section("datasets").section(code), code, entries)
    return FilesPlan(choice(section, "complete", Arrival), section.at_least("still_seconds", 1, 5), entries)


def _check_names(section: Section, code: str, entries: Mapping[str, FileEntry]) -> None:
    """Of a pair each file is told from the other, and from those of other data sets, by its name."""
    entry = entries[code]
    others = [pattern for other, each in entries.items() if other != code for pattern in each.patterns]
    if entry.partner is None:
        return
    main, partner = entry.patterns
    if not plain(main) or not plain(partner) or main.count("*") != partner.count("*"):
        told = "主表、子表两份文件的名字里各写一个 *（日期和序号的位置），两份在 * 处的字须相同；不能用 ? 和 ["
        raise section.error(told, "files")
    for one, other in itertools.product(entry.patterns, [*others, main]):
        if (one != other and plain(other) and muddled(one, other)) or main == partner:
            raise section.error(f"有的文件名既像 {one} 又像 {other}，分不清是哪一份：请让厂商把名字的开头或结尾改得不同", "files")


def _entry(section: Section) -> FileEntry:
    section.known(
        *("files", "form", "encoding", "delimiter", "quote", "columns", "snapshot", "row_ref", "entered_at", "changed_at"),
        *("institution", "times", "mapping", "children", HEAD),
    )
    pattern = _pattern(section, "files")
    row_ref = section.texts("row_ref")
    if not row_ref:
        raise section.error("须写明哪一列（或哪几列）认出一行", "row_ref")
    layout = _layout(section)
    return FileEntry(
        pattern=pattern,
        layout=layout,
        snapshot=choice(section, "snapshot", Snapshot),
        row_ref=row_ref,
        entered_at=section.text("entered_at"),
        changed_at=section.text("changed_at"),
        institution=section.text("institution"),
        times=notations(section, "times"),
        children=_children(section),
        partner=_partner(section, layout, row_ref),
    )


def _pattern(section: Section, key: str) -> str:
    pattern = section.need(key, str)
    if "/" in pattern or "\\" in pattern or pattern.startswith("."):
        raise section.error("只写文件名，可用 * 和 ?，例：HD03_*.csv", key)
    return pattern


def _children(section: Section) -> dict[str, str]:
    lines = section.named("children")
    found = {name: each.known("line_key", *_PARTNER, "parent").need("line_key", str) for name, each in lines.items()}
    if len(found) > 1:
        raise section.error("一份文件只能带一个子表：两个子表的行会互相重复", "children")
    return found


def _partner(section: Section, layout: Layout, row_ref: tuple[str, ...]) -> Partner | None:
    """The file of the lines, or of the heads, where there is one."""
    lines = next((each for each in section.named("children").values() if "file" in each.data), None)
    head = section.optional(HEAD)
    if lines and head:
        raise section.error("一个数据集只能由两份文件合成：子表的 file 与 head 只写一个", HEAD)
    if lines:
        parent = lines.texts("parent")
        if len(parent) != len(row_ref):
            raise lines.error("写明子表文件里哪一列（或哪几列）是主表的 row_ref，次序与 row_ref 相同", "parent")
        return _of_pair(lines, layout, Role.LINES, parent, row_ref)
    if head:
        key = head.known(*_PARTNER, "key", "by").texts("key")
        by = head.texts("by") or key
        if not key or len(by) != len(key):
            raise head.error("key 写主表文件里认出一行的列；明细里对应的列名字不同时写在 by，一样多", "key")
        return _of_pair(head, layout, Role.HEADS, key, by)
    return None


def _of_pair(section: Section, layout: Layout, role: Role, key: tuple[str, ...], by: tuple[str, ...]) -> Partner:
    last = choice(section, "last", _Last)
    return Partner(
        pattern=_pattern(section, "file"),
        layout=_layout(section, layout),
        role=role,
        key=key,
        by=by,
        main_last=(last is _Last.HEAD) is (role is Role.LINES),
        wait_minutes=section.at_least("wait_minutes", 1, 60),
    )


def _layout(section: Section, usual: Layout | None = None) -> Layout:
    """`usual`: what holds where nothing is said, but for the names of the columns."""
    form = choice(section, "form", Form, usual.form if usual else None)
    layout = Layout(
        form,
        choice(section, "encoding", Encoding, usual.encoding if usual else Encoding.UTF8),
        section.text("delimiter", usual.delimiter if usual else ","),
        section.text("quote", usual.quote if usual else '"'),
        section.texts("columns"),
    )
    for key, mark in (("delimiter", layout.delimiter), ("quote", layout.quote)):
        if len(mark) != 1:
            raise section.error('应为一个字符，例："," 或 "\\t"', key)
    if form is Form.DBF and layout.encoding is Encoding.DETECT:
        raise section.error("dBase 文件须写明 gbk 或 utf-8", "encoding")
    return layout
