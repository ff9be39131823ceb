"""`gateway spec …`: read, check, exchange and compare the interface as data. Nothing here touches the site's database or queue.

Exit codes as the other commands: 0 all well · 1 something needs a person · 2 an edition or overlay is wrong.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from gateway import specview as show
from schemas import difference, docs, fake, jsonschema, lint, overlay, writer
from schemas.commandline import Group
from schemas.errors import SpecError
from schemas.model import Dataset, Edition

_EDITION = click.option(
    "--edition", "name", default="reference", help="规范版本：reference、地区差异的名称，或版本文件夹；默认 reference"
)
_OUT_FILE = click.option("--out", type=click.Path(path_type=Path), required=True, help="写到哪里")
_FILE = click.Path(path_type=Path)


@click.group(cls=Group, help="接口规范：查看、检查、导出导入字段表、比较版本、生成测试数据。")
def spec() -> None:
    """Everything a person does with an edition."""


@spec.command("list", help="列出数据集和交易。")
@_EDITION
def list_(name: str) -> None:
    """One line per data set."""
    show.overview(_console(), _edition(name))


@spec.command("show", help="查看一个数据集的字段、主键、周期和代码表。")
@click.argument("code", metavar="编号")
@click.option("--schema", is_flag=True, help="输出 JSON Schema")
@_EDITION
def show_(code: str, schema: bool, name: str) -> None:
    """One data set, for the eye or as JSON Schema."""
    edition = _edition(name)
    dataset = _dataset(edition, code)
    if schema:
        click.echo(json.dumps(jsonschema.schema(edition, dataset), ensure_ascii=False, indent=2))
    else:
        show.dataset(_console(), edition, dataset)


@spec.command("lint", help="检查规范数据本身有没有错。")
@_EDITION
def lint_(name: str) -> None:
    """Every finding of the edition."""
    edition = _edition(name)
    found = lint.findings(edition)
    for sentence in found:
        click.echo(sentence, err=True)
    if not found:
        click.echo(f"{edition.name} {edition.id}：{len(edition.datasets)} 个数据集、{len(edition.codes)} 个代码表，未发现问题")
    sys.exit(1 if found else 0)


@spec.command("docs", help="把规范写成 Markdown 页面，每个数据集一页。")
@click.option("--out", type=_FILE, default=Path("docs/spec"), help="页面的文件夹，默认 docs/spec")
@click.option("--check", is_flag=True, help="只检查页面是否与规范一致，不写")
@_EDITION
def docs_(out: Path, check: bool, name: str) -> None:
    """Write the pages, or tell which are stale."""
    edition = _edition(name)
    with _told():
        found = docs.stale(edition, out) if check else ()
        count = 0 if check else docs.write(edition, out)
    for sentence in found:
        click.echo(sentence, err=True)
    if not found:
        click.echo("页面与规范一致" if check else f"写了 {count} 页到 {out}")
    sys.exit(1 if found else 0)


@spec.command("export", help="导出 Excel 字段表。")
@_OUT_FILE
@click.option("--dataset", "codes", multiple=True, help="只导出这个数据集，可写多次")
@_EDITION
def export(out: Path, codes: tuple[str, ...], name: str) -> None:
    """The edition, or some of its data sets, as bureaux issue it."""
    from schemas import exchange  # here, because openpyxl would slow down every other command

    edition = _edition(name)
    with _told():
        exchange.write(edition, out, frozenset(_dataset(edition, code).code for code in codes) or None)
    click.echo(f"{edition.id} 的 {len(codes) or len(edition.datasets)} 个数据集写到 {out}")


@spec.command("import", help="读入 Excel 字段表，写成一个规范版本文件夹，并报告哪些看懂了、哪些是推测、哪些没看懂。")
@click.argument("path", metavar="字段表", type=_FILE)
@_OUT_FILE
@click.option("--code", help="新版本的代码，默认取自字段表")
@click.option("--version", help="新版本的版本号，默认取自字段表")
@_EDITION
def import_(path: Path, out: Path, code: str | None, version: str | None, name: str) -> None:
    """A table becomes an edition; what it does not say is as in `--edition`. Exit code 1 when a person must look."""
    from schemas import exchange  # as above

    base = _edition(name)
    with _told():
        found, report = exchange.read(path, base)
        edition = replace(found, code=code or found.code, version=version or found.version, base="")
        writer.write(edition, out)
    show.report(_console(), report)
    unsound = [*lint.findings(edition), *_twin(base, edition)]
    for sentence in unsound:
        click.echo(sentence, err=True)
    click.echo(f"{edition.id} 写到 {out}")
    sys.exit(1 if unsound or report.lost or not report.balanced else 0)


def _twin(base: Edition, edition: Edition) -> Iterator[str]:
    """Two contents under one name would make the same record look different on the two sides."""
    if edition.id == base.id and difference.changes(base, edition):
        yield f"内容与 {base.id} 不同，版本标识却相同：请用 --version 另给版本号，或改字段表的封面"


@spec.command("diff", help="比较两个版本，说明一个站点要改什么。")
@click.argument("old", metavar="旧版本")
@click.argument("new", metavar="新版本")
@click.option("--sample", type=click.IntRange(1, 100_000), help="每个数据集编造多少条旧版合格的记录，看新版退回哪些")
@click.option("--seed", type=int, default=1, help="编造记录的种子，默认 1")
def diff(old: str, new: str, sample: int | None, seed: int) -> None:
    """Every difference, most pressing first; with `--sample` also what the gateway would no longer take."""
    before, after = _edition(old), _edition(new)
    found = difference.changes(before, after)
    click.echo(f"{before.id} → {after.id}：{len(found)} 处不同" if found else f"{before.id} 与 {after.id} 内容相同")
    for line in difference.lines(found):
        click.echo(line)
    if sample:
        uploaded = [code for code, each in before.datasets.items() if each.uploaded]
        records = ((code, record) for code in uploaded for record in fake.valid(before, code, seed, sample))
        show.rejections(_console(), difference.rejected_now(before, after, records), sample * len(uploaded))


@spec.command("fake", help="编造测试记录，每行一条 JSON。")
@click.argument("code", metavar="编号")
@click.option("--count", type=click.IntRange(1, 10_000_000), help="多少条；默认 1 条，与 --faulty 同用时默认全部")
@click.option("--seed", type=int, default=1, help="种子，同一种子给出同样的记录；默认 1")
@click.option("--faulty", is_flag=True, help="每条只错一处，并写明哪个字段违反哪条规则")
@_EDITION
def fake_(code: str, count: int | None, seed: int, faulty: bool, name: str) -> None:
    """Valid records, or one record per single fault."""
    edition = _edition(name)
    dataset = _dataset(edition, code)
    lines = _faults(edition, dataset, seed) if faulty else _records(edition, dataset, seed, count or 1)
    for line in itertools.islice(lines, count):
        click.echo(json.dumps(line, ensure_ascii=False))


def _records(edition: Edition, dataset: Dataset, seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Whole records; of a transaction that is called, rows of its first node."""
    if dataset.uploaded:
        return fake.valid(edition, dataset.code, seed, count)
    return fake.contents(edition, dataset.input[0], seed, count)


def _faults(edition: Edition, dataset: Dataset, seed: int) -> Iterator[dict[str, Any]]:
    uploaded = dataset.uploaded
    found = fake.single_faults(edition, dataset.code, seed) if uploaded else fake.node_faults(edition, dataset.input[0], seed)
    return ({"field": field, "rule": rule, "record": record} for record, field, rule in found)


def _edition(name: str) -> Edition:
    try:
        return overlay.load(name)
    except SpecError as error:
        click.echo(f"规范有误：{error}", err=True)
        sys.exit(2)


def _dataset(edition: Edition, code: str) -> Dataset:
    found = edition.datasets.get(code) or edition.datasets.get(code.upper())
    if found is None:
        click.echo(f"{edition.id} 没有数据集 {code}，可用的有：{'、'.join(edition.datasets)}", err=True)
        sys.exit(1)
    return found


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with a file somebody named: one sentence, and a person must act."""
    try:
        yield
    except SpecError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _console() -> Console:
    return Console(highlight=False, soft_wrap=False)


COMMANDS = (spec,)
