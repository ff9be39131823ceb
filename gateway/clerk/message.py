"""`gateway message`: the envelope of one record as the platform gets it; persons masked, neither token nor signature shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson

from gateway import config as configuration
from gateway.clerk import masking
from gateway.config import Config
from gateway.errors import ConfigError
from gateway.judging import Judge
from gateway.telling import told
from gateway.wiring import Gateway, opened
from schemas.commandline import Command
from schemas.envelope import Sender, wrap
from schemas.model import Edition
from schemas.wire import SHANGHAI

_MSGID = "（发出时编号）"


@dataclass(frozen=True, slots=True)
class Found:
    """A record, and where it stands."""

    institution: str
    record: Mapping[str, Any]
    sentence: str


@click.command(
    cls=Command, help="看一条记录的报文原样：已入队的按库里的，没入队的按现在的本地数据；个人信息遮盖，密钥和签名不显示。"
)
@click.option("--dataset", required=True, help="数据集，如 HD03")
@click.option("--key", required=True, help="业务主键")
@click.option("--target", default="", help="发给哪个目标；不写则第一个")
@click.option("--institution", default="", help="只这家机构")
@click.pass_obj
def message(path: Path, *, dataset: str, key: str, target: str, institution: str) -> None:
    """Exit code 1 if no such record can be found."""
    with told(), opened(configuration.load(path), lambda: datetime.now(SHANGHAI)) as gateway:
        _known(gateway, dataset, target)
        found = _stored(gateway, dataset, key, institution) or _read(gateway, dataset, key, institution)
        if found:
            name = target or next(iter(gateway.config.targets))
            click.echo(f"{found.sentence}；目标 {name} 是{gateway.config.targets[name].kind.word}平台。姓名、证件号等已遮盖：")
            click.echo(masking.printed(envelope(gateway.config, gateway.edition, dataset, name, found)))
    if not found:
        click.echo(f"{dataset} 没有业务主键是 {key} 的记录，或它现在报不了：请用 gateway preview 看原因", err=True)
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


def _stored(gateway: Gateway, dataset: str, key: str, institution: str) -> Found | None:
    """The newest version that entered the outbox, while its body is kept."""
    for code in gateway.config.institutions:
        if institution in ("", code):
            entry = gateway.store.ledger(code, dataset, (key,)).get(key)
            body = gateway.store.bodies((entry,), dataset).get((code, key)) if entry else None
            if entry and body:
                return Found(code, orjson.loads(body), f"已入队的第 {entry.version} 版")
    return None


def _read(gateway: Gateway, dataset: str, key: str, institution: str) -> Found | None:
    """As a row of the site would be sent now."""
    judge, now = Judge(gateway.edition, dataset, gateway.store.rid), datetime.now(SHANGHAI)
    for feed in gateway.feeds:
        if feed.source.dataset == dataset:
            for page in feed.source.pages(None, feed.page_size):
                for row in page.rows:
                    judged = judge.judge(row, now)
                    if judged.key == key and judged.aside is None and institution in ("", row.institution):
                        return Found(row.institution, judged.record, "还没有入队，按现在的本地数据会这样发出")
    return None


COMMANDS = (message,)
