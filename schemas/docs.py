"""Edition -> one Markdown page per data set, for those who read the interface and do not run it.

`python -m schemas.docs` writes docs/spec/ anew; `--check` writes nothing and fails when a page is not what the edition says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import click

from schemas import fake, loader
from schemas.errors import SpecError, file_trouble
from schemas.exchanging import notation
from schemas.model import Cadence, CodeTable, Confidence, Dataset, Edition, Encoding, Field, Node, Severity, Source

PAGES = Path(__file__).parents[1] / "docs" / "spec"
INDEX, COMMON = "README.md", "common.md"
_MARK = "<!-- 由 python -m schemas.docs 生成，请勿手改 -->"
_SEED = 1
CONFIDENCE = {
    Confidence.AGREED: "两份独立转录一致",
    Confidence.SINGLE: "一份详细转录",
    Confidence.INFERRED: "由代码或单个样例推断",
    Confidence.OURS: "本参考版拟定，以统筹地区下发文本为准",
}
Cite = Callable[[Source], str]


def pages(edition: Edition) -> dict[str, str]:
    """File name -> text of every page."""
    found = {INDEX: _index(edition), COMMON: _common(edition)}
    return found | {f"{code}.md": _page(edition, dataset) for code, dataset in edition.datasets.items()}


def write(edition: Edition, folder: Path) -> int:
    """Write every page, remove pages of data sets that are gone; how many there are. SpecError if the disk refuses."""
    found = pages(edition)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        for path in _leftovers(folder, found):
            path.unlink()
    except OSError as error:
        raise SpecError(f"写不下：{file_trouble(error)}", file=folder) from None
    return len(found)


def stale(edition: Edition, folder: Path) -> tuple[str, ...]:
    """One sentence per page that does not say what the edition says."""
    found = pages(edition)
    gone = [f"{path.name}：规范中已没有，应删除" for path in _leftovers(folder, found)]
    return (*(sentence for name, text in found.items() if (sentence := _staleness(folder / name, text))), *gone)


def _staleness(path: Path, text: str) -> str:
    if not path.is_file():
        return f"{path.name}：还没有生成"
    return "" if path.read_bytes() == text.encode() else f"{path.name}：与规范不一致"


def _leftovers(folder: Path, found: Iterable[str]) -> list[Path]:
    """Generated pages nobody generates any more; a page that somebody wrote is left alone."""
    strange = sorted(set(folder.glob("*.md")) - {folder / name for name in found})
    return [path for path in strange if path.read_text(encoding="utf-8").startswith(_MARK)]


def _index(edition: Edition) -> str:
    lines = [f"# {edition.name} {edition.id}", "", f"来源：{_sourced(edition.source)}", ""]
    lines += [f"每条记录都带的字段和公共报文头见 [{COMMON}]({COMMON})。"]
    for uploaded, title in ((True, "报送的数据"), (False, "调用的交易")):
        lines += ["", f"## {title}", ""]
        chosen = (each for each in edition.datasets.values() if each.uploaded is uploaded)
        lines += _table(("编号", "名称", "场景", "报送周期", "主键", "字段数"), (_entry(edition, each) for each in chosen))
    lines += ["", "## 代码表", ""]
    lines += _table(
        ("代码表", "名称", "取值数"), ((name, each.label, str(len(each.values))) for name, each in edition.codes.items())
    )
    return _whole(lines)


def _entry(edition: Edition, dataset: Dataset) -> tuple[str, ...]:
    cadence = edition.cadences[dataset.cadence].label if dataset.uploaded else ""
    count = str(sum(1 for _ in notation.paths(dataset.fields)))
    return f"[{dataset.code}]({dataset.code}.md)", dataset.name, dataset.scene, cadence, "、".join(dataset.key), count


def _common(edition: Edition) -> str:
    notes = _Footnotes()
    lines = ["# 公共字段", "", "## 每条记录都带的字段", "", *_fields(edition.common, notes.cite)]
    lines += ["", "## 公共报文头", "", *_fields(edition.header, notes.cite)]
    return _whole([*lines, *_code_tables(edition, (*edition.common, *edition.header)), *notes.lines()])


def _page(edition: Edition, dataset: Dataset) -> str:
    notes = _Footnotes()
    every = tuple(spec for node in (*dataset.input, *dataset.output) for spec in node.fields)
    lines = [f"# {dataset.code} {dataset.name}", "", *_table(("项目", "内容"), _facts(edition, dataset, notes.cite))]
    for way, nodes in (("输入", dataset.input), ("输出", dataset.output)):
        for node in nodes:
            lines += ["", f"## {way}节点 {node.name}（{notation.word(node.encoding)}）", "", *_fields(node.fields, notes.cite)]
    lines += [*_code_tables(edition, every), "", "## 示例", "", "数据是编造的。", "", "```json", _example(edition, dataset), "```"]
    return _whole([*lines, *notes.lines()])


def _days_off(cadence: Cadence) -> Iterator[tuple[str, str]]:
    for what, kinds in (("不计的日子", cadence.skip), ("末日逢之顺延", cadence.postpone)):
        if kinds:
            yield what, notation.join(tuple(map(notation.word, kinds)))


def _facts(edition: Edition, dataset: Dataset, cite: Cite) -> Iterator[tuple[str, str]]:
    yield "交易编号", dataset.infno
    if dataset.scene:
        yield "场景", dataset.scene
    if dataset.uploaded:
        yield "报送周期", edition.cadences[dataset.cadence].label
        yield from _days_off(edition.cadences[dataset.cadence])
        yield "主键", "、".join(f"`{name}`" for name in dataset.key)
        yield "业务时间", f"`{dataset.occurred}`"
        yield "每批最多", f"{dataset.batch} 条"
        yield "结果不明时", notation.word(dataset.replay)
    if dataset.parent:
        pairs = "、".join(f"`{child}` 即其 `{field}`" for child, field in dataset.parent.by)
        yield "上级", f"{dataset.parent.dataset}（{pairs}）：所指的上级被平台收下之前先不发"
    if dataset.alias_of:
        yield "同一交易", dataset.alias_of
    for form in dataset.forms:
        without = f"，不带 {'、'.join(form.without)}" if form.without else ""
        yield "其他形式", f"{form.infno}：节点 {form.node}（{notation.word(form.encoding)}）{without}"
    for each in dataset.success:
        values = " 或 ".join(each.values) or "空"
        yield "成功条件", f"`{each.path}` 为 {values}" + ("，没有这一项也算" if each.optional else "")
    yield "来源", cite(dataset.source)


def _fields(fields: tuple[Field, ...], cite: Cite) -> list[str]:
    heads = ("字段", "名称", "类型", "必填", "代码表", "说明", "来源")
    return _table(heads, (_row(spec, path, cite) for spec, path in notation.paths(fields, "[].")))


def _row(spec: Field, path: str, cite: Cite) -> tuple[str, ...]:
    return f"`{path}`", spec.label, notation.kind(spec), notation.demand(spec), spec.codes or "", _meaning(spec), cite(spec.source)


def _meaning(spec: Field) -> str:
    parts = [spec.meaning]
    if spec.least is not None:
        parts.append(f"不小于 {spec.least}")
    if spec.blank_allowed:
        parts.append("可以是空文本")
    if spec.length_severity is Severity.WARN:
        parts.append("超长只提醒")
    if spec.wire_name:
        parts.append(f"报文中写作 {spec.wire_name}")
    if spec.format:
        parts.append(f"写成 {spec.format}")
    return "；".join(part for part in parts if part)


def _code_tables(edition: Edition, fields: tuple[Field, ...]) -> list[str]:
    used = dict.fromkeys(spec.codes for spec, _ in notation.paths(fields) if spec.codes)
    lines = ["", "## 代码表"] if used else []
    for name in used:
        table = edition.codes[name]
        heads = ("代码", "名称", "平台代码") if table.on_wire else ("代码", "名称")
        lines += ["", f"### {name} {table.label}", "", *_table(heads, _codes(table)), "", f"来源：{_sourced(table.source)}"]
    return lines


def _codes(table: CodeTable) -> Iterator[tuple[str, ...]]:
    for code, label in table.values.items():
        yield (code, label, table.on_wire.get(code, code)) if table.on_wire else (code, label)


def _example(edition: Edition, dataset: Dataset) -> str:
    """A record as the gateway sends it; of a transaction that is called, its input."""
    if dataset.uploaded:
        content: object = next(fake.valid(edition, dataset.code, _SEED, 1))
    else:
        content = {node.name: _sample(edition, node) for node in dataset.input}
    return json.dumps(content, ensure_ascii=False, indent=2)


def _sample(edition: Edition, node: Node) -> object:
    row = next(fake.contents(edition, node, _SEED, 1))
    return row if node.encoding is Encoding.OBJECT else [row]


class _Footnotes:
    """Sources of a page, each told once."""

    def __init__(self) -> None:
        self._found: dict[Source, int] = {}

    def cite(self, source: Source) -> str:
        """The mark of a source in a table."""
        return f"[{self._found.setdefault(source, len(self._found) + 1)}]"

    def lines(self) -> list[str]:
        """The list at the end of the page."""
        return ["", "## 来源", "", *(f"{number}. {_sourced(source)}" for source, number in self._found.items())]


def _sourced(source: Source) -> str:
    dated = f"，{source.dated}" if source.dated else ""
    return f"{source.doc}，{source.ref}（可信度 {source.confidence.value}：{CONFIDENCE[source.confidence]}{dated}）"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_cells(heads), _cells(["---"] * len(heads)), *(_cells(row) for row in rows)]


def _cells(texts: Sequence[str]) -> str:
    return f"| {' | '.join(text.replace('|', '｜').replace(chr(10), ' ') for text in texts)} |"


def _whole(lines: Sequence[str]) -> str:
    return "\n".join([_MARK, "", *lines, ""])


@click.command(help="把规范写成 docs/spec/ 下的页面。")
@click.option("--check", is_flag=True, help="只检查页面是否与规范一致，不写")
def main(check: bool) -> None:
    """Exit code 1 when a page is stale or the edition cannot be read."""
    try:
        found = stale(loader.reference(), PAGES) if check else ()
        count = 0 if check else write(loader.reference(), PAGES)
    except SpecError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    for sentence in found:
        click.echo(sentence, err=True)
    if found:
        click.echo("请运行 python -m schemas.docs", err=True)
        sys.exit(1)
    click.echo("页面与规范一致" if check else f"写了 {count} 页到 {PAGES}")


if __name__ == "__main__":
    main()
