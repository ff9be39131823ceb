"""Path 4a on both databases: stored once, answered alike, every reason told."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from support.bureau import INSTITUTION, START, Clock, Maker

from compliance import cadence
from compliance.errors import ForeignInstitutionError, MessageRefusedError, OtherEditionError
from compliance.receiving import Answer, Receiver
from compliance.store import tables
from compliance.store.archive import StoredArchive, StoredBook
from compliance.store.database import Database
from schemas import fake, wire
from schemas.envelope import Result, Status
from schemas.model import Edition


def send(receiver: Receiver, body: bytes, now: Any = START) -> Answer:
    return receiver.receive((INSTITUTION,), body, "reference", now)


def one(receiver: Receiver, maker: Maker, record: dict[str, Any], now: Any = START) -> Result:
    (result,) = send(receiver, maker.message([record], now=now), now).results
    return result


def _uploaded(edition: Edition) -> list[str]:
    """The data sets whose records are sent here; a transaction that is called is answered by another platform."""
    return [code for code, dataset in edition.datasets.items() if dataset.uploaded]


def stored(store: Database, table: Any = tables.record) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(table)))


@pytest.mark.requirement("J-068")
def test_every_data_set_of_the_edition_is_accepted_and_kept_whole(
    receiver: Receiver, maker: Maker, store: Database, edition: Edition
) -> None:
    for code in _uploaded(edition):
        records = maker.records(code, 5)
        answer = send(receiver, maker.message(records, code))
        assert [(result.status, result.reasons) for result in answer.results] == [(Status.ACCEPTED, ())] * 5
    rows = {(row.dataset, row.key): row for row in stored(store)}
    assert len(rows) == 5 * len(_uploaded(edition))
    first = maker.records("HD01", 1)[0]
    row = rows["HD01", first["key"]]
    assert orjson.loads(row.body) == first
    assert (row.institution, row.version, row.content_hash, row.rid) == (INSTITUTION, 1, first["content_hash"], first["rid"])
    assert wire.encode_datetime(row.occurred_at) == first["occurred_at"]
    assert row.accepted_at == START


@pytest.mark.requirement("J-068")
def test_a_repeated_message_is_stored_once_and_gets_the_first_answer(receiver: Receiver, maker: Maker, store: Database) -> None:
    records = maker.records(count=3)
    first = send(receiver, maker.message(records))
    again = send(receiver, maker.message(records), START + timedelta(hours=3))
    assert {result.status for result in again.results} == {Status.DUPLICATE}
    assert [result.accepted_at for result in again.results] == [result.accepted_at for result in first.results]
    assert len(stored(store)) == 3
    counts = [(row.accepted, row.duplicate) for row in stored(store, tables.message)]
    assert counts == [(3, 0), (0, 3)]


def test_a_duplicate_is_answered_as_such_after_the_edition_in_force_has_changed(
    receiver: Receiver, maker: Maker, store: Database, edition: Edition
) -> None:
    (record,) = maker.records()
    one(receiver, maker, record)
    newer = Receiver(replace(edition, version="2099.1"), StoredArchive(store))
    assert one(newer, maker, record).status is Status.DUPLICATE


def test_a_message_of_another_edition_is_refused_whole_and_no_record_is_rejected(
    maker: Maker, store: Database, edition: Edition
) -> None:
    newer = Receiver(replace(edition, version="2099.1"), StoredArchive(store))
    with pytest.raises(OtherEditionError, match=f"{edition.id} 制作，平台现行 {edition.code}@2099.1"):
        send(newer, maker.message(maker.records(count=3)))
    assert stored(store) == stored(store, tables.rejection) == []
    (noted,) = stored(store, tables.message)
    assert "请两边统一版本" in noted.refused


def test_a_leftover_of_an_older_edition_among_current_records_is_rejected_by_itself(
    receiver: Receiver, maker: Maker, store: Database
) -> None:
    current, old = maker.records(count=2)
    answer = send(receiver, maker.message([current, {**old, "edition": "reference@1999.1"}]))
    assert [result.status for result in answer.results] == [Status.ACCEPTED, Status.REJECTED]


def test_the_same_version_with_another_content_is_a_conflict_that_names_the_newest_version_held(
    receiver: Receiver, maker: Maker, store: Database
) -> None:
    (record,) = maker.records()
    one(receiver, maker, record)
    one(receiver, maker, maker.changed(record, version="4", patn_id="TEST-4"))
    result = one(receiver, maker, maker.changed(record, patn_id="TEST-OTHER"))
    assert (result.status, result.held_version) == (Status.CONFLICT, 4)
    assert {row.version for row in stored(store)} == {1, 4}


def test_a_lower_version_than_held_is_kept_as_history(receiver: Receiver, maker: Maker, store: Database) -> None:
    (record,) = maker.records()
    newest = maker.changed(record, version="3", patn_id="TEST-NEWEST")
    assert one(receiver, maker, newest).status is Status.ACCEPTED
    assert one(receiver, maker, record, START + timedelta(minutes=1)).status is Status.ACCEPTED
    assert {row.version for row in stored(store)} == {1, 3}


def test_one_key_twice_in_one_message_is_judged_in_order(receiver: Receiver, maker: Maker, store: Database) -> None:
    (record,) = maker.records()
    other = maker.changed(record, patn_id="TEST-OTHER")
    second = maker.changed(record, version="2", patn_id="TEST-SECOND")
    answer = send(receiver, maker.message([record, record, other, second]))
    assert [result.status for result in answer.results] == [
        Status.ACCEPTED,
        Status.DUPLICATE,
        Status.CONFLICT,
        Status.ACCEPTED,
    ]
    assert len(stored(store)) == 2


def test_every_single_fault_of_the_edition_is_rejected_by_its_rule_and_without_its_body(
    receiver: Receiver, maker: Maker, store: Database, edition: Edition
) -> None:
    for code in _uploaded(edition):
        for record, _, rule in fake.single_faults(edition, code, 3):
            (result,) = send(receiver, maker.message([record], code)).results
            assert result.status is Status.REJECTED
            assert rule in {reason.rule for reason in result.reasons}
    assert stored(store) == []
    rejections = stored(store, tables.rejection)
    assert rejections
    assert set(rejections[0]._fields) == {
        *("id", "institution", "dataset", "key", "version", "content_hash", "reasons", "received_at", "msgid")
    }


def test_bad_records_are_rejected_with_every_reason_and_the_rest_go_on(receiver: Receiver, maker: Maker, store: Database) -> None:
    good, bad = maker.records(count=2)
    broken = maker.changed({name: value for name, value in bad.items() if name != "machine_no"}, duration_min="four hours")
    results = send(receiver, maker.message([broken, good])).results
    assert [result.status for result in results] == [Status.REJECTED, Status.ACCEPTED]
    assert {(reason.field, reason.rule) for reason in results[0].reasons} == {
        ("machine_no", "required"),
        ("duration_min", "format"),
    }
    (row,) = stored(store, tables.rejection)
    assert "four hours" not in row.reasons


def test_a_rejected_version_that_was_mended_is_accepted(receiver: Receiver, maker: Maker, store: Database) -> None:
    (record,) = maker.records()
    assert one(receiver, maker, maker.changed(record, begn_time="")).status is Status.REJECTED
    assert one(receiver, maker, record).status is Status.ACCEPTED
    assert len(stored(store)) == len(stored(store, tables.rejection)) == 1


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"key": "TEST-ANOTHER-KEY"}, "key"),
        ({"fixmedins_code": "H99999999999"}, "institution"),
        ({"version": "0"}, "least"),
        ({"version": "1.5"}, "precision"),
        ({"key": "zero\0byte"}, "format"),
    ],
)
def test_a_record_that_disagrees_with_its_message_is_rejected(
    receiver: Receiver, maker: Maker, store: Database, values: dict[str, str], rule: str
) -> None:
    (record,) = maker.records()
    result = one(receiver, maker, maker.changed(record, **values))
    assert result.status is Status.REJECTED
    assert rule in {reason.rule for reason in result.reasons}
    assert stored(store) == []


def test_a_record_changed_on_the_way_is_rejected_even_where_its_version_is_held(receiver: Receiver, maker: Maker) -> None:
    (record,) = maker.records()
    one(receiver, maker, record)
    result = one(receiver, maker, {**record, "patn_id": "TEST-TAMPERED"})
    assert (result.status, [reason.rule for reason in result.reasons]) == (Status.REJECTED, ["content_hash"])


def test_a_record_may_be_anything_and_is_still_answered(receiver: Receiver, maker: Maker) -> None:
    odd: list[dict[str, Any]] = [{}, {"key": ["x"], "version": 7, "content_hash": {"a": 1}}, {"key": "k" * 9000}]
    results = send(receiver, maker.message(odd)).results
    assert [result.status for result in results] == [Status.REJECTED] * 3


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"\xff", "报文不是合法的 JSON"),
        (b"[]", "报文应为 JSON 对象"),
        (b'{"msgid":"m","fixmedins_code":"c"}', "报文头缺少 infno"),
        (b'{"infno":"NONE","msgid":"m\\u0000","fixmedins_code":"c","input":{}}', "没有交易编号 NONE"),
    ],
)
def test_an_unusable_message_is_refused_and_noted_under_who_sent_it(
    receiver: Receiver, store: Database, body: bytes, sentence: str
) -> None:
    with pytest.raises(MessageRefusedError, match=sentence):
        send(receiver, body)
    (row,) = stored(store, tables.message)
    assert (row.institution, row.refused, row.accepted) == (INSTITUTION, sentence, 0)


def test_a_message_of_another_institution_is_refused_whole(edition: Edition, receiver: Receiver, store: Database) -> None:
    stranger = Maker(edition, "H99999999999")
    with pytest.raises(ForeignInstitutionError):
        send(receiver, stranger.message(stranger.records()))
    assert stored(store) == []
    assert [row.institution for row in stored(store, tables.message)] == [INSTITUTION]


def test_more_records_than_the_batch_allows_are_refused_whole(
    receiver: Receiver, maker: Maker, edition: Edition, store: Database
) -> None:
    with pytest.raises(MessageRefusedError, match="一次应报送"):
        send(receiver, maker.message(maker.records(count=edition.datasets["HD03"].batch + 1)))
    assert stored(store) == []


def test_threads_that_send_the_same_batch_at_once_store_it_once(receiver: Receiver, maker: Maker, store: Database) -> None:
    records = maker.records(count=50)
    bodies = [maker.message(records), maker.message(list(reversed(records))), maker.message(records)]
    barrier, answers = threading.Barrier(len(bodies)), []

    def work(body: bytes) -> None:
        barrier.wait()
        answers.append(send(receiver, body))

    threads = [threading.Thread(target=work, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((answer.receipt.accepted, answer.receipt.duplicate) for answer in answers) == [(0, 50), (0, 50), (50, 0)]
    assert len(stored(store)) == 50


def test_a_failure_half_way_stores_nothing(
    receiver: Receiver, maker: Maker, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("power lost")

    monkeypatch.setattr(StoredBook, "note", fail)
    with pytest.raises(RuntimeError):
        send(receiver, maker.message(maker.records(count=3)))
    assert stored(store) == []


@pytest.mark.requirement("J-099")
@pytest.mark.requirement("J-101")
def test_the_deadline_comes_from_the_business_field_that_the_digest_covers(edition: Edition, maker: Maker, clock: Clock) -> None:
    late_claim = wire.encode_datetime(clock.now + timedelta(days=300))
    for code, days in (("HD01", None), ("HD02", 1), ("HD03", 1)):
        dataset = edition.datasets[code]
        (record,) = maker.records(code)
        due = cadence.due_at(edition, dataset, {**record, "occurred_at": late_claim})
        business = record[dataset.occurred]
        if days is None:
            assert due == wire.decode_datetime(business) + timedelta(minutes=10)
        else:
            midnight = wire.decode_datetime(f"{business[:10]} 00:00:00")
            assert due == midnight + timedelta(days=days + 1)


def test_a_transaction_that_is_called_is_not_taken_for_an_upload(receiver: Receiver, maker: Maker) -> None:
    with pytest.raises(MessageRefusedError, match="不是报送类交易"):
        send(receiver, maker.message([{"opter_no": "1", "mac": "0", "ip": "0"}], "9001"))
