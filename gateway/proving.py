"""`gateway manifest` and `gateway prove`: a business day is stated, and held against what each platform says that it holds."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console

from gateway import config as configuration
from gateway import proofpage as show
from gateway import stating
from gateway.bureau.client import BureauClient
from gateway.deadlines import NEVER
from gateway.errors import ConfigError, GatewayError
from gateway.manifest import Held, Statement, live_everywhere
from gateway.proof import Comparison, Proof, Sides, differences, live_digest, only_there, to_be_asked
from gateway.proofpage import Page
from gateway.standing import Progress
from gateway.stating import Day
from gateway.telling import told
from gateway.tiers import span_of
from gateway.timeliness import of_business_day
from gateway.wiring import Gateway, opened
from schemas.commandline import CalendarDay, Command
from schemas.holdings import Asked, Holding, Question
from schemas.manifest import CODE, digest
from schemas.wire import SHANGHAI

_DAY = CalendarDay()
_SILENT = "这个平台不回答查询（answers_queries: false）"
_DATASET = click.option("--dataset", default="", help="只这个数据集，如 HD03")


def _now() -> datetime:
    return datetime.now(SHANGHAI)


@click.command(
    "manifest", cls=Command, help="出日清单（OP01）：把业务日重读一遍，逐行写明去向和摘要，变了的出下一版；serve 每天自动做。"
)
@click.option("--date", "one", type=_DAY, help="哪个业务日 yyyy-MM-dd")
@click.option("--from", "first", type=_DAY, help="起始业务日，与 --to 同用")
@click.option("--to", "last", type=_DAY, help="截止业务日，含当天")
@_DATASET
@click.pass_obj
def manifest(path: Path, one: datetime | None, first: datetime | None, last: datetime | None, dataset: str) -> None:
    """Queue what says something new; the running gateway or the next `gateway run` sends it."""
    with told(), opened(configuration.load(path), _now) as gateway:
        stating.check(gateway)
        codes = stating.datasets(gateway, dataset)
        days = _days(gateway, one, first, last)
        for day in days:
            show.stated(_console(), day, [said for code in codes for said in stating.state(gateway, code, day)[1]])


def _days(gateway: Gateway, one: datetime | None, first: datetime | None, last: datetime | None) -> list[date]:
    """Each of the days that are meant, all of them over."""
    if bool(one) == bool(first or last) or bool(first) != bool(last):
        raise ConfigError("请写 --date，或 --from 和 --to")
    begin, end = (one or first), (one or last)
    if not begin or not end or begin > end:
        raise ConfigError("--from 应不晚于 --to")
    days = [begin.date() + timedelta(days=number) for number in range((end - begin).days + 1)]
    if not stating.ended(gateway, days[-1]):
        raise ConfigError(f"{days[-1]} 还没有过完，过完才能出清单")
    return days


@click.command(cls=Command, help="证明：一个业务日的每一行都在哪里，与平台逐条对照；有一处没有证明，退出码是 1。")
@click.option("--date", "day", type=_DAY, required=True, help="哪个业务日 yyyy-MM-dd")
@click.option("--target", default="", help="只对照这个目标")
@click.option("--institution", default="", help="只这家机构")
@_DATASET
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="另写成一个可打印的 HTML 文件（A4），交给医保局")
@click.pass_obj
def prove(path: Path, day: datetime, target: str, institution: str, dataset: str, out: Path | None) -> None:
    """Read the day anew, state what has changed, ask the platforms, and print what that comes to."""
    with told(), opened(configuration.load(path), _now) as gateway:
        stating.check(gateway)
        _days(gateway, day, None, None)
        proofs = list(proofs_of(gateway, day.date(), target=target, institution=institution, dataset=dataset))
        if not proofs:
            raise ConfigError("没有符合的机构、数据集或目标")
        page = _page(gateway, day.date(), proofs)
        show.printed(_console(), page)
        if out:
            show.write(page, out)
    sys.exit(0 if all(each.proven for each in proofs) else 1)


COMMANDS = (manifest, prove)


@dataclass(frozen=True, slots=True)
class _Known:
    """What our store says of a data set's business day."""

    found: Day
    history: Mapping[str, Sequence[Statement]]  #: by institution
    deliveries: Mapping[tuple[str, str], Progress]  #: of the manifests, by target and institution
    held: Mapping[str, Sequence[Held]]  #: by the targets, as far as we know; by institution
    trouble: str  #: why the day could not be read anew; ""


