"""公共报文头 around an input: wrap, unwrap, and the reply with one result per record (interface facts §1; DATASETS §6).

request  {infno, msgid, …, fixmedins_code, fixmedins_name, input: {<node>: [record, …]}}
reply    {infcode, inf_refmsgid, respond_time, err_msg, output: {result: [Result, …]}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from schemas import wire
from schemas.errors import EnvelopeError, RefusedWholeError
from schemas.model import Dataset, Edition, Violation

SUCCESS, FAILURE = 0, -1


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the part of the header that does not change from message to message."""

    fixmedins_code: str
    fixmedins_name: str
    mdtrtarea_admvs: str
    recer_sys_code: str
    opter: str = "gateway"
    opter_name: str = "前置网关"
    opter_type: str = "2"  #: 自助终端: nobody sits before the gateway
    dev_no: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A request as the receiver sees it."""

    infno: str
    msgid: str
    fixmedins_code: str
    records: tuple[Mapping[str, Any], ...]


class Status(StrEnum):
    """What became of one record."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  #: same version, same hash: the first answer again
    REJECTED = "rejected"
    CONFLICT = "conflict"  #: same version, another hash: the sender's ledger was restored


@dataclass(frozen=True, slots=True)
class Result:
    """The receiver's answer for one record."""

    key: str
    version: int
    status: Status
    reasons: tuple[Violation, ...] = field(default=())
    accepted_at: str = ""  #: wire time; of accepted and duplicate
    held_version: int = 0  #: newest version held; of conflict

    def as_dict(self) -> dict[str, Any]:
        """Wire form."""
        return {
            "key": self.key,
            "version": self.version,
            "status": str(self.status),
            "reasons": [reason.as_dict() for reason in self.reasons],
            "accepted_at": self.accepted_at,
            "held_version": self.held_version,
        }


def message_id(fixmedins_code: str, now: datetime, sequence: int) -> str:
    """fixmedins_code(12) + yyyyMMddHHmmss(14) + sequence(4) = 30, unique per message (interface facts §1.1)."""
    return f"{fixmedins_code:0<12.12}{now.astimezone(wire.SHANGHAI):%Y%m%d%H%M%S}{sequence % 10_000:04d}"


def wrap(edition: Edition, dataset: Dataset, sender: Sender, msgid: str, records: Sequence[Any], now: datetime) -> bytes:
    """The request body for one batch of one institution."""
    header = {
        "infno": dataset.infno,
        "msgid": msgid,
        "mdtrtarea_admvs": sender.mdtrtarea_admvs,
        "recer_sys_code": sender.recer_sys_code,
        "dev_no": sender.dev_no,
        "infver": edition.infver,
        "opter_type": sender.opter_type,
        "opter": sender.opter,
        "opter_name": sender.opter_name,
        "inf_time": wire.encode_datetime(now),
        "fixmedins_code": sender.fixmedins_code,
        "fixmedins_name": sender.fixmedins_name,
        "input": {dataset.input[0].name: list(records)},
    }
    return orjson.dumps(header)


def unwrap(edition: Edition, body: bytes) -> Message:
    """Read a request. EnvelopeError when it cannot be used at all; records are not judged here."""
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise EnvelopeError("报文不是合法的 JSON") from None
    if not isinstance(raw, dict):
        raise EnvelopeError("报文应为 JSON 对象")
    for name in ("infno", "msgid", "fixmedins_code"):
        if not isinstance(raw.get(name), str) or not raw[name]:
            raise EnvelopeError(f"报文头缺少 {name}")
    return Message(raw["infno"], raw["msgid"], raw["fixmedins_code"], _records(edition, raw))


def _records(edition: Edition, raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    dataset = dataset_of(edition, raw["infno"])
    node = dataset.input[0].name
    records = raw["input"].get(node) if isinstance(raw.get("input"), dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise EnvelopeError(f"报文的 input.{node} 应为记录数组")
    if not 1 <= len(records) <= dataset.batch:
        raise EnvelopeError(f"一次应报送 1 至 {dataset.batch} 条记录，实为 {len(records)} 条")
    return tuple(records)


def dataset_of(edition: Edition, infno: str) -> Dataset:
    """The data set a transaction number stands for. EnvelopeError if the edition has none."""
    for dataset in edition.datasets.values():
        if dataset.infno == infno:
            return dataset
    raise EnvelopeError(f"没有交易编号 {infno}")


def reply(refmsgid: str, now: datetime, results: Sequence[Result]) -> bytes:
    """The answer to a message whose records were judged one by one."""
    return _answer(SUCCESS, refmsgid, now, "", {"result": [result.as_dict() for result in results]})


def refusal(refmsgid: str, now: datetime, sentence: str) -> bytes:
    """The answer to a message that was refused whole."""
    return _answer(FAILURE, refmsgid, now, sentence, {})


def _answer(infcode: int, refmsgid: str, now: datetime, err_msg: str, output: Mapping[str, Any]) -> bytes:
    stamp = f"{now.astimezone(wire.SHANGHAI):%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"
    return orjson.dumps(
        {
            "infcode": infcode,
            "inf_refmsgid": refmsgid,
            "refmsg_time": stamp,
            "respond_time": stamp,
            "err_msg": err_msg,
            "output": output,
        }
    )


def results(reply_body: bytes) -> tuple[Result, ...]:
    """Read a reply. RefusedWholeError carries err_msg; any other EnvelopeError means it proves nothing."""
    try:
        raw = orjson.loads(reply_body)
        refused = int(raw["infcode"]) != SUCCESS  # arrives as number or text (interface facts §1.2)
        if not refused:
            return tuple(_result(each) for each in raw["output"]["result"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise EnvelopeError("平台的应答无法读懂") from None
    raise RefusedWholeError(str(raw.get("err_msg") or "平台拒收，未说明原因"))


def _result(raw: Mapping[str, Any]) -> Result:
    return Result(
        key=str(raw["key"]),
        version=int(raw["version"]),
        status=Status(raw["status"]),
        reasons=tuple(Violation(**reason) for reason in raw.get("reasons", ())),
        accepted_at=str(raw.get("accepted_at", "")),
        held_version=int(raw.get("held_version", 0)),
    )
