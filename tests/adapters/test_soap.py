"""SOAP services of a real server on loopback, with a static WSDL: what zeep sends and reads, and every failure as one sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.services import BEGAN, PASSWORD, USER, Reply, SoapHis, prescription, served, treatment

import adapters
from adapters import profile
from adapters.profile import Site
from adapters.services.serviced import ServiceSource
from gateway.errors import ConfigError, SourceError, SourceQueryError
from gateway.model import Cursor, RowState, Service
from schemas import loader
from schemas.errors import SpecError
from schemas.wire import SHANGHAI

TEMPLATE = Path(adapters.__path__[0]) / "templates" / "soap"
MIDNIGHT = datetime.combine(BEGAN.date(), datetime.min.time(), SHANGHAI)
Open = Callable[..., ServiceSource]


@pytest.fixture
def his() -> Iterator[SoapHis]:
    """Seven dialyses and five prescription lines."""
    found = SoapHis([treatment(number) for number in range(7)], [prescription(number) for number in range(5)])
    with served(found.answer) as url:
        found.url = f"{url}/ws"  # type: ignore[attr-defined]
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the template."""
    return Path(shutil.copytree(TEMPLATE, tmp_path / "profile"))


@pytest.fixture
def opened(his: SoapHis, folder: Path) -> Open:
    """One source of the template for that server."""

    def make(dataset: str = "HD03", **service: Any) -> ServiceSource:
        place = replace(Service(his.url, USER, PASSWORD, read_timeout=3), **service)  # type: ignore[attr-defined]
        site = Site("his", None, "H99000100001", service=place, constants={"org_code": "07"}, datasets=(dataset,))
        (source,) = profile.open_sources(profile.load(folder), site, loader.reference())
        assert isinstance(source, ServiceSource)
        return source

    return make


def change(folder: Path, old: str, new: str, file: str = "manifest.yaml") -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def refs(source: ServiceSource, after: Cursor | None = None, size: int = 3) -> list[str]:
    return [row.ref for page in source.pages(after, size) for row in page.rows]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_typed_rows_are_read_by_key_page_after_page(opened: Open, size: int) -> None:
    assert refs(opened(), size=size) == [f"S{number:05d}" for number in range(7)]


def test_reading_goes_on_after_the_cursor(opened: Open) -> None:
    source = opened()
    (first, *_) = source.pages(None, 3)
    assert refs(source, first.cursor) == [f"S{number:05d}" for number in range(3, 7)]


def test_typed_rows_are_mapped_with_their_lines(opened: Open, his: SoapHis) -> None:
    line = "<drug><seq>{}</seq><drugCode>{}</drugCode><dose>{}</dose></drug>"
    drugs = f"<drugs>{line.format(2, 'B2', '1.5')}{line.format(1, 'A1', '2')}</drugs>"
    his.treatments = [treatment(1, drugs=drugs), treatment(2, endTime=None), treatment(3, drugs="<drugs/>")]
    rows = [row for page in opened().pages(None, 5) for row in page.rows]
    assert [row.state for row in rows] == [RowState.READY, RowState.NOT_READY, RowState.READY]
    assert rows[0].faults == rows[2].faults == ()
    assert [line["drug_codg"] for line in rows[0].values["drugs"]] == ["A1", "B2"]
    assert "drugs" not in rows[2].values
    assert rows[0].values["pre_weight_kg"] == Decimal("65.5")
    assert rows[0].values["begn_time"] == (BEGAN + timedelta(minutes=1)).replace(tzinfo=SHANGHAI)


def test_a_value_that_is_not_of_its_type_is_its_rows_fault_and_is_not_logged(
    opened: Open, his: SoapHis, caplog: pytest.LogCaptureFixture
) -> None:
    """zeep would make None of the first two, and the records would go without them."""
    wrong = {1: {"minutes": "四小时"}, 2: {"startTime": "昨天"}, 3: {"weightBefore": "65.5kg"}}
    his.treatments = [treatment(number, **wrong.get(number, {})) for number in range(5)]
    rows = {row.ref: [fault.field for fault in row.faults] for page in opened().pages(None, 5) for row in page.rows}
    assert rows == {
        "S00000": [],
        "S00001": ["duration_min"],
        "S00002": ["begn_time"],
        "S00003": ["pre_weight_kg"],
        "S00004": [],
    }
    assert "四小时" not in caplog.text


