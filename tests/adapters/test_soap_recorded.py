"""Replies of real servers (Axis, Metro, ASP.NET, PHP, gSOAP), replayed: each is read row for row. See recorded_soap."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree
from support.services import PASSWORD, Reply, Request, served

from adapters import profile
from adapters.profile import Site
from adapters.services.serviced import ServiceSource
from gateway.errors import ConfigError, SourceError, SourceQueryError
from gateway.model import RowState, Service, SourceRow
from schemas import loader
from schemas.errors import SpecError
from schemas.wire import SHANGHAI

RECORDED = Path(__file__).parent / "recorded_soap"
CASES = sorted(f"{each.parent.parent.name}/{each.parent.name}" for each in RECORDED.glob("*/*/exchanges.yaml"))
#: what is told where the reply holds no rows
TOLD = {
    "axis/rpc_fault": "SOAP Fault Server.userException",
    "metro/fault": "SOAP Fault Server",
    "metro/fault_soap12": "SOAP Fault Receiver",
    "metro/other_version": "不收这个版本的 SOAP",
    "asmx/fault": "SOAP Fault Server",
    "asmx/fault_soap12": "SOAP Fault Receiver",
    "asmx/fault_of_ours": "SOAP Fault Client.*它说错在调用的一方",
    "php/fault": "SOAP Fault Server",
    "php/cut_by_a_bom": "应答多出了开头的 BOM，末尾因此被截掉",
    "php/warning_before": "应答的 XML 前面有别的文字",
    "gsoap/fault": "SOAP Fault Client",
}
ADDRESSING = "http://www.w3.org/2005/08/addressing"
READ = [case for case in CASES if case not in TOLD and case != "asmx/dataset_empty"]
DAY = datetime(2026, 11, 24, tzinfo=SHANGHAI)


class Recording:
    """One case: gives each request the reply that the real server gave to it, and to another none."""

    def __init__(self, case: str) -> None:
        self.folder = RECORDED / case
        found = yaml.safe_load((self.folder / "exchanges.yaml").read_text(encoding="utf-8"))
        self.sizes: list[int] = found["sizes"]
        self.replies: dict[Any, Mapping[str, Any]] = {(each["operation"], *each["given"]): each for each in found["exchanges"]}

    def answer(self, request: Request) -> Reply | None:
        """One request."""
        envelope = etree.fromstring(request.body)
        body, header = (envelope.find(f"{{*}}{name}") for name in ("Body", "Header"))
        assert body is not None
        above = [] if header is None else [f"header.{each}" for each in _texts(header)]
        each = self.replies.get((etree.QName(body[0]).localname, *_texts(body[0]), *above))
        if each is None:
            return None
        content = (self.folder / each["file"]).read_bytes()
        return Reply(content, each["status"], each["type"] or "text/xml", each.get("encoding", ""))


def _texts(element: Any, before: str = "") -> Iterator[str]:
    """What an element says; of a header not where the message goes, which differs from call to call."""
    for child in element:
        if etree.QName(child).namespace == ADDRESSING:
            continue
        name = before + etree.QName(child).localname
        if len(child):
            yield from _texts(child, f"{name}.")
        else:
            yield f"{name}={child.text or ''}"


@contextmanager
def source(case: str, folder: Path) -> Iterator[ServiceSource]:
    """The case's own profile over its recording; `folder` may hold it already."""
    recording = Recording(case)
    if not folder.is_dir():
        copied(case, folder)
    (dataset,) = (each.stem for each in (folder / "mapping").iterdir())
    with served(recording.answer) as url:
        place = Service(url, "reader", PASSWORD, read_timeout=5)
        site = Site("his", None, "H99000100001", service=place, constants={"org_code": "07"}, datasets=(dataset,))
        (found,) = profile.open_sources(profile.load(folder), site, loader.reference())
        assert isinstance(found, ServiceSource)
        yield found


def copied(case: str, folder: Path) -> Path:
    shutil.copytree(RECORDED / case, folder)
    shutil.copytree((RECORDED / case).parent / "wsdl", folder / "wsdl")
    return folder


def change(folder: Path, old: str, new: str, file: str = "manifest.yaml") -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def rows(source: ServiceSource, size: int) -> list[SourceRow]:
    return [row for page in source.pages(None, size) for row in page.rows]


