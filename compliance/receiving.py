"""Path 4a: envelope -> judged -> stored once -> one result per record (DATASETS §6).

The same record may come any number of times; it is kept once and answered alike. Pure over `compliance.ports.Archive`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from compliance import cadence, closing, epochs
from compliance.errors import (
    ForeignInstitutionError,
    MessageRefusedError,
    OtherEditionError,
    SecondGatewayError,
    UnknownTransactionError,
)
from compliance.model import Accepted, Held, Receipt, Rejected
from compliance.ports import Archive, Book
from schemas import build, compiled, envelope, record, wire
from schemas.cadence import Closed
from schemas.envelope import Message, Result, Status
from schemas.errors import EnvelopeError, UnknownInfnoError
from schemas.model import Dataset, Edition, Violation

_MSGID = re.compile(r"[!-~]{1,64}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_EDITION = "edition"  #: the rule: made by the edition in force
_SENTENCE = 200  #: err_msg is C200 (interface facts §1.2)
#: a record with one of these wrong does not say reliably which record it is
_IDENTITY = frozenset({"fixmedins_code", "key", "version", "content_hash"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told, and what the log may say."""

    receipt: Receipt
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One record of a message with everything that is wrong with it."""

    key: str
    version: int
    content_hash: str
    body: Mapping[str, Any]
    violations: tuple[Violation, ...]
    identified: bool  #: whether institution, key, version and digest are what the record says they are


class Receiver:
    """Receives the messages of authenticated senders."""

    def __init__(self, edition: Edition, archive: Archive, fencing: timedelta = epochs.WINDOW) -> None:
        self._edition, self._archive, self._fencing = edition, archive, fencing
        self._common = {field.name: field for field in edition.common}

    def receive(self, allowed: Collection[str], body: bytes, reference: str, now: datetime) -> Answer:
        """Take one message of a sender that may report for the institutions `allowed`.

        1. Open the envelope; one that cannot be used, or is another's, is noted and raises MessageRefusedError.
        2. Judge every record: all reasons at once.
        3. In one transaction: compare with what is held, refuse a second gateway (SecondGatewayError) or another edition
           (OtherEditionError) whole, store what is new, note what was refused.
        """
        try:
            message = self._open(allowed, body)
        except MessageRefusedError as refusal:
            self._note_refusal(allowed, body, reference, now, str(refusal))
            raise
        dataset = envelope.dataset_of(self._edition, message.infno)
        judged = [self._judge(message, dataset, each) for each in message.records]
        return self._store(message, dataset, judged, reference, now)

    def _open(self, allowed: Collection[str], body: bytes) -> Message:
        try:
            message = envelope.unwrap(self._edition, body)
        except UnknownInfnoError as error:
            raise UnknownTransactionError(str(error)[:_SENTENCE]) from None
        except EnvelopeError as error:
            raise MessageRefusedError(str(error)[:_SENTENCE]) from None
        if not _MSGID.fullmatch(message.msgid):
            raise MessageRefusedError("报文头 msgid 应为 1 至 64 个可见的英文字符")
        if not envelope.dataset_of(self._edition, message.infno).uploaded:
            raise UnknownTransactionError(f"交易 {message.infno} 不是报送类交易，请勿发到报送地址")
        if message.fixmedins_code not in allowed:
            raise ForeignInstitutionError("报文头的 fixmedins_code 不是这把密钥所属的机构")
        return message

    def _judge(self, message: Message, dataset: Dataset, body: Mapping[str, Any]) -> _Judged:
        found = compiled.validator(self._edition, dataset.code).violations(body)
        named = {violation.field for violation in found}
        own = tuple(each for each in self._disagreements(message, dataset, body) if each.field not in named)
        version = body.get("version")
        return _Judged(
            key=str(body.get("key", "")),
            version=int(version) if isinstance(version, str) and _VERSION.fullmatch(version) else 0,
            content_hash=str(body.get("content_hash", "")),
            body=body,
            violations=(*found, *own),
            identified=not _IDENTITY & {*named, *(each.field for each in own)},
        )

    def _disagreements(self, message: Message, dataset: Dataset, body: Mapping[str, Any]) -> Iterator[Violation]:
        """What the record says of itself against its message and the edition in force.

        Key and digest are compared here even if a field is wrong: without them nobody knows which record it is.
        """
        if body.get("fixmedins_code") != message.fixmedins_code:
            yield Violation("fixmedins_code", "institution", "定点医药机构编号（fixmedins_code）与报文头不一致")
        version = body.get("version")
        if not isinstance(version, str) or not _VERSION.fullmatch(version):
            yield Violation("version", "version", "版本号（version）应为从 1 起的整数")
        if body.get("edition") != self._edition.id:
            yield Violation("edition", _EDITION, f"接口版本标识（edition）不是平台现行的 {self._edition.id}")
        if body.get("key") != record.business_key(dataset, body):
            yield build.violation(self._common["key"], "key", fields="、".join(dataset.key))
        if body.get("content_hash") != record.content_hash(dataset, body):
            yield build.violation(self._common["content_hash"], "content_hash")

    def _store(self, message: Message, dataset: Dataset, judged: list[_Judged], reference: str, now: datetime) -> Answer:
        with self._archive.writing(message.fixmedins_code) as book:
            results = _placed(book, dataset, judged, now)
            refusal = self._fence(book, judged, now) or self._other_edition(judged, results)
            if refusal is None:
                self._keep(book, message, dataset, list(zip(judged, results, strict=True)), now)
            receipt = _receipt(message, () if refusal else results, reference, now)
            book.note(replace(receipt, refused=str(refusal or "")))
        if refusal:  # only now: an exception inside would undo the note
            raise refusal
        return Answer(receipt, results)

    def _fence(self, book: Book, judged: list[_Judged], now: datetime) -> MessageRefusedError | None:
        """Why a second gateway's message is refused; None when it comes from the one that may report."""
        rids = {str(each.body["rid"]) for each in judged if not any(found.field == "rid" for found in each.violations)}
        verdict = epochs.judge(book.epochs(), rids, now, self._fencing)
        book.mark(verdict.changed)
        return SecondGatewayError(verdict.refused) if verdict.refused else None

    def _other_edition(self, judged: list[_Judged], results: Sequence[Result]) -> MessageRefusedError | None:
        """Why a sender that works by another edition is told to wait: rejected one by one, its records would be a person's work.

        A record of an older edition beside current ones is a leftover, and is rejected by itself.
        """
        foreign = [str(each.body["edition"]) for each in judged if _of_other_edition(each)]
        if len(foreign) < len(judged) or not any(result.status is Status.REJECTED for result in results):
            return None
        others = "、".join(sorted({_readable(each) for each in foreign})[:2])
        sentence = f"报文按接口版本 {others} 制作，平台现行 {self._edition.id}：请两边统一版本后再报"
        return OtherEditionError(sentence[:_SENTENCE])

    def _keep(self, book: Book, message: Message, dataset: Dataset, pairs: list[tuple[_Judged, Result]], now: datetime) -> None:
        closed = closing.calendar(book.closures())
        accepted = [self._accepted(dataset, each, now, closed) for each, result in pairs if result.status is Status.ACCEPTED]
        book.accept(dataset.code, message.msgid, accepted)
        rejected = [_rejected(each) for each, result in pairs if result.status is Status.REJECTED]
        book.reject(dataset.code, message.msgid, rejected, now)

    def _accepted(self, dataset: Dataset, judged: _Judged, now: datetime, closed: Closed) -> Accepted:
        body = judged.body
        return Accepted(
            key=judged.key,
            version=judged.version,
            content_hash=judged.content_hash,
            vali_flag=body["vali_flag"],
            edition=body["edition"],
            rid=body["rid"],
            body=body,
            occurred_at=wire.decode_datetime(body["occurred_at"]),
            entered_at=_clock(body, "entered_at"),
            seen_at=_clock(body, "seen_at"),
            accepted_at=now,
            due_at=cadence.due_at(self._edition, dataset, body, closed),
        )

    def _note_refusal(self, allowed: Collection[str], body: bytes, reference: str, now: datetime, sentence: str) -> None:
        """A refused message is remembered under the sender that was authenticated, not the one it named."""
        institution = min(allowed, default="")
        msgid, infno = (_readable(text) for text in _header(body))
        with self._archive.writing(institution) as book:
            book.note(Receipt(reference, msgid, institution, infno, now, refused=sentence))


