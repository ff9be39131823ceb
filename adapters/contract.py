"""What every profile must keep: in one line of its tests (`keep`), and on a site that wants to know what it installed.

A rule that a site's data cannot show, because there is too little of it, is held. Nothing is written. Of a large table
only the first rows are read; a service that cannot go on after a key is read whole once, and its first pages are asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from adapters import fixturefile, profile, quality
from adapters.profile import Profile
from gateway.errors import GatewayError, SourceError, SourceQueryError
from gateway.model import RowState, SourceRow
from gateway.ports import SweptSource, WholeSource
from schemas import build, wire
from schemas.errors import SpecError, WireError
from schemas.model import Dataset, Edition
from schemas.record import business_key

#: rows that are looked at of one data set
MOST = 2000
#: page lengths that must all read the same
_LENGTHS = (7, 50, 500)
_EXAMPLES = 3
#: pages of the least length that are asked for of a service that is read whole
_PAGES = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule and whether a data set keeps it."""

    dataset: str
    rule: str
    held: bool
    sentence: str  #: Chinese


class BrokenContractError(AssertionError):
    """A profile does not keep the contract; the text names every rule that is broken."""


def keep(name: str | Path, edition: Edition, sources: Sequence[SweptSource] = ()) -> None:
    """The contract suite of a profile folder in one line of test. BrokenContractError tells all that is broken at once."""
    found = profile.load(name)
    everything = [*of_folder(found, edition), *(each for source in sources for each in of_source(source, edition))]
    if broken := [f"{each.dataset} {each.rule}：{each.sentence}" for each in everything if not each.held]:
        raise BrokenContractError("\n".join(broken))


def of_folder(found: Profile, edition: Edition) -> Iterator[Finding]:
    """What can be told without any database: mappings, notes, standing, fixtures."""
    yield _told("", "说明", partial(_notes, found), "NOTES.md 写明了站点要声明的每一项，quality.yaml 齐全")
    for dataset in found.mappings:
        yield _told(dataset, "映射", partial(_mapping, found, dataset, edition), "必填字段都已映射或声明缺失")
    for path in fixturefile.of(found.folder):
        yield _told(path.stem, "例子", partial(_fixtures, found, path, edition), "每个例子都如所写")


def of_source(
    source: SweptSource, edition: Edition, most: int = MOST, read: Sequence[SourceRow] | None = None
) -> Iterator[Finding]:
    """What one data set of a site shows. A source that is away or whose query is wrong is one finding, and the last.

    `read`: its first rows, up to `most`, by whoever has just read it to its end; a source that is read whole is not asked again.
    """
    try:
        whole = source if isinstance(source, WholeSource) and source.at_once else None
        rows = read if whole and read is not None else _rows(source, max(_LENGTHS), most)
        yield _opening(whole, source.dataset, rows) if whole else _paging(source, rows, most)
        yield _references(source, rows)
        yield _keys(source, rows, edition.datasets[source.dataset])
        yield _values(source, rows, edition)
        yield _codes(source, rows)
        if source.sweeps:
            yield _lookup(source, rows)
            yield from _window(source, rows, edition.datasets[source.dataset], most)
    except SourceQueryError as error:
        yield Finding(source.dataset, "查询", False, str(error))
    except SourceError as error:
        yield Finding(source.dataset, "连接", False, str(error))


def _told(dataset: str, rule: str, fault: Callable[[], str], well: str) -> Finding:
    try:
        sentence = fault()
    except (SpecError, GatewayError) as error:
        sentence = str(error)
    return Finding(dataset, rule, not sentence, sentence or well)


def _notes(found: Profile) -> str:
    quality.read(found.folder)
    path = found.folder / "NOTES.md"
    notes = path.read_text(encoding="utf-8") if path.is_file() else ""
    unsaid = [name for name in (*found.constants, *found.catalogues) if f"`{name}`" not in notes]
    return f"NOTES.md 没有说到 {'、'.join(unsaid)}" if unsaid else "" if notes else "没有 NOTES.md"


def _mapping(found: Profile, dataset: str, edition: Edition) -> str:
    profile.mapping(found, dataset, edition)
    return ""


def _fixtures(found: Profile, path: Path, edition: Edition) -> str:
    dataset, cases = fixturefile.read(path)
    if dataset not in found.mappings:
        return f"{path.name}：适配包没有数据集 {dataset}"
    mapping = profile.mapping(found, dataset, edition)
    return "；".join(sentence for case in cases for sentence in case.differences(mapping))


def _rows(source: SweptSource, size: int, most: int) -> list[SourceRow]:
    return list(islice((row for page in source.pages(None, size) for row in page.rows), most))


def _paging(source: SweptSource, rows: Sequence[SourceRow], most: int) -> Finding:
    """Rows of one change time lie across pages of some length: what is lost there would be lost for ever."""
    for size in _LENGTHS[:-1]:
        again = _rows(source, size, most)
        if [row.ref for row in again] != [row.ref for row in rows]:
            lost = sorted({row.ref for row in rows} - {row.ref for row in again})[:_EXAMPLES]
            told = f"每页 {size} 行与每页 {_LENGTHS[-1]} 行读到的不同" + (f"，少了 {'、'.join(lost)}" if lost else "，次序不同")
            return Finding(source.dataset, "分页", False, f"{told}；若数据没有正在变，请看查询的排序和条件")
    return Finding(
        source.dataset, "分页", True, f"每页 {'、'.join(map(str, _LENGTHS))} 行，读到的 {len(rows)} 行都相同，次序也相同"
    )


