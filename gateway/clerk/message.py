"""`gateway message`: the envelope of one record as the platform gets it; persons masked, neither token nor signature shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson

from gateway import config as configuration
from gateway.clerk import masking
from gateway.config import Config
from gateway.errors import ConfigError, SourceQueryError
from gateway.judging import Judge
from gateway.model import SourceRow
from gateway.telling import told
from gateway.wiring import Feed, Gateway, opened
from gateway.worklist import TaskFilter
from schemas.commandline import Command
from schemas.envelope import Sender, wrap
from schemas.model import Edition
from schemas.wire import SHANGHAI

_MSGID = "（发出时编号）"
#: the parts of a business key (schemas.record)
_BETWEEN = "|"
_NOW = "还没有入队，按现在的本地数据会这样发出"


@dataclass(frozen=True, slots=True)
class Found:
    """A record, and where it stands."""

    institution: str
    record: Mapping[str, Any]
    sentence: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which record is meant."""

    dataset: str
    key: str
    institution: str = ""  #: "": of any
    ref: str = ""  #: its local number, where the one who asks knows it

    @property
    def refs(self) -> tuple[str, ...]:
        """Under which numbers the row may stand at its site: most keys are made of it."""
        parts = () if "\\" in self.key else self.key.split(_BETWEEN)
        return (self.ref,) if self.ref else tuple(dict.fromkeys((self.key, *parts)))


@click.command(
    cls=Command, help="看一条记录的报文原样：已入队的按库里的，没入队的按现在的本地数据；个人信息遮盖，密钥和签名不显示。"
)
@click.option("--dataset", required=True, help="数据集，如 HD03")
@click.option("--key", required=True, help="业务主键")
@click.option("--target", default="", help="发给哪个目标；不写则第一个")
@click.option("--institution", default="", help="只这家机构")
@click.option("--ref", default="", help="没入队的：它的本地行号，按行号直接查")
@click.option("--force", is_flag=True, help="没入队的、按行号查不到的：把来源从头读一遍去找（会占用业务系统）")
@click.pass_obj
def message(path: Path, *, dataset: str, key: str, target: str, institution: str, ref: str, force: bool) -> None:
    """Exit code 1 if no such record can be found."""
    with told(), opened(configuration.load(path), lambda: datetime.now(SHANGHAI)) as gateway:
        _known(gateway, dataset, target)
        wanted = Wanted(dataset, key, institution, ref)
        found = _stored(gateway, wanted) or _looked_up(gateway, wanted) or (_read(gateway, wanted) if force else None)
        if found:
            name = target or next(iter(gateway.config.targets))
            click.echo(f"{found.sentence}；目标 {name} 是{gateway.config.targets[name].kind.word}平台。姓名、证件号等已遮盖：")
            click.echo(masking.printed(envelope(gateway.config, gateway.edition, dataset, name, found)))
    if not found:
        click.echo(_nothing(wanted, force=force), err=True)
        sys.exit(1)


def envelope(config: Config, edition: Edition, dataset: str, target: str, found: Found) -> dict[str, Any]:
    """As the region writes it, with a masked record in it."""
    spec = edition.datasets[dataset]
    place = config.institutions[found.institution]
    sender = Sender(place.code, place.name, place.admvs, config.targets[target].recer_sys_code)
    masked = masking.record(found.record, {each.name: each for each in spec.fields})
    body = wrap(edition, spec, sender, _MSGID, [masked], datetime.now(SHANGHAI))
    written: dict[str, Any] = json.loads(body.decode(edition.style.charset))
    return written


def _known(gateway: Gateway, dataset: str, target: str) -> None:
    if dataset not in gateway.edition.datasets or not gateway.edition.datasets[dataset].uploaded:
        raise ConfigError(f"规范 {gateway.edition.id} 没有要报送的数据集 {dataset}")
    if target and target not in gateway.config.targets:
        raise ConfigError(f"没有名为 {target} 的目标，现有：{'、'.join(gateway.config.targets)}", key="targets")


def _stored(gateway: Gateway, wanted: Wanted) -> Found | None:
    """The newest version that entered the outbox, while its body is kept."""
    for code in gateway.config.institutions:
        if wanted.institution in ("", code):
            entry = gateway.store.ledger(code, wanted.dataset, (wanted.key,)).get(wanted.key)
            body = gateway.store.bodies((entry,), wanted.dataset).get((code, wanted.key)) if entry else None
            if entry and body:
                return Found(code, orjson.loads(body), f"已入队的第 {entry.version} 版")
    return None


def _looked_up(gateway: Gateway, wanted: Wanted) -> Found | None:
    """As a row of the site would be sent now, found by its own number: by the one that was set aside, or that the key tells."""
    for feed in _feeds(gateway, wanted):
        if feed.source.sweeps:
            known = gateway.store.findings(TaskFilter(feed.source.name, wanted.dataset, key=wanted.key))
            for ref in dict.fromkeys((*(each.row.ref for each in known), *wanted.refs)):
                if found := _judged(gateway, wanted, _rows(feed, ref, guessed=not wanted.ref)):
                    return found
    return None


def _rows(feed: Feed, ref: str, *, guessed: bool) -> Sequence[SourceRow]:
    """The rows of that number. A guessed one may be none that the database takes: then there is no such row."""
    try:
        return feed.source.lookup((ref,))
    except SourceQueryError:
        if guessed:
            return ()
        raise


def _read(gateway: Gateway, wanted: Wanted) -> Found | None:
    """The same, by reading every row there is."""
    pages = (page for feed in _feeds(gateway, wanted) for page in feed.source.pages(None, feed.page_size))
    return next((found for page in pages if (found := _judged(gateway, wanted, page.rows))), None)


def _judged(gateway: Gateway, wanted: Wanted, rows: Iterable[SourceRow]) -> Found | None:
    judge, now = Judge(gateway.edition, wanted.dataset, gateway.store.rid), datetime.now(SHANGHAI)
    for row in rows:
        judged = judge.judge(row, now)
        if judged.key == wanted.key and judged.aside is None and wanted.institution in ("", row.institution):
            return Found(row.institution, judged.record, _NOW)
    return None


def _feeds(gateway: Gateway, wanted: Wanted) -> Iterator[Feed]:
    return (feed for feed in gateway.feeds if feed.source.dataset == wanted.dataset)


def _nothing(wanted: Wanted, *, force: bool) -> str:
    """What to do next."""
    if force:
        return f"{wanted.dataset} 没有业务主键是 {wanted.key} 的记录，或它现在报不了：请用 gateway preview 看原因"
    return (
        f"{wanted.dataset} 的 {wanted.key} 还没有入队，按行号也没有查到可报送的（来源没有 lookup 查询的查不了）："
        "知道本地行号的加 --ref，用 gateway preview --ref 看它报不了的原因；要从头读遍来源去找的加 --force，"
        "会占用业务系统，请避开忙时"
    )


COMMANDS = (message,)