def lines_of(name: str) -> list[list[str]]:
    with (RECORDED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def dialyses() -> dict[str, dict[str, Any]]:
    """What the server was given, as the records that it must become."""
    texts = {"sess_id": 0, "schd_id": 1, "rx_id": 2, "patn_id": 3, "psn_no": 4, "dialysis_no": 5, "machine_no": 6}
    texts |= {"med_list_codg": 10, "dialyzer": 13, "nurse_codg": 14}
    numbers = {"duration_min": 9, "pre_weight_kg": 11, "post_weight_kg": 12}
    found: dict[str, dict[str, Any]] = {}
    for line in lines_of("dialyses.tsv"):
        whole: dict[str, Any] = {name: line[place] for name, place in texts.items()}
        whole |= {name: Decimal(line[place]) for name, place in numbers.items() if line[place]}
        whole |= {name: at(line[place]) for name, place in {"begn_time": 7, "end_time": 8}.items() if line[place]}
        drugs = sorted(each.split(",") for each in line[16].split(";") if each)
        whole["drugs"] = [{"drug_codg": code, "dose": Decimal(dose)} for _, code, dose in drugs]
        found[line[0]] = {name: value for name, value in whole.items() if value not in ("", [])}
    return found


def prescriptions() -> dict[str, dict[str, Any]]:
    """The same of the lines of the prescriptions; one without a code is to be mended."""
    found: dict[str, dict[str, Any]] = {}
    for number, card, moment, doctor, items in lines_of("prescriptions.tsv"):
        for line, code, name, quantity, unit in (each.split(",") for each in items.split(";")):
            head = {"rx_id": number, "line_no": line, "patn_id": card, "rx_time": at(moment), "dr_codg": doctor}
            whole = {**head, "med_list_codg": code, "med_list_name": name, "cnt": Decimal(quantity), "cnt_unit": unit}
            found[f"{number}|{line}"] = {name: value for name, value in whole.items() if value}
    return found


@pytest.mark.parametrize("case", READ)
def test_what_a_real_server_replied_is_read_row_for_row(case: str, tmp_path: Path) -> None:
    expected = dialyses() if "dialyses" in case else prescriptions()
    with source(case, tmp_path / "p") as his:
        for size in Recording(case).sizes:
            found = {row.ref: row for row in rows(his, size)}
            assert found.keys() == expected.keys()
            for ref, row in found.items():
                assert dict(row.values) == expected[ref], ref
                assert [fault.field for fault in row.faults] == ([] if "med_list_codg" in expected[ref] else ["med_list_codg"])
                assert (row.state is RowState.NOT_READY) is ("dialyses" in case and "end_time" not in expected[ref])


@pytest.mark.parametrize("case", [case for case in READ if "window:" in (RECORDED / case / "manifest.yaml").read_text("utf-8")])
def test_a_window_and_a_look_up_by_a_list_of_keys_find_what_is_there(case: str, tmp_path: Path) -> None:
    with source(case, tmp_path / "p") as his:
        found = {row.ref for page in his.window(DAY, DAY + timedelta(days=1), 50) for row in page.rows}
        assert found == dialyses().keys()
        assert {row.ref for row in his.lookup(["T00001", "T00003", "T99999"])} == {"T00001", "T00003"}
        assert list(his.window(DAY + timedelta(days=9), DAY + timedelta(days=10), 50)) == []


@pytest.mark.parametrize("case", TOLD)
def test_what_cannot_be_read_is_told_and_no_person_with_it(case: str, tmp_path: Path) -> None:
    with source(case, tmp_path / "p") as his, pytest.raises(SourceError, match=TOLD[case]) as told:
        rows(his, 50)
    assert "张某某" not in str(told.value)
    assert PASSWORD not in str(told.value)


def test_a_data_set_without_rows_is_a_day_without_patients(tmp_path: Path) -> None:
    """.NET writes neither the table nor the set."""
    with source("asmx/dataset_empty", tmp_path / "p") as his:
        assert rows(his, 50) == []


@pytest.mark.parametrize("case", ["asmx/dataset", "asmx/dataset_empty"])
def test_a_data_set_is_read_by_the_wsdl_that_dot_net_itself_writes(case: str, tmp_path: Path) -> None:
    """`s:schema` by reference and anything, where Mono writes two of anything."""
    folder = copied(case, tmp_path / "p")
    wsdl = (folder / "wsdl" / "His.wsdl").read_text(encoding="utf-8")
    start = wsdl.index('<s:sequence maxOccurs="unbounded">')
    end = wsdl.index("</s:sequence>", start)
    whole = f'{wsdl[:start]}<s:sequence><s:element ref="s:schema"/><s:any/>{wsdl[end:]}'
    (folder / "wsdl" / "His.wsdl").write_text(whole, encoding="utf-8")
    with source(case, folder) as his:
        assert {row.ref for row in rows(his, 50)} == (prescriptions().keys() if case == "asmx/dataset" else set())


@pytest.mark.parametrize("case", ["axis/rpc_dialyses", "metro/dialyses"])
def test_a_moment_without_its_zone_is_not_asked_of_a_service_that_says_it(case: str, tmp_path: Path) -> None:
    """Axis takes it as UTC, and eight hours of rows would be missed without a word."""
    folder = copied(case, tmp_path / "p")
    change(folder, "'+08:00'", "")
    recording = Recording(case)
    recording.replies = {tuple(part.replace("+08:00", "") for part in asked): each for asked, each in recording.replies.items()}
    with served(recording.answer) as url:
        place = Service(url, "reader", PASSWORD, read_timeout=5)
        site = Site("his", None, "H99000100001", service=place, constants={"org_code": "07"}, datasets=("HD03",))
        (his,) = profile.open_sources(profile.load(folder), site, loader.reference())
        with pytest.raises(SourceQueryError, match=r"Time 带时区，参数 beginTime 的 format 却没有写.*'\+08:00'"):
            list(his.pages(None, 50))


@pytest.mark.parametrize(
    ("case", "old", "new", "sentence"),
    [
        (
            "asmx/prescriptions",
            "rows: Prescription",
            "rows: prescription",
            r"rows（prescription）不在 WSDL 说的 .*有：Prescription",
        ),
        ("asmx/prescriptions", "lines: items.Item", "lines: items.item", r"lines（Prescription.items.item）不在 WSDL .*有：Item"),
        ("metro/dialyses", "rows: treatments", "rows: treatment", r"有：code、message、total、treatments"),
    ],
)
def test_a_place_that_the_wsdl_does_not_have_is_told_before_anything_is_called(
    case: str, old: str, new: str, sentence: str, tmp_path: Path
) -> None:
    folder = copied(case, tmp_path / "p")
    change(folder, old, new)
    with pytest.raises(ConfigError, match=sentence), source(case, folder):
        pass


def test_a_column_that_the_wsdl_has_may_be_left_out_and_another_may_not(tmp_path: Path) -> None:
    folder = copied("asmx/prescriptions", tmp_path / "p")
    change(folder, "column: cardNo", "column: cardno", "mapping/RX01.yaml")
    with source("asmx/prescriptions", folder) as his, pytest.raises(SourceQueryError, match="应答缺少 cardno"):
        rows(his, 50)


def test_what_axis_itself_writes_against_its_wsdl_is_told_and_read_where_the_manifest_says_so(tmp_path: Path) -> None:
    """Axis 1.4, wrapped: its WSDL names the elements of an array `item`, its replies name them as the array."""
    folder = copied("axis/wrapped_prescriptions", tmp_path / "p")
    change(folder, "strict: false\n", "")
    change(folder, "lines: items.items", "lines: items.item")
    with source("axis/wrapped_prescriptions", folder) as his, pytest.raises(SourceQueryError, match="请写 strict: false"):
        rows(his, 50)


def test_a_header_of_its_own_must_say_where_name_and_password_stand(tmp_path: Path) -> None:
    folder = copied("asmx/header", tmp_path / "p")
    change(folder, ", password: AuthHeader.Password}", "}")
    with pytest.raises(SpecError, match="password"):
        profile.load(folder)
    change(folder, "header: {user: AuthHeader.User}", "header: {user: AuthHead.User, password: AuthHead.Password}")
    with source("asmx/header", folder) as his, pytest.raises(SourceQueryError, match=r"（AuthHead）：.*arguments 和 header"):
        rows(his, 50)


@pytest.mark.parametrize(("given", "new"), [("keys", "{fixed: T00001}")])
def test_a_list_where_the_wsdl_has_one_value_is_told(given: str, new: str, tmp_path: Path) -> None:
    folder = copied("asmx/dialyses", tmp_path / "p")
    change(folder, "hospitalId: {constant: org_code}, treatmentNos: keys", f"hospitalId: {given}, treatmentNos: {new}")
    with source("asmx/dialyses", folder) as his, pytest.raises(SourceQueryError, match="hospitalId 在 WSDL 里只能有一个值"):
        his.lookup(["T00001", "T00003"])
