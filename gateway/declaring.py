"""OP03: an institution says that it cannot report, before the deadline, with what the gateway itself has noted as evidence.

A declaration is a record like any other: judged by the edition, queued, sent, resent as its next version once the end is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count

import orjson

from gateway import deadlines, evidence, redaction
from gateway.errors import ConfigError, GatewayError
from gateway.model import Cursor, SourceRow
from gateway.ownrecords import Own, queue
from gateway.wiring import Gateway
from schemas import wire

CODE = "OP03"
#: under which the store keeps them; no name that a site would give a source of its own
SOURCE = "gateway:declared"
_REASON = 500


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a person says."""

    institution: str
    reason: str
    start: datetime
    end: datetime | None  #: None: nobody knows yet
    datasets: tuple[str, ...]  #: (): all of them


@dataclass(frozen=True, slots=True)
class Declared:
    """What was queued of it."""

    id: str
    targets: tuple[str, ...]
    evidence: str
    due: Mapping[str, datetime]  #: data set -> when what happened at the beginning of it is due

    def late(self, now: datetime) -> list[str]:
        """The data sets whose deadline is over already."""
        return [dataset for dataset, due in self.due.items() if due < now]


def declare(gateway: Gateway, said: Declaration) -> Declared:
    """Queue a new declaration. GatewayError if the edition does not let it pass, ConfigError if it names what there is not."""
    _check(gateway, said)
    now = gateway.clock()
    return _queue(gateway, _number(gateway, said.institution, now), now, said)


def _number(gateway: Gateway, institution: str, now: datetime) -> str:
    """One that the institution has not used: two of one second are two, and neither is the other's next version."""
    first = f"D{now.astimezone(wire.SHANGHAI):%Y%m%d%H%M%S}"
    numbers = chain([first], (f"{first}-{place}" for place in count(2)))
    return next(each for each in numbers if not gateway.store.ledger(institution, CODE, [each]))


def end(gateway: Gateway, institution: str, number: str, at: datetime) -> Declared:
    """Say when it was over: the next version of the same declaration, with the evidence up to then."""
    known = gateway.store.ledger(institution, CODE, [number]).get(number)
    body = gateway.store.bodies([known], CODE).get((institution, number)) if known else None
    if body is None:
        raise GatewayError(f"机构 {institution} 没有编号为 {number} 的申明（或正文已清除），请用 gateway declare list 查看")
    record = orjson.loads(body)
    datasets = tuple(each["dataset"] for each in record.get("affected", ()))
    said = Declaration(institution, record["reason"], wire.decode_datetime(record["from"]), at, datasets)
    _check(gateway, said)
    return _queue(gateway, number, wire.decode_datetime(record["declared_time"]), said)


def _check(gateway: Gateway, said: Declaration) -> None:
    if CODE not in gateway.edition.datasets:
        raise ConfigError(f"规范版本 {gateway.edition.id} 没有 {CODE}，不能申明", key="edition")
    served = gateway.datasets_of(said.institution)
    if not served:
        raise ConfigError(f"没有机构 {said.institution}，现有：{'、'.join(gateway.config.institutions)}", key="institutions")
    if unknown := [code for code in said.datasets if code not in served]:
        raise ConfigError(f"机构 {said.institution} 不报 {'、'.join(unknown)}，它报的有：{'、'.join(served)}")
    if said.end and said.end <= said.start:
        raise ConfigError("结束时间应晚于开始时间")
    if redaction.shown(said.reason, _REASON) != said.reason:
        raise ConfigError(f"原因须写成一行、不超过 {_REASON} 字，不能有证件号、电话、卡号")


def _queue(gateway: Gateway, number: str, declared: datetime, said: Declaration) -> Declared:
    now = gateway.clock()
    noted = gateway.store.interruptions(said.start, min(said.end or now, now))
    sources = {feed.source.name for feed in gateway.feeds}
    proof = evidence.written(evidence.relevant(noted, said.institution, said.datasets, sources))
    targets = tuple(name for name, each in gateway.config.targets.items() if said.institution in each.credentials)
    queue(gateway, Own(SOURCE, CODE, (_row(number, declared, said, proof),)), targets, "申明")
    affected = said.datasets or gateway.datasets_of(said.institution)
    closed = gateway.closures.get(said.institution, deadlines.NEVER)
    due = {code: deadlines.due_at(gateway.edition, gateway.edition.datasets[code], said.start, closed) for code in affected}
    return Declared(number, targets, proof, due)


def _row(number: str, declared: datetime, said: Declaration, proof: str) -> SourceRow:
    values = {
        "declaration_id": number,
        "declared_time": declared,
        "reason": said.reason,
        "from": said.start,
        "to": said.end,
        "affected": [{"dataset": code} for code in said.datasets],
        "evidence": proof,
    }
    given = {name: value for name, value in values.items() if value not in (None, [])}
    return SourceRow(number, Cursor(None, number), said.institution, given, entered_at=declared)
