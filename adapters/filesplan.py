"""The manifest of dropped files: which files are a data set's, how they are written, when one is complete, what it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from adapters.arrivals import Arrival, Arrivals
from adapters.choices import choice, notations
from adapters.dropfolder import DropFolder
from adapters.files import FileSource
from adapters.filetable import Form, Layout
from adapters.filetext import Encoding
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

    @property
    def columns(self) -> frozenset[str]:
        """What is read beside the columns of the mapping."""
        return frozenset(name for name in (*self.row_ref, self.entered_at, self.changed_at, self.institution) if name)

    def decides(self) -> tuple[object, ...]:
        """See adapters.plan.Entry."""
        return (repr(self.layout), self.row_ref, self.entered_at, self.changed_at, self.institution, repr(self.times))

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

        forms = {each.layout.form for each in self.entries.values()}
        for form, (what, library) in _LIBRARIES.items():
            if form in forms and find_spec(library) is None:
                raise site.wrong(address.missing_library(what, form))

        def opened(dataset: str, parts: Parts) -> FileSource:
            entry = self.entries[dataset]
            arrivals = Arrivals(inbox, (entry.pattern,), self.arrival, self.still)
            folder = DropFolder(arrivals, dataset, site.archive_days)
            return FileSource(parts, dataset, entry, folder)

        return opened


def read(folder: Path, section: Section) -> FilesPlan:
    """The plan of a manifest of kind files. SpecError names file and key."""
    entries = {code: _entry(each) for code, each in section.named("datasets").items()}
    patterns = [each.pattern for each in entries.values()]
    for code, entry in entries.items():
        if patterns.count(entry.pattern) > 1:
            raise section.section("datasets").section(code).error("两个数据集不能取同一批文件：先读的会把它移走", "files")
    return FilesPlan(choice(section, "complete", Arrival), section.at_least("still_seconds", 1, 5), entries)


def _entry(section: Section) -> FileEntry:
    section.known(
        *("files", "form", "encoding", "delimiter", "quote", "columns", "snapshot", "row_ref", "entered_at", "changed_at"),
        *("institution", "times", "mapping", "children"),
    )
    pattern = section.need("files", str)
    if "/" in pattern or "\\" in pattern or pattern.startswith("."):
        raise section.error("只写文件名，可用 * 和 ?，例：HD03_*.csv", "files")
    row_ref = section.texts("row_ref")
    if not row_ref:
        raise section.error("须写明哪一列（或哪几列）认出一行", "row_ref")
    return FileEntry(
        pattern=pattern,
        layout=_layout(section),
        snapshot=choice(section, "snapshot", Snapshot),
        row_ref=row_ref,
        entered_at=section.text("entered_at"),
        changed_at=section.text("changed_at"),
        institution=section.text("institution"),
        times=notations(section, "times"),
        children=_children(section),
    )


def _children(section: Section) -> dict[str, str]:
    found = {name: each.known("line_key").need("line_key", str) for name, each in section.named("children").items()}
    if len(found) > 1:
        raise section.error("一份文件只能带一个子表：两个子表的行会互相重复", "children")
    return found


def _layout(section: Section) -> Layout:
    form = choice(section, "form", Form)
    layout = Layout(
        form,
        choice(section, "encoding", Encoding, Encoding.UTF8),
        section.text("delimiter", ","),
        section.text("quote", '"'),
        section.texts("columns"),
    )
    for key, mark in (("delimiter", layout.delimiter), ("quote", layout.quote)):
        if len(mark) != 1:
            raise section.error('应为一个字符，例："," 或 "\\t"', key)
    if form is Form.DBF and layout.encoding is Encoding.DETECT:
        raise section.error("dBase 文件须写明 gbk 或 utf-8", "encoding")
    return layout
