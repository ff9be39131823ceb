"""公共报文头 around an input: wrap, unwrap, and the reply with one result per record (interface facts §1; DATASETS §6).

request  {infno, msgid, …, fixmedins_code, fixmedins_name, input: {<node>: [record, …]}}
reply    {infcode, inf_refmsgid, respond_time, err_msg, output: {result: [Result, …]}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from schemas import rendering, wire
from schemas.dateformat import dateformat
from schemas.errors import EnvelopeError, RefusedWholeError, UnknownInfnoError, WireError
from schemas.model import Dataset, Edition, FieldType, Success, Violation
from schemas.values import value

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


@value
class Result:
    """The receiver's answer for one record."""

    key: str
    version: int
    status: Status
    reasons: tuple[Violation, ...] = field(default=())
    accepted_at: str = ""  #: wire time; of accepted and duplicate
    held_version: int = 0  #: newest version held, where that is another one

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
    """The request body for one batch of one institution, as the region writes it.

    A record is a mapping, or its canonical JSON as bytes. WireError when the region's writing cannot hold it.
    """
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
        "input": {dataset.input[0].name: rendering.fill(edition, dataset, records)},
    }
    return _charset(rendering.dumps(header), edition.style.charset)


def unwrap(edition: Edition, body: bytes) -> Message:
    """Read a request. EnvelopeError when it cannot be used at all; records are not judged here."""
    text = _text(body, edition.style.charset)
    try:
        raw = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise EnvelopeError("报文不是合法的 JSON") from None
    if not isinstance(raw, dict):
        raise EnvelopeError("报文应为 JSON 对象")
    for name in ("infno", "msgid", "fixmedins_code"):
        if not isinstance(raw.get(name), str) or not raw[name]:
            raise EnvelopeError(f"报文头缺少 {name}")
    dataset = dataset_of(edition, raw["infno"])
    records = _records(edition, dataset, text, raw)
    if not 1 <= len(records) <= dataset.batch:
        raise EnvelopeError(f"一次应报送 1 至 {dataset.batch} 条记录，实为 {len(records)} 条")
    return Message(raw["infno"], raw["msgid"], raw["fixmedins_code"], records)


def content_type(edition: Edition) -> str:
    """The media type of a message of the edition."""
    return f"application/json; charset={edition.style.charset}"


def _charset(body: bytes, charset: str) -> bytes:
    """WireError when the region's charset has no such character: none is replaced by a question mark."""
    if charset == "utf-8":
        return body
    try:
        return body.decode("utf-8").encode(charset)
    except UnicodeEncodeError:
        raise WireError(f"报文中有 {charset} 写不出的字") from None


def _text(body: bytes, charset: str) -> bytes | str:
    if charset == "utf-8":
        return body
    try:
        return body.decode(charset)
    except UnicodeDecodeError:
        raise EnvelopeError(f"报文不是 {charset} 编码") from None