def proofs_of(gateway: Gateway, day: date, *, target: str = "", institution: str = "", dataset: str = "") -> Iterator[Proof]:
    """One for each institution, data set and target that is meant."""
    for code in stating.datasets(gateway, dataset):
        known = _known(gateway, code, day)
        for whose, targets in known.found.targets.items():
            for name in targets:
                if institution in ("", whose) and target in ("", name):
                    yield _proof(gateway, known, whose, name)


def _known(gateway: Gateway, dataset: str, day: date) -> _Known:
    """A day that cannot be read anew is told by what is known of it."""
    trouble = ""
    try:
        found = stating.state(gateway, dataset, day, whole=True)[0]
    except GatewayError as error:
        trouble, found = str(error), stating.find(gateway, dataset, day, by=stating.By.STORE, whole=True)
    everyone = {target for targets in found.targets.values() for target in targets}
    history: dict[str, list[Statement]] = defaultdict(list)
    for said in gateway.store.statements(dataset, day):
        history[said.institution].append(said)
    held: dict[str, list[Held]] = defaultdict(list)
    for each in gateway.store.held(dataset, span_of(day), everyone):
        held[each.institution].append(each)
    progress = gateway.store.deliveries(CODE, [f"{dataset}|{day.isoformat()}"])
    deliveries = {(each.target, each.institution): each for each in progress}
    return _Known(found, history, deliveries, held, trouble)


def _proof(gateway: Gateway, known: _Known, institution: str, target: str) -> Proof:
    own = tuple(known.history.get(institution, ()))
    delivery = known.deliveries.get((target, institution))
    closed = gateway.closures.get(institution, NEVER)(known.found.day)
    compared = _compared(gateway, known, institution, target, own[0].snapshot_at if own else None)
    return Proof(target, institution, known.found.dataset, own, delivery, compared, closed, known.trouble)


def _compared(gateway: Gateway, known: _Known, institution: str, target: str, stated_at: datetime | None) -> Comparison:
    """What the platform says of the day. One that cannot be asked has said nothing."""
    found, client = known.found, gateway.clients[target]
    held = known.held.get(institution, ())
    ours, alike = (digest(live_everywhere(held, targets)) for targets in ((target,), found.targets[institution]))
    if not client.answers_queries:
        return Comparison(ours, trouble=_SILENT)
    try:
        there = _there(client, institution, found)
        rows, records = found.rows[institution], found.records[institution]
        sides = Sides(target, rows, records, institution in found.counted, stated_at, there)
        asked = _of_keys(client, institution, found.dataset, to_be_asked(sides))
    except GatewayError as error:
        return Comparison(ours, trouble=str(error))
    entries = gateway.store.ledger(institution, found.dataset, only_there(sides))
    versions = {key: entry.version for key, entry in entries.items()}
    theirs, live = live_digest(there.values())
    return Comparison(ours, theirs, live, tuple(differences(replace(sides, asked=asked, known=versions))), alike=alike)


def _there(client: BureauClient, institution: str, found: Day) -> Mapping[str, Holding]:
    """Everything the platform holds of the day, page by page."""
    held: dict[str, Holding] = {}
    question = Question(found.dataset, business_date=found.day)
    while True:
        answer = client.holdings(institution, question)
        held.update((each.key, each) for each in answer.holdings)
        if not answer.after_key:
            return held
        if answer.after_key == question.after_key:
            raise GatewayError("平台对按业务日的查询总答同一页，无法对照")
        question = replace(question, after_key=answer.after_key)


def _of_keys(client: BureauClient, institution: str, dataset: str, keys: list[str]) -> Mapping[str, Holding]:
    if not keys:
        return {}
    answer = client.holdings(institution, Question(dataset, tuple(Asked(key) for key in keys)))
    return {each.key: each for each in answer.holdings}


def _page(gateway: Gateway, day: date, proofs: Sequence[Proof]) -> Page:
    lateness = {place: of_business_day(gateway, *place, day) for place in {(each.target, each.dataset): None for each in proofs}}
    return Page(
        day=day,
        made_at=gateway.clock(),
        edition=gateway.edition.id,
        rid=gateway.store.rid,
        institutions={code: each.name for code, each in gateway.config.institutions.items()},
        datasets={code: each.name for code, each in gateway.edition.datasets.items()},
        proofs=tuple(proofs),
        lateness={(*place, code): account for place, found in lateness.items() for code, account in found.items()},
    )


def _console() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=False)
