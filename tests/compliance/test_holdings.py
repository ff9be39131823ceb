"""QY01 on both databases: what is held, what became of a version, page by page, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from support.bureau import INSTITUTION, START, Caller, Maker

from compliance.errors import ForeignInstitutionError, MessageRefusedError
from compliance.holdings import Holdings
from compliance.receiving import Receiver
from compliance.store.database import Database
from compliance.store.holdings import StoredShelf
from schemas import envelope, holdings, overlay
from schemas.envelope import Sender, content_type
from schemas.errors import EnvelopeError, RefusedWholeError
from schemas.holdings import CODE, Answer, Asked, Fate, Question
from schemas.model import Edition


def message(edition: Edition, question: Question, institution: str = INSTITUTION) -> bytes:
    return wrapped(edition, holdings.write_question(question), institution)


def wrapped(edition: Edition, record: dict[str, Any], institution: str = INSTITUTION) -> bytes:
    sender = Sender(institution, "测试医院", "000000", "TEST")
    msgid = envelope.message_id(institution, START, 1)
    return envelope.wrap(edition, edition.datasets[CODE], sender, msgid, [record], START)


@pytest.fixture
def held(edition: Edition, store: Database) -> Holdings:
    return Holdings(edition, StoredShelf(store))


def ask(held: Holdings, edition: Edition, question: Question) -> Answer:
    return held.answer((INSTITUTION,), message(edition, question))


def test_keys_are_answered_with_the_newest_version_and_the_fate_of_the_one_that_was_asked(
    receiver: Receiver, maker: Maker, held: Holdings, edition: Edition
) -> None:
    first, second, bad = maker.records(count=3)
    newer = maker.changed({**first, "version": "3"}, machine_no="M-2")
    refused = {**bad, "machine_no": ""}
    receiver.receive((INSTITUTION,), maker.message([first, second, refused]), "one", START)
    receiver.receive((INSTITUTION,), maker.message([newer]), "two", START + timedelta(minutes=1))
    asked = (
        Asked(first["key"], 1),
        Asked(first["key"], 2),
        Asked(first["key"], 3),
        Asked(second["key"]),
        Asked(bad["key"], 1),
        Asked("nobody's", 1),
    )
    found = ask(held, edition, Question("HD03", asked)).holdings
    assert [(each.version, each.asked_version, each.fate) for each in found] == [
        (3, 1, Fate.ACCEPTED),
        (3, 2, Fate.NEVER),
        (3, 3, Fate.ACCEPTED),
        (1, 0, Fate.NEVER),
        (0, 1, Fate.REJECTED),
        (0, 1, Fate.NEVER),
    ]
    assert found[0].asked_hash == first["content_hash"]
    assert (found[0].content_hash, found[0].vali_flag, found[0].rid) == (newer["content_hash"], "1", newer["rid"])
    assert found[0].accepted_at == "2026-01-15 09:01:00"
    assert [reason.field for reason in found[4].reasons] == ["machine_no", "content_hash"]


def test_a_refusal_that_was_mended_under_the_same_version_counts_as_accepted(
    receiver: Receiver, maker: Maker, held: Holdings, edition: Edition
) -> None:
    (good,) = maker.records()
    receiver.receive((INSTITUTION,), maker.message([{**good, "machine_no": ""}]), "one", START)
    receiver.receive((INSTITUTION,), maker.message([good]), "two", START)
    (found,) = ask(held, edition, Question("HD03", (Asked(good["key"], 1),))).holdings
    assert (found.fate, found.reasons) == (Fate.ACCEPTED, ())


def test_a_business_date_is_answered_page_by_page_and_nothing_is_missed_or_doubled(
    receiver: Receiver, maker: Maker, store: Database, edition: Edition
) -> None:
    records = maker.records("RX01", 40)
    receiver.receive((INSTITUTION,), maker.message(records, "RX01"), "one", START)
    small = replace(edition, datasets={**edition.datasets, CODE: replace(edition.datasets[CODE], batch=3)})
    held = Holdings(small, StoredShelf(store))
    for day in sorted({record["occurred_at"][:10] for record in records}):
        question, found = Question("RX01", business_date=date.fromisoformat(day)), []
        while True:
            page = ask(held, small, question)
            assert len(page.holdings) <= 3
            found += [each.key for each in page.holdings]
            if not page.after_key:
                break
            question = replace(question, after_key=page.after_key)
        assert sorted(found) == sorted(each["key"] for each in records if each["occurred_at"].startswith(day))
        assert len(set(found)) == len(found)


def test_a_business_date_without_a_next_day_is_refused_in_a_sentence(held: Holdings, edition: Edition) -> None:
    with pytest.raises(MessageRefusedError, match="年份应在 1900 至 2199 之间"):
        ask(held, edition, Question("RX01", business_date=date(9999, 12, 31)))


def test_a_record_that_moved_to_another_day_is_held_on_the_new_day_only(
    receiver: Receiver, maker: Maker, held: Holdings, edition: Edition
) -> None:
    (record,) = maker.records("RX01")
    moved = maker.changed({**record, "version": "2"}, "RX01", rx_time="2026-02-01 10:00:00", occurred_at="2026-02-01 10:00:00")
    receiver.receive((INSTITUTION,), maker.message([record], "RX01"), "one", START)
    receiver.receive((INSTITUTION,), maker.message([moved], "RX01"), "two", START)
    old = Question("RX01", business_date=date.fromisoformat(record["occurred_at"][:10]))
    assert ask(held, edition, old).holdings == ()
    (found,) = ask(held, edition, Question("RX01", business_date=date(2026, 2, 1))).holdings
    assert found.version == 2


def test_an_institution_sees_only_its_own(receiver: Receiver, maker: Maker, held: Holdings, edition: Edition) -> None:
    (record,) = maker.records()
    receiver.receive((INSTITUTION,), maker.message([record]), "one", START)
    question = Question("HD03", (Asked(record["key"], 1),))
    with pytest.raises(ForeignInstitutionError):
        held.answer(("H99000100009",), message(edition, question))
    (found,) = held.answer(("H99000100009",), message(edition, question, "H99000100009")).holdings
    assert (found.version, found.fate) == (0, Fate.NEVER)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"dataset": "XX99", "asked": [{"key": "k"}]}, "dataset"),
        ({"dataset": "3101", "asked": [{"key": "k"}]}, "dataset"),
        ({"dataset": "HD03"}, "二者取一"),
        ({"dataset": "HD03", "asked": [{"key": "k"}], "business_date": "2026-01-15"}, "二者取一"),
        ({"dataset": "HD03", "business_date": "15.1.2026"}, "yyyy-MM-dd"),
        ({"dataset": "HD03", "asked": [{"version": "1"}]}, "key"),
        ({"dataset": "HD03", "asked": [{"key": "k", "version": "0"}]}, "version"),
        ({"dataset": "HD03", "asked": [{"key": f"k{number}"} for number in range(501)]}, "500"),
        ({"dataset": "HD03", "business_date": "2026-01-15", "after_key": "\0"}, "after_key"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_sentence(
    held: Holdings, edition: Edition, record: dict[str, Any], told: str
) -> None:
    with pytest.raises(MessageRefusedError, match=told):
        held.answer((INSTITUTION,), wrapped(edition, record))


def test_a_report_sent_to_the_query_and_a_query_sent_to_the_reports_are_refused(
    receiver: Receiver, maker: Maker, held: Holdings, edition: Edition
) -> None:
    with pytest.raises(MessageRefusedError, match="报送地址"):
        held.answer((INSTITUTION,), maker.message(maker.records()))
    with pytest.raises(MessageRefusedError, match="不是报送类交易"):
        receiver.receive((INSTITUTION,), message(edition, Question("HD03", (Asked("k"),))), "one", START)


def test_over_http_a_signed_question_is_answered_and_an_unsigned_one_is_not(caller: Caller, maker: Maker) -> None:
    (record,) = maker.records()
    caller.post(maker.message([record]))
    body = message(maker.edition, Question("HD03", (Asked(record["key"], 1),)))
    answered = caller.post(body, path="/api/query")
    assert answered.status_code == 200
    (found,) = holdings.read_answer(answered.content).holdings
    assert (found.key, found.fate) == (record["key"], Fate.ACCEPTED)
    refused = caller.with_token("wrong").post(body, path="/api/query")
    assert refused.status_code == 401
    with pytest.raises(RefusedWholeError, match="签名"):
        holdings.read_answer(refused.content)


def test_a_region_that_writes_gb18030_asks_and_reads_in_it() -> None:
    region = overlay.load("nmg")
    assert region.style.charset == "gb18030"
    assert content_type(region).endswith("gb18030")
    question = Question("RX01", (Asked("处方𠮷|1", 2),), None, "")
    opened = envelope.unwrap(region, message(region, question))
    assert holdings.read_question(region, opened.records[0]) == question
    answer = Answer((holdings.Holding("处方𠮷|1", 2, "sha256:0", asked_version=2, fate=Fate.ACCEPTED),), "处方𠮷|1")
    reply = envelope.answer("ref", START, holdings.write_answer(answer), region.style.charset)
    assert holdings.read_answer(reply, region.style.charset) == answer
    with pytest.raises(RefusedWholeError, match="暂停服务"):
        holdings.read_answer(envelope.refusal("ref", START, "暂停服务", region.style.charset), region.style.charset)


@pytest.mark.parametrize("reply", [b"<html>", b"[]", b'{"infcode": 0}', b'{"infcode": 0, "output": {"holding": 1, "page": {}}}'])
def test_a_reply_that_is_no_answer_proves_nothing(reply: bytes) -> None:
    with pytest.raises(EnvelopeError) as told:
        holdings.read_answer(reply)
    assert not isinstance(told.value, RefusedWholeError)