def test_an_element_that_says_nil_is_empty(opened: Open, his: SoapHis) -> None:
    nil = '<endTime xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
    row = {key: nil if key == "endTime" else value for key, value in treatment(1).items()}
    his.treatments = [row, treatment(2)]
    rows = [row for page in opened().pages(None, 5) for row in page.rows]
    assert [row.state for row in rows] == [RowState.NOT_READY, RowState.READY]


def test_lines_that_the_wsdl_does_not_have_are_told_before_anything_is_called(opened: Open, folder: Path) -> None:
    """The records would go without their drugs, and nobody would notice."""
    change(folder, "at: drugs.drug", "at: drug.drug")
    with pytest.raises(ConfigError, match=r"manifest.yaml 里 HD03 的 children.drugs（treatments.treatment.drug.drug）不在 WSDL"):
        opened()


def test_a_page_without_lines_and_with_a_value_of_another_type_is_read(opened: Open, his: SoapHis) -> None:
    his.treatments = [treatment(1, minutes="四小时"), treatment(2)]
    assert refs(opened()) == ["S00001", "S00002"]


def test_a_text_of_the_other_kind_is_called_so(opened: Open, folder: Path) -> None:
    change(folder, "text: xml               # 结果", "text: json               # 结果")
    with pytest.raises(SourceQueryError, match="应答不是 JSON，像是 XML：请核对"):
        refs(opened("RX01"))


def test_who_calls_must_be_said_whole(opened: Open, folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"请写 service\.user"):
        opened(user="")
    change(folder, "security: username_token", "security: basic\nheader: {user: A.U, password: A.P}")
    with pytest.raises(SpecError, match=r"写了 header.*就请写 security: header"):
        opened()


def test_xml_inside_a_text_is_asked_for_and_read(opened: Open) -> None:
    source = opened("RX01")
    rows = [row for page in source.pages(None, 2) for row in page.rows]
    assert [row.ref for row in rows] == [f"RX{number:05d}|1" for number in range(5)]
    assert all(row.faults == () for row in rows)
    assert rows[0].values["cnt"] == Decimal("2.5")
    assert rows[0].entered_at == BEGAN.replace(tzinfo=SHANGHAI)


def test_no_rows_are_no_fault_and_one_row_is_a_list(opened: Open, his: SoapHis) -> None:
    his.prescriptions = his.prescriptions[:1]
    his.treatments = []
    assert refs(opened("RX01")) == ["RX00000|1"]
    assert refs(opened()) == []
    his.prescriptions = []
    assert refs(opened("RX01")) == []


@pytest.mark.parametrize("dataset", ["HD03", "RX01"])
def test_a_window_and_a_look_up_find_what_is_there(opened: Open, dataset: str) -> None:
    source = opened(dataset)
    found = {row.ref for page in source.window(MIDNIGHT, MIDNIGHT + timedelta(days=1), 2) for row in page.rows}
    assert len(found) == {"HD03": 7, "RX01": 5}[dataset]
    assert {row.ref for row in source.lookup([*sorted(found)[:2], "S77777|1"])} == set(sorted(found)[:2])
    assert list(source.window(MIDNIGHT + timedelta(days=3), MIDNIGHT + timedelta(days=4), 2)) == []


def test_the_password_goes_as_a_digest_where_the_service_wants_one(opened: Open, his: SoapHis, folder: Path) -> None:
    his.digest = True
    with pytest.raises(SourceError, match="SOAP Fault FailedAuthentication"):
        refs(opened())
    change(folder, "security: username_token", "security: username_digest")
    assert len(refs(opened())) == 7


def test_a_fault_is_told_by_its_code_and_never_by_its_text(opened: Open, his: SoapHis) -> None:
    his.fault = "Server"
    with pytest.raises(SourceError, match=r"数据源 his 的 HD03：服务 .* 报错（SOAP Fault Server）：QueryTreatments") as told:
        refs(opened())
    assert "张三" not in str(told.value)
    assert not isinstance(told.value, SourceQueryError)