def _opening(source: WholeSource, dataset: str, rows: Sequence[SourceRow]) -> Finding:
    """To read all of it for each page length would burden the service: its first pages show whether they are counted rightly.

    What it says of where a page begins, by number or by row, decides which rows the shorter pages hold.
    """
    if not source.turns:
        return Finding(dataset, "分页", True, f"服务不翻页，一次给全，读到 {len(rows)} 行")
    long = source.opening(max(_LENGTHS), 1)
    short = source.opening(min(_LENGTHS), _PAGES)[: len(long) or None]
    astray = [ref for ref in short if ref not in set(long)]
    if astray:
        told = (
            f"每页 {min(_LENGTHS)} 行的前 {_PAGES} 页里，有每页 {max(_LENGTHS)} 行的第一页没有的行：{'、'.join(astray[:_EXAMPLES])}"
        )
        hint = "多半是页码从 0 还是从 1 数起（first）写错了；若数据没有正在变，请核对 paging"
        return Finding(dataset, "分页", False, f"{told}；{hint}")
    told = f"每页 {min(_LENGTHS)} 行的前 {_PAGES} 页都在每页 {max(_LENGTHS)} 行的第一页里"
    return Finding(dataset, "分页", True, f"{told}；服务不能按键接着读，只整个读一遍，读到 {len(rows)} 行")


def _references(source: SweptSource, rows: Sequence[SourceRow]) -> Finding:
    doubled = [ref for ref, times in Counter(row.ref for row in rows).items() if times > 1]
    told = f"row_ref 有重复：{'、'.join(doubled[:_EXAMPLES])}（共 {len(doubled)} 个），多半是连接把一行连成了几行"
    return Finding(source.dataset, "行号", not doubled, told if doubled else "row_ref 一行一个")


def _keys(source: SweptSource, rows: Sequence[SourceRow], dataset: Dataset) -> Finding:
    owners: dict[tuple[str, str], list[str]] = {}
    for row in _clean(rows):
        key = business_key(dataset, wire.encode_record(dataset.fields, row.values))
        owners.setdefault((row.institution, key), []).append(row.ref)
    doubled = ["与".join(refs[:2]) for refs in owners.values() if len(refs) > 1]
    told = f"{len(doubled)} 个业务主键有几行：本地行 {'、'.join(doubled[:_EXAMPLES])}"
    return Finding(source.dataset, "主键", not doubled, told if doubled else f"{len(owners)} 行可报送的，业务主键都不同")


def _values(source: SweptSource, rows: Sequence[SourceRow], edition: Edition) -> Finding:
    """A row that the mapping calls clean lacks nothing that is required."""
    validator = build.validator(edition, source.dataset)
    lacking: Counter[str] = Counter()
    for row in _clean(rows):
        try:
            content = wire.encode_record(validator.dataset.fields, row.values)
        except WireError:
            continue  # told by `check`, with the row
        lacking.update(each.message for each in validator.content_violations(content) if each.rule == "required")
    told = "；".join(f"{sentence}（{count} 行）" for sentence, count in lacking.most_common(_EXAMPLES))
    return Finding(source.dataset, "必填", not lacking, told or "可报送的行不缺必填字段")


def _codes(source: SweptSource, rows: Sequence[SourceRow]) -> Finding:
    unmapped = Counter(fault.message for row in rows for fault in row.faults if fault.rule == "unmapped_code")
    told = "；".join(f"{sentence}（{count} 行）" for sentence, count in unmapped.most_common(_EXAMPLES))
    return Finding(source.dataset, "代码", not unmapped, told or "本地代码都有对照")


def _lookup(source: SweptSource, rows: Sequence[SourceRow]) -> Finding:
    """By the look-up a row is confirmed gone, or withdrawn: it must find just the rows that there are, as they are."""
    asked = {row.ref: row for row in rows[:: max(1, len(rows) // 50)]}
    found = {row.ref: row for row in source.lookup(list(asked))}
    astray = sorted(asked.keys() ^ found.keys()) or sorted(
        ref for ref, row in asked.items() if dict(row.values) != dict(found[ref].values) or row.state is not found[ref].state
    )
    told = f"按行号查到的与主查询不同：{'、'.join(astray[:_EXAMPLES])}（共 {len(astray)} 行）；若数据没有正在变，请比较两条查询"
    return Finding(source.dataset, "按行号查", not astray, told if astray else f"抽查 {len(asked)} 行，与主查询相同")


def _window(source: SweptSource, rows: Sequence[SourceRow], dataset: Dataset, most: int) -> Iterator[Finding]:
    """A row whose business time lies in a window and that the window leaves out would be withdrawn."""
    times = {row.ref: time for row in rows if row.state is RowState.READY and (time := _occurred(dataset, row))}
    if not times or len(rows) >= most:
        return
    day = max(times.values()).astimezone(wire.SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    expected = {ref for ref, time in times.items() if day <= time < day + _DAY}
    found = {row.ref for page in source.window(day, day + _DAY, max(_LENGTHS)) for row in page.rows}
    lost = sorted(expected - found)
    told = f"{day:%Y-%m-%d} 一天按业务时间查漏了 {'、'.join(lost[:_EXAMPLES])}（共 {len(lost)} 行）：夜间核对会把它们当作没有了"
    yield Finding(source.dataset, "按业务时间查", not lost, told if lost else f"{day:%Y-%m-%d} 一天的 {len(expected)} 行都查得到")


def _occurred(dataset: Dataset, row: SourceRow) -> datetime | None:
    value = row.values.get(dataset.occurred)
    return value if isinstance(value, datetime) or value is None else datetime.combine(value, datetime.min.time(), wire.SHANGHAI)


def _clean(rows: Sequence[SourceRow]) -> Iterator[SourceRow]:
    return (row for row in rows if row.state is RowState.READY and not row.faults)