def _placed(book: Book, dataset: Dataset, judged: list[_Judged], now: datetime) -> tuple[Result, ...]:
    """What becomes of each record, by what is held of its key; nothing is written yet."""
    known = book.held(dataset.code, {each.key for each in judged if each.identified})
    held = {key: dict(versions) for key, versions in known.items()}
    return tuple(_place(each, held.setdefault(each.key, {}), now) for each in judged)


def _place(judged: _Judged, versions: dict[int, Held], now: datetime) -> Result:
    """What becomes of one record, given the versions held of its key; an accepted one joins them.

    What is held is asked first: a repetition gets its first answer even if the rules have become stricter since.
    """
    held = versions.get(judged.version) if judged.identified else None
    if held is not None and held.content_hash == judged.content_hash:
        stamp = wire.encode_datetime(held.accepted_at)
        return Result(judged.key, judged.version, Status.DUPLICATE, accepted_at=stamp, held_version=_newer(versions, judged))
    if held is not None:
        return Result(judged.key, judged.version, Status.CONFLICT, held_version=max(versions))
    if judged.violations:
        return Result(judged.key, judged.version, Status.REJECTED, judged.violations)
    versions[judged.version] = Held(judged.content_hash, now)
    stamp = wire.encode_datetime(now)
    return Result(judged.key, judged.version, Status.ACCEPTED, accepted_at=stamp, held_version=_newer(versions, judged))


