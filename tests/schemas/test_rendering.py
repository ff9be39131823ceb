"""What the region writes reads back as the very same record, for every data set and every overlay; amounts keep every digit."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import build, envelope, fake, overlay, rendering
from schemas.envelope import Sender, Status
from schemas.errors import EnvelopeError, RefusedWholeError, WireError
from schemas.model import Dataset, Edition
from schemas.record import content_hash
from schemas.wire import decode_datetime

NOW = decode_datetime("2026-01-05 08:00:01")
SENDER = Sender("H00000000001", "测试医院", "419001", "TEST")
NAMES = ["reference", *overlay.names(), str(Path(__file__).parent / "overlays" / "yunxi.yaml")]


@cache
def loaded(name: str) -> Edition:
    return overlay.load(name)


@pytest.fixture(scope="module")
def yunxi() -> Edition:
    return loaded(NAMES[-1])


def _uploaded(edition: Edition) -> list[Dataset]:
    return [dataset for dataset in edition.datasets.values() if dataset.uploaded]


def _one(edition: Edition, code: str, **changes: Any) -> dict[str, Any]:
    """A valid record with some fields changed and its digest made again."""
    record = {**next(fake.valid(edition, code, 1, 1)), **changes}
    return {**record, "content_hash": content_hash(edition.datasets[code], record)}


def _travel(edition: Edition, dataset: Dataset, record: Any) -> dict[str, Any]:
    """The record after it has been a message of the region."""
    body = envelope.wrap(edition, dataset, SENDER, "M1", [record], NOW)
    (received,) = envelope.unwrap(edition, body).records
    return dict(received)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_record_comes_back_from_the_region_as_it_was(name: str, data: st.DataObject) -> None:
    edition = loaded(name)
    dataset = data.draw(st.sampled_from(_uploaded(edition)))
    record = next(fake.valid(edition, dataset.code, data.draw(st.integers(0, 10_000)), 1))
    received = _travel(edition, dataset, record)
    assert received == record
    assert build.validator(edition, dataset.code).violations(received) == ()


@pytest.mark.parametrize("name", NAMES)
def test_every_uploaded_data_set_travels(name: str) -> None:
    edition = loaded(name)
    for dataset in _uploaded(edition):
        for record in fake.valid(edition, dataset.code, 7, 5):
            assert _travel(edition, dataset, orjson.dumps(record)) == record, dataset.code


@given(whole=st.from_regex(r"\A-?(0|[1-9][0-9]{0,29})\Z"), places=st.from_regex(r"\A(\.[0-9]{1,20})?\Z"))
@settings(max_examples=200, deadline=None)
def test_an_amount_keeps_every_digit_as_a_json_number(whole: str, places: str) -> None:
    edition = loaded(NAMES[-1])
    dataset = edition.datasets["YX01"]
    text = whole + places
    if text.startswith("-0") and not text.strip("-0."):
        return  # the product never writes a negative zero
    record = _one(edition, "YX01", temp=text)
    assert f'"temp":{text},'.encode() in envelope.wrap(edition, dataset, SENDER, "M1", [record], NOW)
    assert _travel(edition, dataset, record) == record


@given(note=st.text(st.characters(codec="gb18030", exclude_categories=["Cs", "Cc"])), extra=st.sampled_from(["", "补充", None]))
@settings(max_examples=100, deadline=None)
def test_texts_and_blanks_come_back_in_another_charset(note: str, extra: str | None) -> None:
    edition = loaded(NAMES[-1])
    record = _one(edition, "YX01", temp_note=note, **({} if extra is None else {"temp_extra": extra}))
    record = record if extra is not None else {name: value for name, value in record.items() if name != "temp_extra"}
    assert _travel(edition, edition.datasets["YX01"], record) == record


def test_the_fictional_region_writes_as_its_document_says(yunxi: Edition) -> None:
    record = _one(
        yunxi,
        "3505",
        finl_trns_pric="0.1",
        sel_retn_time="2026-01-05 08:00:00",
        manu_date="2025-06-01",
        trdn_flag="1",
        mdtrt_setl_type="2",
        drugtracinfo=[{"drug_trac_codg": "TEST-1"}],
    )
    record = {name: value for name, value in record.items() if name != "rxno"}
    dataset = yunxi.datasets["3505"]
    body = envelope.wrap(yunxi, dataset, SENDER, "M1", [record], NOW).decode("gb18030")
    message = orjson.loads(body)
    assert (message["infno"], message["infver"]) == ("8504", "V2.0")
    text = message["input"]["saleList"]
    assert isinstance(text, str)
    assert '"finl_trns_pric":0.1,' in text
    (row,) = orjson.loads(text)
    assert row["sel_retn_time"] == "2026/01/05 08:00:00.000"
    assert row["manu_date"] == "20250601"
    assert row["trdn_flag"] == "Y"
    assert row["MDTRT_SETL_TYPE"] == "2"
    assert row["rxno"] == ""
    assert row["drugtracinfo"] == [{"drug_trac_code": "TEST-1", "min_prcunt_type": ""}]
    assert "occurred_at" not in row
    assert row["occurredAt"][10] == "T"
    assert rendering.render(yunxi, yunxi.datasets["3503"], _one(yunxi, "3503", prodentp_name="测试药厂"))["prdr_name"] == "测试药厂"


def test_crossed_codes_are_not_mixed_up(yunxi: Edition) -> None:
    dataset = yunxi.datasets["3505"]
    for ours, theirs in (("0", "9"), ("1", "0"), ("2", "1")):
        row = rendering.render(yunxi, dataset, _one(yunxi, "3505", hi_feesetl_type=ours))
        (record,) = rendering.read(yunxi, dataset, rendering.dumps([row]).decode())
        assert (row["hi_feesetl_type"], record["hi_feesetl_type"]) == (theirs, ours)


def test_our_code_is_not_the_regions_code(yunxi: Edition) -> None:
    """`2` is ours for 异地, which the region writes 1; a message that says 2 says nothing of this region."""
    record = _one(yunxi, "3505", hi_feesetl_type="1")
    row = {**orjson.loads(rendering.dumps(rendering.render(yunxi, yunxi.datasets["3505"], record))), "hi_feesetl_type": "2"}
    (received,) = rendering.read(yunxi, yunxi.datasets["3505"], orjson.dumps([row]).decode())
    rules = {(each.field, each.rule) for each in build.validator(yunxi, "3505").violations(received)}
    assert ("hi_feesetl_type", "code") in rules


def test_other_spellings_are_read_and_never_written(yunxi: Edition) -> None:
    dataset = yunxi.datasets["3505"]
    row = orjson.loads(rendering.dumps(rendering.render(yunxi, dataset, _one(yunxi, "3505", certno="TEST-7"))))
    for spelling in ("idNumber", "id_no", "certno"):
        other = {name: value for name, value in row.items() if name != "certno"} | {spelling: "TEST-7"}
        assert rendering.read(yunxi, dataset, orjson.dumps([other]).decode())[0]["certno"] == "TEST-7"
    assert not {"idNumber", "id_no"} & row.keys()


def test_one_field_under_two_names_must_say_the_same(yunxi: Edition) -> None:
    dataset = yunxi.datasets["3505"]
    assert rendering.read(yunxi, dataset, '[{"certno":"A","id_no":"A"}]') == ({"certno": "A"},)
    with pytest.raises(WireError, match="证件号码（certno）以两个名称给出，内容不同"):
        rendering.read(yunxi, dataset, '[{"certno":"A","id_no":"B"}]')


def test_a_field_outside_the_edition_goes_through_with_its_value(yunxi: Edition) -> None:
    extra = {"a": [1, 2.5, None, {"b": "丙"}], "big": 12345678901234567890}
    record = _one(yunxi, "3505", min_pacunt="盒", exp_content=extra)
    received = _travel(yunxi, yunxi.datasets["3505"], record)
    assert received == record
    assert build.validator(yunxi, "3505").violations(received) == ()


def test_a_field_outside_the_edition_cannot_take_the_name_of_another(yunxi: Edition) -> None:
    with pytest.raises(WireError, match="规范以外的字段 id_no 与 certno 在报文中的名称相同"):
        rendering.render(yunxi, yunxi.datasets["3505"], _one(yunxi, "3505", id_no="x"))


@pytest.mark.parametrize("text", ["1E5", "+1", "1.", " 1", "", "NaN"])
def test_what_is_no_json_number_is_not_written_as_one(yunxi: Edition, text: str) -> None:
    record = {**_one(yunxi, "YX01"), "temp": text}
    if text == "":
        assert rendering.render(yunxi, yunxi.datasets["YX01"], record)["temp"] == ""
        return
    with pytest.raises(WireError, match=rf"^YX01 业务主键 {record['key']}：体温（temp）数值写不成 JSON 的数$"):
        rendering.render(yunxi, yunxi.datasets["YX01"], record)


def test_an_amount_with_leading_zeros_is_valid_and_is_written_without_them(yunxi: Edition) -> None:
    dataset = yunxi.datasets["YX01"]
    assert rendering.dumps(rendering.render(yunxi, dataset, _one(yunxi, "YX01", temp="00065.50"))["temp"]) == b"65.50"


@pytest.mark.parametrize(
    ("number", "read"),
    [("36.60", "36.60"), ("3.66e1", "36.6"), ("1e2", "100"), ("1e300", "1e300"), ('"36.6"', "36.6"), ("true", True)],
)
def test_a_number_is_read_without_becoming_a_float(yunxi: Edition, number: str, read: Any) -> None:
    value = rendering.loads(f'[{{"temp":{number}}}]')
    assert rendering.read(yunxi, yunxi.datasets["YX01"], value) == ({"temp": read},)


def test_a_number_where_a_text_must_stand_stays_a_number_and_is_refused(yunxi: Edition) -> None:
    (record,) = rendering.read(yunxi, yunxi.datasets["YX01"], rendering.loads('[{"temp_id":7,"temp_time":20260105}]'))
    assert record == {"temp_id": 7, "temp_time": 20260105}


@pytest.mark.parametrize("text", ['{"a":NaN}', '"\\ud800"', "[1,]", "", "{'a':1}"])
def test_text_that_is_no_json_is_told_so(text: str) -> None:
    with pytest.raises(WireError, match="不是合法的 JSON"):
        rendering.loads(text)


def test_one_object_at_a_time_is_held_to_one(yunxi: Edition) -> None:
    dataset = yunxi.datasets["3502"]
    records = list(fake.valid(yunxi, "3502", 1, 2))
    assert isinstance(rendering.fill(yunxi, dataset, records[:1]), dict)
    with pytest.raises(WireError, match="3502 一次只能报一条，实为 2 条"):
        rendering.fill(yunxi, dataset, records)


@pytest.mark.parametrize(
    ("code", "node", "shape"),
    [
        ("3505", [{}], "写成 JSON 文本的记录数组"),
        ("3505", "[1]", "写成 JSON 文本的记录数组"),
        ("3502", [{}], "一条记录"),
        ("HD01", {}, "记录数组"),
    ],
)
def test_a_node_of_another_shape_is_told_which_shape_it_should_have(yunxi: Edition, code: str, node: Any, shape: str) -> None:
    dataset = yunxi.datasets[code]
    raw = orjson.loads(envelope.wrap(yunxi, dataset, SENDER, "M1", [_one(yunxi, code)], NOW).decode("gb18030"))
    name = dataset.input[0].name
    body = orjson.dumps({**raw, "input": {name: node}}).decode().encode("gb18030")
    with pytest.raises(EnvelopeError) as caught:
        envelope.unwrap(yunxi, body)
    assert str(caught.value) == f"报文的 input.{name} 应为{shape}"


def test_a_message_in_another_charset_is_not_guessed(yunxi: Edition) -> None:
    with pytest.raises(EnvelopeError, match="报文不是 gb18030 编码"):
        envelope.unwrap(yunxi, b'{"infno":"\xff"}')
    assert envelope.content_type(yunxi) == "application/json; charset=gb18030"


def test_where_nothing_differs_the_record_goes_out_unopened(reference: Edition) -> None:
    record = b'{"rx_id":"RX1","not":"opened"}'
    body = envelope.wrap(reference, reference.datasets["HD01"], SENDER, "M1", [record], NOW)
    assert record in body


SENT = [b'{"key":"A","version":"2"}', {"key": "B", "version": "1"}]


@pytest.mark.parametrize(
    "answer",
    [
        {"infcode": 0, "output": {"result": {"retRslt": "1"}}},
        {"infcode": "0", "output": {"result": {"retRslt": 1, "msgRslt": "好"}}, "err_msg": None},
    ],
)
def test_a_yes_to_the_message_is_a_yes_to_each_record(answer: dict[str, Any]) -> None:
    body = orjson.dumps({**answer, "respond_time": "20260105080001234"})
    results = envelope.results(body, loaded("jilin").datasets["3505"], SENT)
    assert [(each.key, each.version, each.status) for each in results] == [("A", 2, Status.ACCEPTED), ("B", 1, Status.ACCEPTED)]
    assert {each.accepted_at for each in results} == {"2026-01-05 08:00:01"}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"infcode": 0, "output": {"result": {"retRslt": "0", "msgRslt": "批次重复"}}}, "批次重复"),
        ({"infcode": 0, "err_msg": "看不懂", "output": {"result": {"retRslt": "0"}}}, "看不懂"),
        ({"infcode": -1, "err_msg": "未签到", "output": {}}, "未签到"),
        ({"infcode": "-1"}, "平台拒收，未说明原因（应答的 infcode 不是成功的值）"),
    ],
)
def test_a_no_at_any_level_is_a_refusal_with_the_sentence_of_that_level(answer: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RefusedWholeError) as caught:
        envelope.results(orjson.dumps(answer), loaded("jilin").datasets["3505"], SENT)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "answer",
    [
        {"infcode": 0},
        {"infcode": 0, "output": {"result": {}}},
        {"infcode": 0, "output": {"result": {"retRslt": ""}}},
        {"infcode": 0, "output": {"result": {"retRslt": ["1"]}}},
        {"output": {"result": {"retRslt": "1"}}},
        {"infcode": 0, "output": "密文"},
        [],
    ],
)
def test_an_answer_that_lacks_a_level_proves_nothing(answer: Any) -> None:
    with pytest.raises(EnvelopeError, match="平台的应答无法读懂") as caught:
        envelope.results(orjson.dumps(answer), loaded("jilin").datasets["3505"], SENT)
    assert not isinstance(caught.value, RefusedWholeError)


def test_an_error_sentence_beside_infcode_0_is_a_refusal_where_the_region_means_it_so(yunxi: Edition) -> None:
    dataset = yunxi.datasets["3505"]
    good = {"infcode": 0, "err_msg": "", "output": {"data": {"ok": "true"}}}
    assert len(envelope.results(orjson.dumps(good), dataset, SENT)) == 2
    with pytest.raises(RefusedWholeError, match="文件号不存在"):
        envelope.results(orjson.dumps({**good, "err_msg": "文件号不存在"}), dataset, SENT)


def test_a_platform_that_answers_each_record_is_taken_at_its_word() -> None:
    given_ = (envelope.Result("A", 2, Status.DUPLICATE, accepted_at="2026-01-05 08:00:00"),)
    assert envelope.results(envelope.reply("M1", NOW, given_), loaded("jilin").datasets["3505"], SENT) == given_


def test_a_yes_without_anything_sent_proves_nothing() -> None:
    body = orjson.dumps({"infcode": 0, "output": {"result": {"retRslt": "1"}}})
    with pytest.raises(EnvelopeError, match="无法读懂"):
        envelope.results(body, loaded("jilin").datasets["3505"])