def _records(edition: Edition, dataset: Dataset, text: bytes | str, raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The canonical records. A region's numbers are read a second time from the text, because orjson makes floats of them."""
    node = dataset.input[0].name
    place = f"报文的 input.{node} "
    try:
        whole = raw if rendering.plain_to_read(edition, dataset) else rendering.loads(text)
        given = whole.get("input")
        return rendering.read(edition, dataset, given.get(node) if isinstance(given, dict) else None)
    except WireError as error:
        raise EnvelopeError(f"{place}{error}") from None


def dataset_of(edition: Edition, infno: str) -> Dataset:
    """The data set a transaction number stands for. UnknownInfnoError if the edition has none."""
    for dataset in edition.datasets.values():
        if dataset.infno == infno:
            return dataset
    raise UnknownInfnoError(f"没有交易编号 {infno}")


def reply(refmsgid: str, now: datetime, results: Sequence[Result], charset: str = "utf-8") -> bytes:
    """The answer to a message whose records were judged one by one."""
    return answer(refmsgid, now, {"result": [result.as_dict() for result in results]}, charset)


def answer(refmsgid: str, now: datetime, output: Mapping[str, Any], charset: str = "utf-8") -> bytes:
    """The answer to a message that was understood."""
    return _answer(SUCCESS, refmsgid, now, "", output, charset)


def refusal(refmsgid: str, now: datetime, sentence: str, charset: str = "utf-8") -> bytes:
    """The answer to a message that was refused whole."""
    return _answer(FAILURE, refmsgid, now, sentence, {}, charset)


def _answer(infcode: int, refmsgid: str, now: datetime, err_msg: str, output: Mapping[str, Any], charset: str) -> bytes:
    stamp = f"{now.astimezone(wire.SHANGHAI):%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"
    whole = {
        "infcode": infcode,
        "inf_refmsgid": refmsgid,
        "refmsg_time": stamp,
        "respond_time": stamp,
        "err_msg": err_msg,
        "output": output,
    }
    # escaped to ASCII it reads alike in every charset, and no character of a key can fail to be written
    return orjson.dumps(whole) if charset == "utf-8" else json.dumps(whole).encode("ascii")


def output(reply_body: bytes, charset: str = "utf-8") -> Mapping[str, Any]:
    """The output of a reply to a transaction that was called. RefusedWholeError, or EnvelopeError if it proves nothing."""
    try:
        raw = orjson.loads(_text(reply_body, charset))
        failed, found = _failed(raw, ()), raw.get("output")
    except (AttributeError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise EnvelopeError("平台的应答无法读懂") from None
    if failed is not None:
        raise RefusedWholeError(failed)
    if not isinstance(found, dict):
        raise EnvelopeError("平台的应答没有 output")
    return found


def results(
    reply_body: bytes, dataset: Dataset | None = None, sent: Sequence[Any] = (), charset: str = "utf-8"
) -> tuple[Result, ...]:
    """Read a reply: one result per record. RefusedWholeError carries the receiver's sentence.

    A platform that answers each record is taken at its word. One that answers the message only is judged by the data set's
    conditions of success, and its yes holds for every record of `sent`; where none are declared, such a yes proves nothing.
    Any other EnvelopeError means the same: the reply proves nothing.
    """
    try:
        raw = orjson.loads(_text(reply_body, charset))
        each = _answers(raw)
        failed = _failed(raw, dataset.success if each is None and dataset else ())
        if failed is None:
            return tuple(map(_result, each)) if each is not None else _accepted(raw, dataset, sent)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise EnvelopeError("平台的应答无法读懂") from None
    raise RefusedWholeError(failed)


def _answers(raw: Any) -> list[Any] | None:
    """The results of our own platform, record by record; None when the reply has none."""
    if not isinstance(raw, dict):
        raise TypeError("not an object")
    output = raw.get("output")
    answers = output.get("result") if isinstance(output, dict) else None
    return answers if isinstance(answers, list) else None


def _failed(raw: Mapping[str, Any], conditions: Sequence[Success]) -> str | None:
    """Why the receiver refused the message, None when it did not. KeyError or ValueError when the reply does not say."""
    if not conditions:
        refused = int(raw["infcode"]) != SUCCESS  # arrives as number or text (interface facts §1.2)
        return str(raw.get("err_msg") or "平台拒收，未说明原因") if refused else None
    judged = [(condition, _holds(raw, condition)) for condition in conditions]
    broken = next((condition for condition, holds in judged if holds is False), None)
    if broken is not None:
        return _sentence(raw, broken)
    if any(holds is None for _, holds in judged):
        raise KeyError(next(condition.path for condition, holds in judged if holds is None))
    return None


def _holds(raw: Mapping[str, Any], condition: Success) -> bool | None:
    """None when the reply has nothing readable at the path."""
    found = _at(raw, condition.path)
    if found is None or found == "":
        return True if condition.optional or not condition.values else None
    if isinstance(found, dict | list):
        return None
    return str(found) in condition.values


def _at(raw: Any, path: str) -> Any:
    """What stands at a dotted path; None when nothing does."""
    for name in path.split("."):
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw


def _sentence(raw: Mapping[str, Any], condition: Success) -> str:
    said = _at(raw, condition.sentence) if condition.sentence else None
    return str(said or raw.get("err_msg") or f"平台拒收，未说明原因（应答的 {condition.path} 不是成功的值）")


def _accepted(raw: Mapping[str, Any], dataset: Dataset | None, sent: Sequence[Any]) -> tuple[Result, ...]:
    """The yes to a message, for each of its records: only where the edition says that this is how the platform answers."""
    if not sent or dataset is None or not dataset.success:
        raise KeyError("output.result")
    stamp = dateformat("yyyyMMddHHmmssSSS", FieldType.DATETIME).read(str(raw.get("respond_time", "")))
    records = (rendering.opened(record) for record in sent)
    return tuple(Result(str(each["key"]), int(each["version"]), Status.ACCEPTED, accepted_at=stamp) for each in records)


def _result(raw: Mapping[str, Any]) -> Result:
    return Result(
        str(raw["key"]),
        int(raw["version"]),
        Status(raw["status"]),
        tuple([Violation(**reason) for reason in raw.get("reasons", ())]),
        str(raw.get("accepted_at", "")),
        int(raw.get("held_version", 0)),
    )