def _of_other_edition(judged: _Judged) -> bool:
    """Whether the record names an edition, and not the one in force; an unreadable name is the record's own fault."""
    return {each.rule for each in judged.violations if each.field == "edition"} == {_EDITION}


def _newer(versions: Mapping[int, Held], judged: _Judged) -> int:
    """The newest version where the judged one is history only: its sender's ledger was restored, and must hear of it."""
    newest = max(versions)
    return newest if newest > judged.version else 0


def _receipt(message: Message, results: Sequence[Result], reference: str, now: datetime) -> Receipt:
    count = Counter(result.status for result in results)
    return Receipt(
        reference=reference,
        msgid=message.msgid,
        institution=message.fixmedins_code,
        infno=message.infno,
        received_at=now,
        accepted=count[Status.ACCEPTED],
        duplicate=count[Status.DUPLICATE],
        rejected=count[Status.REJECTED],
        conflict=count[Status.CONFLICT],
    )


def _rejected(judged: _Judged) -> Rejected:
    """Cut to what the columns hold: a malformed record may say anything."""
    return Rejected(_readable(judged.key, 400), judged.version, _readable(judged.content_hash, 80), judged.violations)


def _readable(text: str, length: int = 64) -> str:
    return "".join(mark for mark in text if mark >= " ")[:length]


def _clock(body: Mapping[str, Any], name: str) -> datetime | None:
    return wire.decode_datetime(body[name]) if body.get(name) else None


def _header(body: bytes) -> tuple[str, str]:
    """msgid and infno of a message that cannot be used otherwise, as far as they can be read."""
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    header = raw if isinstance(raw, dict) else {}
    return str(header.get("msgid", "")), str(header.get("infno", ""))
