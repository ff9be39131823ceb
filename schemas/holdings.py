"""QY01 平台持有情况查询: what the platform holds of an institution, asked and answered (DATASETS §6).

The question travels like any message of the region; the answer is written alike everywhere, as upload results are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from schemas import envelope, wire
from schemas.errors import EnvelopeError, WireError
from schemas.model import Edition, Violation

CODE = "QY01"
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_KEY_LENGTH = 400


class Fate(StrEnum):
    """What became of the very version that was asked for."""

    NEVER = "0"  #: not received, or not asked for
    ACCEPTED = "1"
    REJECTED = "2"


@dataclass(frozen=True, slots=True)
class Asked:
    """A key, and the version whose fate is wanted; 0: only what is newest."""

    key: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """Keys of one data set, or a whole business date of it, after a key."""

    dataset: str
    asked: tuple[Asked, ...] = ()
    business_date: date | None = None
    after_key: str = ""


@dataclass(frozen=True, slots=True)
class Holding:
    """What the platform holds of one key."""

    key: str
    version: int = 0  #: the newest; 0: nothing is held
    content_hash: str = ""
    vali_flag: str = ""
    rid: str = ""
    accepted_at: str = ""  #: wire time
    asked_version: int = 0
    fate: Fate = Fate.NEVER
    asked_hash: str = ""  #: what that version said here
    reasons: tuple[Violation, ...] = ()  #: why that version was refused


@dataclass(frozen=True, slots=True)
class Answer:
    """One page, in the order of the platform's keys."""

    holdings: tuple[Holding, ...]
    after_key: str = ""  #: ask on from here; "": that was all


def write_question(question: Question) -> dict[str, Any]:
    """The record of the message, canonical."""
    record: dict[str, Any] = {"dataset": question.dataset}
    if question.business_date:
        record["business_date"] = question.business_date.isoformat()
    if question.asked:
        record["asked"] = [{"key": each.key, **_number("version", each.version)} for each in question.asked]
    if question.after_key:
        record["after_key"] = question.after_key
    return record


def read_question(edition: Edition, record: Mapping[str, Any]) -> Question:
    """EnvelopeError says what is wrong with the question."""
    dataset, day, after = (_text(record, name) for name in ("dataset", "business_date", "after_key"))
    if dataset not in edition.datasets or not edition.datasets[dataset].uploaded:
        raise EnvelopeError("查询的数据集（dataset）不是报送的数据集")
    rows = record.get("asked") or []
    if bool(rows) == bool(day):
        raise EnvelopeError("查询须写所问主键（asked）或业务日（business_date），二者取一")
    most = edition.datasets[CODE].batch
    if not isinstance(rows, list) or len(rows) > most:
        raise EnvelopeError(f"一次最多问 {most} 个主键")
    return Question(dataset, tuple(map(_asked, rows)), _day(day) if day else None, after)


def write_answer(answer: Answer) -> dict[str, Any]:
    """The output of the reply."""
    page = {"after_key": answer.after_key} if answer.after_key else {}
    return {"holding": [_holding_on_wire(each) for each in answer.holdings], "page": page}


def read_answer(reply: bytes, charset: str = "utf-8") -> Answer:
    """Read a reply. RefusedWholeError carries the platform's sentence; any other EnvelopeError: it proves nothing."""
    output = envelope.output(reply, charset)
    try:
        return Answer(tuple(map(_holding, output["holding"])), str(output["page"].get("after_key", "")))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise EnvelopeError("平台对查询的应答无法读懂") from None


def _asked(row: Any) -> Asked:
    if not isinstance(row, dict) or not _text(row, "key"):
        raise EnvelopeError("所问主键（asked）每行须有 key")
    version = row.get("version", "")
    if version and not (isinstance(version, str) and _VERSION.fullmatch(version)):
        raise EnvelopeError("所问版本号（version）应为从 1 起的整数")
    return Asked(row["key"], int(version or 0))


def _text(record: Mapping[str, Any], name: str) -> str:
    text = record.get(name, "")
    if not isinstance(text, str) or len(text) > _KEY_LENGTH or "\0" in text:
        raise EnvelopeError(f"查询的 {name} 应为不超过 {_KEY_LENGTH} 字的文本")
    return text


def _day(text: str) -> date:
    try:
        return wire.in_years(date.fromisoformat(text))
    except WireError as error:
        raise EnvelopeError(f"业务日（business_date）{error}") from None
    except ValueError:
        raise EnvelopeError("业务日（business_date）应写成 yyyy-MM-dd") from None


def _holding_on_wire(holding: Holding) -> dict[str, Any]:
    row: dict[str, Any] = {"key": holding.key, "version": str(holding.version)}
    texts = {name: getattr(holding, name) for name in ("content_hash", "vali_flag", "rid", "accepted_at", "asked_hash")}
    row.update({name: text for name, text in texts.items() if text})
    if holding.asked_version:
        row.update(asked_version=str(holding.asked_version), asked_stas=str(holding.fate))
    if holding.reasons:
        row["reasons"] = [reason.as_dict() for reason in holding.reasons]
    return row


def _holding(row: Mapping[str, Any]) -> Holding:
    return Holding(
        key=str(row["key"]),
        version=int(row["version"]),
        content_hash=str(row.get("content_hash", "")),
        vali_flag=str(row.get("vali_flag", "")),
        rid=str(row.get("rid", "")),
        accepted_at=str(row.get("accepted_at", "")),
        asked_version=int(row.get("asked_version", 0)),
        fate=Fate(row.get("asked_stas", "0")),
        asked_hash=str(row.get("asked_hash", "")),
        reasons=tuple(Violation(**reason) for reason in row.get("reasons", ())),
    )


def _number(name: str, value: int) -> dict[str, str]:
    return {name: str(value)} if value else {}
