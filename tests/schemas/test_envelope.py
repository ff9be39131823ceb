"""The message around the records: what one side wraps the other side unwraps, and an answer proves only what it says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import pytest

from schemas import envelope
from schemas.build import schema_class
from schemas.envelope import Result, Sender, Status
from schemas.errors import EnvelopeError, RefusedWholeError
from schemas.model import Edition, Violation
from schemas.wire import SHANGHAI

NOW = datetime(2026, 1, 5, 8, 0, 1, 234_000, tzinfo=SHANGHAI)
SENDER = Sender("H00000000001", "测试医院", "419001", "TEST")
RECORDS = [{"rx_id": "RX1"}, {"rx_id": "RX2"}]
RESULTS = (
    Result("RX1|1", 1, Status.ACCEPTED, accepted_at="2026-01-05 08:00:01"),
    Result("RX2|1", 2, Status.DUPLICATE, accepted_at="2026-01-05 07:00:00"),
    Result("RX3|1", 1, Status.REJECTED, (Violation("cnt", "precision", "数量（cnt）超出精度"), Violation("y", "unknown", "没有"))),
    Result("RX4|1", 3, Status.CONFLICT, held_version=5),
)


def _body(edition: Edition, **changes: Any) -> bytes:
    """A wrapped message with top-level names changed; None removes one."""
    body = envelope.wrap(edition, edition.datasets["T1"], SENDER, "M1", RECORDS, NOW)
    raw = {**orjson.loads(body), **changes}
    return orjson.dumps({name: value for name, value in raw.items() if value is not None})


def test_what_is_wrapped_is_unwrapped(edition: Edition) -> None:
    message = envelope.unwrap(edition, _body(edition))
    assert (message.infno, message.msgid, message.fixmedins_code) == ("T1", "M1", "H00000000001")
    assert list(message.records) == RECORDS


def test_the_header_is_one_that_the_edition_allows(reference: Edition) -> None:
    dataset = reference.datasets["3505"]
    msgid = envelope.message_id(SENDER.fixmedins_code, NOW, 1)
    header = orjson.loads(envelope.wrap(reference, dataset, SENDER, msgid, [{}], NOW))
    assert header.pop("input") == {"selinfoDetail": [{}]}
    assert schema_class(reference, reference.header, "header")().validate(header) == {}
    assert (header["infno"], header["infver"], header["inf_time"]) == ("3505A", "V1.0", "2026-01-05 08:00:01")


def test_a_message_id_has_thirty_characters_and_never_repeats_within_a_second() -> None:
    ids = {envelope.message_id("H00000000001", NOW, sequence) for sequence in range(100)}
    assert len(ids) == 100
    assert {len(each) for each in ids} == {30}
    assert envelope.message_id("H1", NOW, 12_345) == "H10000000000202601050800012345"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"infno": None}, "报文头缺少 infno"),
        ({"msgid": ""}, "报文头缺少 msgid"),
        ({"fixmedins_code": 12}, "报文头缺少 fixmedins_code"),
        ({"infno": "9999"}, "没有交易编号 9999"),
        ({"input": None}, "报文的 input.data 应为记录数组"),
        ({"input": "{}"}, "报文的 input.data 应为记录数组"),
        ({"input": {"rows": []}}, "报文的 input.data 应为记录数组"),
        ({"input": {"data": {"rx_id": "RX1"}}}, "报文的 input.data 应为记录数组"),
        ({"input": {"data": ["RX1"]}}, "报文的 input.data 应为记录数组"),
        ({"input": {"data": []}}, "一次应报送 1 至 3 条记录，实为 0 条"),
        ({"input": {"data": [{}] * 4}}, "一次应报送 1 至 3 条记录，实为 4 条"),
    ],
)
def test_a_message_that_cannot_be_used_says_why(edition: Edition, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        envelope.unwrap(edition, _body(edition, **changes))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("body", "sentence"), [(b"{", "报文不是合法的 JSON"), (b"\xff", "不是合法"), (b"[]", "报文应为 JSON 对象")]
)
def test_bytes_that_are_no_message_are_told_so(edition: Edition, body: bytes, sentence: str) -> None:
    with pytest.raises(EnvelopeError, match=sentence):
        envelope.unwrap(edition, body)


def test_the_full_batch_is_taken(edition: Edition) -> None:
    assert len(envelope.unwrap(edition, _body(edition, input={"data": [{}] * 3})).records) == 3


def test_every_result_comes_back_as_it_was_given() -> None:
    assert envelope.results(envelope.reply("M1", NOW, RESULTS)) == RESULTS


def test_a_reply_carries_the_message_it_answers_and_its_times() -> None:
    raw = orjson.loads(envelope.reply("M1", NOW, ()))
    assert (raw["infcode"], raw["inf_refmsgid"], raw["respond_time"]) == (0, "M1", "20260105080001234")


def test_success_may_be_written_as_text() -> None:
    raw = orjson.loads(envelope.reply("M1", NOW, RESULTS))
    assert envelope.results(orjson.dumps({**raw, "infcode": "0"})) == RESULTS


def test_a_message_refused_whole_carries_the_sentence_of_the_receiver() -> None:
    with pytest.raises(RefusedWholeError) as caught:
        envelope.results(envelope.refusal("M1", NOW, "机构未备案"))
    assert str(caught.value) == "机构未备案"


def test_a_refusal_without_a_sentence_is_still_a_refusal() -> None:
    with pytest.raises(RefusedWholeError, match="未说明原因"):
        envelope.results(b'{"infcode": "-1"}')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"[]",
        b"7",
        b"null",
        b'"0"',
        b"{}",
        b'{"infcode": null}',
        b'{"infcode": "ok"}',
        b'{"infcode": 0}',
        b'{"infcode": 0, "output": null}',
        b'{"infcode": 0, "output": {"result": null}}',
        b'{"infcode": 0, "output": {"result": ["x"]}}',
        b'{"infcode": 0, "output": {"result": [{"key": "a", "version": "x", "status": "accepted"}]}}',
        b'{"infcode": 0, "output": {"result": [{"key": "a", "version": 1, "status": "fine"}]}}',
        b'{"infcode": 0, "output": {"result": [{"key": "a", "version": 1, "status": "rejected", "reasons": [{"x": "y"}]}]}}',
    ],
)
def test_an_unreadable_reply_proves_nothing_and_is_no_refusal(body: bytes) -> None:
    with pytest.raises(EnvelopeError) as caught:
        envelope.results(body)
    assert not isinstance(caught.value, RefusedWholeError)
    assert str(caught.value) == "平台的应答无法读懂"
