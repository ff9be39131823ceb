"""What `gateway spec` shows, in Chinese. Texts come from people's tables: none of them is taken as markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from schemas.difference import Rejection
from schemas.exchanging import notation
from schemas.exchanging.report import Kind, Report
from schemas.model import Dataset, Edition, Node


def overview(console: Console, edition: Edition) -> None:
    """One line per data set, uploaded ones first."""
    console.print(f"{edition.name} {edition.id}", markup=False, soft_wrap=True)
    entries = sorted(edition.datasets.values(), key=lambda each: not each.uploaded)
    console.print(_table(("编号", "名称", "场景", "报送周期", "主键", "字段"), (_entry(edition, each) for each in entries)))


def _entry(edition: Edition, dataset: Dataset) -> Sequence[str]:
    cadence = edition.cadences[dataset.cadence].label if dataset.uploaded else "调用"
    count = str(sum(1 for _ in notation.paths(dataset.fields)))
    return dataset.code, dataset.name, dataset.scene, cadence, "、".join(dataset.key), count


def dataset(console: Console, edition: Edition, found: Dataset) -> None:
    """The fields of one data set and the codes they take."""
    console.rule(escape(f"{found.code} {found.name}"), align="left")
    for line in _facts(edition, found):
        console.print(line, markup=False, soft_wrap=True)
    for way, nodes in (("输入", found.input), ("输出", found.output)):
        for node in nodes:
            console.print(f"\n{way}节点 {node.name}（{notation.word(node.encoding)}）", markup=False, style="bold", soft_wrap=True)
            console.print(_table(("字段", "名称", "类型", "必填", "代码表", "说明"), _fields(node)))
    specs = tuple(spec for node in (*found.input, *found.output) for spec in node.fields)
    for name in dict.fromkeys(spec.codes for spec, _ in notation.paths(specs) if spec.codes):
        table = edition.codes[name]
        codes = "；".join(f"{code} {label}" for code, label in table.values.items())
        console.print(f"{name} {table.label}：{codes}", markup=False, soft_wrap=True)


def _facts(edition: Edition, found: Dataset) -> Iterator[str]:
    yield f"交易编号 {found.infno}" + (f"，场景 {found.scene}" if found.scene else "")
    if found.uploaded:
        cadence = edition.cadences[found.cadence].label
        yield f"报送周期 {cadence}，主键 {'、'.join(found.key)}，业务时间 {found.occurred}，每批最多 {found.batch} 条"
    yield f"来源 {found.source.doc}，{found.source.ref}（可信度 {found.source.confidence.value}）"


def _fields(node: Node) -> Iterator[Sequence[str]]:
    for spec, path in notation.paths(node.fields):
        yield path, spec.label, notation.kind(spec), notation.demand(spec), spec.codes or "", spec.meaning


def report(console: Console, found: Report) -> None:
    """What an import understood: the account first, then every cell a person must look at."""
    console.print(f"工作表 {found.sheets} 张：数据集 {found.datasets} 个、代码表 {found.tables} 个", markup=False, soft_wrap=True)
    verdict = "[green]平[/green]" if found.balanced else "[bold red]不平[/bold red]"
    console.print(f"字段：表中 {found.fields_in} = 采用 {found.fields_out} + 未采用 {found.lost}　{verdict}", soft_wrap=True)
    for kind, style in ((Kind.NOT_UNDERSTOOD, "red"), (Kind.GUESSED, "yellow")):
        remarks = [each for each in found.remarks if each.kind is kind]
        console.print(f"{kind.value} {len(remarks)} 处", style=style if remarks else "", soft_wrap=True)
        if remarks:
            rows = ((each.sheet, each.cell, each.content, each.sentence) for each in remarks)
            console.print(_table(("工作表", "单元格", "内容", "说明"), rows))


def rejections(console: Console, found: Sequence[Rejection], tried: int) -> None:
    """What the new edition refuses of records the old one takes."""
    console.print(
        f"编造 {tried} 条旧版合格的记录，新版退回的原因 {len(found)} 种"
        if found
        else f"编造 {tried} 条旧版合格的记录，新版全部接受",
        soft_wrap=True,
    )
    if found:
        rows = ((each.dataset, each.field, each.rule, str(each.count), each.sentence) for each in found)
        console.print(_table(("数据集", "字段", "规则", "条数", "原因"), rows))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    return table