@pytest.mark.parametrize(
    ("renamed", "sentence"),
    [
        ({"machine": "machineNo"}, "应答与 WSDL 不符"),
        ({"treatments": "sessions"}, "应答与 WSDL 不符"),
    ],
)
def test_a_service_that_was_changed_is_noticed(opened: Open, his: SoapHis, renamed: dict[str, str], sentence: str) -> None:
    his.renamed = renamed
    pages = []
    with pytest.raises(SourceQueryError, match=sentence):
        pages.extend(opened().pages(None, 3))
    assert pages == []


def test_a_text_without_the_columns_is_told(opened: Open, his: SoapHis) -> None:
    his.prescriptions = [{k: v for k, v in row.items() if k != "ybCode"} for row in his.prescriptions]
    with pytest.raises(SourceQueryError, match=r"CallService 的应答缺少 ybCode（RX01\.yaml 要用）"):
        refs(opened("RX01"))


def test_an_answer_that_says_no_is_told_by_its_code(opened: Open, his: SoapHis) -> None:
    his.code = "E7"
    with pytest.raises(SourceError, match="QueryTreatments 答复不成功（code=E7）"):
        refs(opened())


def test_a_wsdl_without_the_operation_is_refused_at_once(opened: Open, folder: Path, his: SoapHis) -> None:
    change(folder, '<wsdl:operation name="QueryTreatments"', '<wsdl:operation name="ListTreatments"', "wsdl/his.wsdl")
    with pytest.raises(ConfigError, match="HD03 用的操作 QueryTreatments 不在 WSDL 里，有：CallService、ListTreatments"):
        opened()
    assert his.asked == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('schemaLocation="his.xsd"', 'schemaLocation="http://his.example.invalid/his.xsd"', "引用了适配包以外的文件 his.xsd"),
        ('schemaLocation="his.xsd"', 'schemaLocation="../../other.xsd"', "引用了适配包以外的文件 other.xsd"),
        ("<wsdl:types>", "<wsdl:tpyes>", "不是能用的 WSDL"),
        ("<soap:binding", "<other", "不是能用的 WSDL|没有 SOAP 绑定"),
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
            "不是能用的 WSDL",
        ),
    ],
)
def test_a_wsdl_that_cannot_be_used_is_told_and_nothing_is_fetched(
    opened: Open, folder: Path, old: str, new: str, sentence: str
) -> None:
    change(folder, old, new, "wsdl/his.wsdl")
    with pytest.raises(ConfigError, match=sentence):
        opened()


def test_an_argument_that_the_wsdl_does_not_know_is_told(opened: Open, folder: Path) -> None:
    change(folder, "pageSize: limit\n      paging: {by: key}", "rowCount: limit\n      paging: {by: key}")
    with pytest.raises(SourceQueryError, match="参数与 WSDL 不符（rowCount）"):
        refs(opened())


def test_a_type_that_holds_itself_has_an_end(opened: Open, folder: Path) -> None:
    inner = "".join(f'<xsd:element name="before{number}" type="tns:Treatment" minOccurs="0"/>' for number in range(9))
    ends = '<xsd:element name="updatedAt" type="xsd:dateTime"/>'
    change(folder, ends, ends + inner, "wsdl/his.xsd")
    assert len(refs(opened())) == 7


def test_an_imported_document_is_named_with_what_its_address_asks_for(opened: Open, folder: Path) -> None:
    """As Metro writes it: without it nobody could find the document."""
    change(folder, 'schemaLocation="his.xsd"', 'schemaLocation="http://his.example.invalid/ws?xsd=1"', "wsdl/his.wsdl")
    with pytest.raises(ConfigError, match=r"适配包以外的文件 ws\?xsd=1，"):
        opened()


def test_a_proxys_page_is_no_reply(opened: Open) -> None:
    page = Reply(b"<html><br></html>", 200, "text/html")
    with served(lambda request: page) as url, pytest.raises(SourceQueryError, match="应答不是 XML"):
        refs(opened(url=url))
