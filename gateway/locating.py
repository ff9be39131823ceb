"""`gateway where`: a person has a number in the hand and asks what became of the row."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product
from pathlib import Path

import click

from gateway import config as configuration
from gateway import console as show
from gateway import declaring, redaction
from gateway.telling import told
from gateway.whereabouts import MOST, RecordTrail, RowTrail, Shipment, Sought, VersionTrail, reasons_of
from gateway.wiring import Gateway, opened
from schemas import wire
from schemas.commandline import Command
from schemas.wire import SHANGHAI


def locate(gateway: Gateway, number: str, dataset: str = "") -> Sequence[RowTrail]:
    """The rows of the site that the number names: of those that are configured, and of its declarations."""
    wanted = number.strip()
    if not wanted:
        return ()
    feeds = [feed.source for feed in gateway.feeds if dataset in ("", feed.source.dataset)]
    keys = {
        (institution, feed.dataset)
        for feed in feeds
        for source in gateway.config.sources
        if source.name == feed.name
        for institution in source.institutions
    }
    rows = [(feed.name, feed.dataset) for feed in feeds]
    if dataset in ("", declaring.CODE):
        rows.append((declaring.SOURCE, declaring.CODE))
        keys |= set(product(gateway.config.institutions, (declaring.CODE,)))
    return gateway.store.find(Sought(wanted, tuple(rows), tuple(sorted(keys))))


@click.command(cls=Command, help="查一行：按本地行号、单据号或业务主键，看它在哪里、走到哪一步。")
@click.argument("number", metavar="号码")
@click.option("--dataset", default="", help="只在这个数据集里查，如 HD03")
@click.pass_obj
def where(path: Path, number: str, dataset: str) -> None:
    """Exit code 1 when no row has that number."""
    with told(), opened(configuration.load(path), lambda: datetime.now(SHANGHAI)) as gateway:
        found = locate(gateway, number, dataset)
    for each in found:
        for line in lines(each):
            click.echo(line)
    if len(found) == MOST:
        click.echo(f"只列出前 {MOST} 行，请写得更准确，或写 --dataset。")
    if not found:
        click.echo(UNKNOWN, err=True)
    sys.exit(0 if found else 1)


COMMANDS = (where,)
UNKNOWN = "没有读到过这个号码的行：请核对号码；刚录入的，等下一次读取；一直没有的，请看查询是否漏选了它"


def lines(found: RowTrail) -> Iterator[str]:
    """The way of one row, as it is printed."""
    yield f"来源 {found.source} 的 {found.dataset}，本地行号 {redaction.shown(found.ref)}，机构 {found.institution or '不明'}"
    if found.document or found.department:
        yield f"  单据号 {redaction.shown(found.document) or '—'}，科室 {redaction.shown(found.department) or '—'}"
    for sentence in found.verdict:
        yield f"  → {sentence}"
    if found.first_seen:
        yield f"  第一次读到 {wire.encode_datetime(found.first_seen)}"
    if found.aside:
        yield f"  {show.ASIDE_WORDS[found.aside.state]}，自 {wire.encode_datetime(found.aside.since)} 起"
    for target, reasons in reasons_of(found).items():
        head = f"平台 {target} 说" if target else "原因"
        for reason in reasons:
            yield f"    {head}：{reason.message}"
    for record in found.records:
        yield from _record_lines(record)


def _record_lines(record: RecordTrail) -> Iterator[str]:
    yield f"  业务主键 {redaction.shown(record.key)}"
    for version in record.versions:
        yield from _version_lines(version)


def _version_lines(version: VersionTrail) -> Iterator[str]:
    what = "" if version.live else "（作废）"
    clocks = (
        ("发生", version.occurred_at),
        ("录入", version.entered_at),
        ("读到", version.seen_at),
        ("应于", version.due_at),
    )
    told = "，".join(f"{word} {wire.encode_datetime(at)}" for word, at in clocks if at)
    yield f"    第 {version.version} 版{what}：{told}"
    for each in version.shipments:
        yield f"      {each.target}：{'，'.join(_shipment_words(each))}"


def _shipment_words(each: Shipment) -> Iterator[str]:
    yield show.STATE_WORDS[each.state]
    if each.settled_at:
        yield wire.encode_datetime(each.settled_at)
    if each.msgid:
        yield f"报文 {each.msgid}"
    if each.attempts:
        yield f"{each.attempts} 次没有成功"
    if each.cause:
        yield redaction.shown(each.cause)
    if each.next_at:
        yield f"{wire.encode_datetime(each.next_at)} 再试"
