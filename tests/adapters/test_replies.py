"""Replies as trees and rows: what may be missing, a record for each line, floats, and why a text is no XML."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from support.services import PASSWORD, Reply, Request, served

from adapters import profile
from adapters.profile import Site
from adapters.services import diffgram, replies, soapfloat
from adapters.services.replies import UnusableError
from adapters.services.serviceplan import Text
from gateway.errors import SourceQueryError
from gateway.model import Service
from schemas import loader
from schemas.errors import SpecError

MANIFEST = """product: 处方接口
vendor: 测试
versions: []
kind: rest
datasets:
  "RX01":
    mapping: mapping/RX01.yaml
    reading: rescan
    key: text
    row_ref: [rxNo, drugs.lineNo]
    call:
      path: /rx
      arguments: {offset: offset, size: limit}
      paging: {by: offset, total: total}
      reply: {rows: list, lines: drugs}
"""
MAPPING = """dataset: RX01
fields:
  rx_id: {column: rxNo}
  line_no: {column: drugs.lineNo}
  patn_id: {column: patient.cardNo}
  med_list_codg: {column: drugs.ybCode}
  cnt: {column: drugs.quantity}
  rx_time: {column: at}
"""


def drug(line: int) -> dict[str, Any]:
    return {"lineNo": line, "ybCode": "XA00AAA000A000010000001", "quantity": 2}


def prescription(number: int, *drugs: dict[str, Any], **more: Any) -> dict[str, Any]:
    whole = {"rxNo": f"R{number}", "patient": {"cardNo": "A1"}, "at": "2026-11-24 08:00:00", "drugs": list(drugs)}
    return {name: value for name, value in {**whole, **more}.items() if value is not None}


def folder(place: Path, manifest: str = MANIFEST) -> Path:
    (place / "mapping").mkdir(parents=True)
    (place / "manifest.yaml").write_text(manifest, encoding="utf-8")
    (place / "mapping" / "RX01.yaml").write_text(MAPPING, encoding="utf-8")
    return place


def read(place: Path, rows: list[dict[str, Any]], size: int, asked: list[Request] | None = None) -> list[str]:
    def answer(request: Request) -> Reply:
        if asked is not None:
            asked.append(request)
        first = int(request.query["offset"])
        page = rows[first : first + int(request.query["size"])]
        return Reply(json.dumps({"total": len(rows), "list": page}).encode())

    with served(answer) as url:
        site = Site("his", None, "H99000100001", service=Service(url, "reader", PASSWORD, read_timeout=3), datasets=("RX01",))
        (source,) = profile.open_sources(profile.load(place), site, loader.reference())
        return [row.ref for page in source.pages(None, size) for row in page.rows if not row.faults]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_each_line_is_a_record_and_pages_are_counted_by_the_whole_rows(size: int, tmp_path: Path) -> None:
    """Pages of prescriptions without a line, and one with three of them, move no page by another number."""
    rows = [prescription(1), prescription(2), prescription(3, drug(1), drug(2), drug(3)), prescription(4, drug(1)), prescription(5)]
    assert read(folder(tmp_path / "p"), rows, size) == ["R3|1", "R3|2", "R3|3", "R4|1"]


def test_lines_that_no_row_has_are_told_and_may_be_left_out_where_the_manifest_says_so(tmp_path: Path) -> None:
    rows = [prescription(1, drugs=None)]
    with pytest.raises(SourceQueryError, match=r"没有一行有 drugs（lines）.*may_omit"):
        read(folder(tmp_path / "p"), rows, 5)
    permitted = MANIFEST.replace("    key: text\n", "    key: text\n    may_omit: [drugs]\n")
    assert read(folder(tmp_path / "q", permitted), rows, 5) == []


def test_lines_are_not_paged_by_key(tmp_path: Path) -> None:
    manifest = MANIFEST.replace("offset: offset", "after: after_key").replace("by: offset, total: total", "by: key")
    with pytest.raises(SpecError, match="lines 的不能按 key 翻页"):
        profile.load(folder(tmp_path / "p", manifest))


def test_the_account_of_the_source_is_an_argument_where_the_service_wants_it(tmp_path: Path) -> None:
    asked: list[Request] = []
    named = MANIFEST.replace("size: limit}", "size: limit, who: {service: user}, pwd: {service: password}}")
    assert read(folder(tmp_path / "p", named), [prescription(1, drug(1))], 5, asked) == ["R1|1"]
    assert (asked[0].query["who"], asked[0].query["pwd"]) == ("reader", PASSWORD)
    with pytest.raises(SpecError, match="只能是 user、password 之一"):
        profile.load(folder(tmp_path / "q", named.replace("service: user", "service: name")))


@pytest.mark.parametrize("before", ["", "\ufeff", "\r\n ", '<?xml version="1.0" encoding="GBK"?>', '\ufeff<?xml version="1.0"?>'])
def test_a_text_is_read_whatever_charset_it_says_it_was_written_in(before: str) -> None:
    assert replies.parsed(f"{before}<r><名>㛃</名></r>", Text.XML) == {"r": {"名": "㛃"}}


def test_json_is_read_behind_a_byte_order_mark() -> None:
    assert replies.parsed('\ufeff{"a": 1}', Text.JSON) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("<html><br></html>", "多半是登录页"),
        (b"", "应答是空的"),
        ("<br /><b>Warning</b><?xml version='1.0'?><r/>", "前面有别的文字"),
        (b"Notice: x<s:Envelope xmlns:s='y'/>", "前面有别的文字"),
        (b"<?xml version='1.0'?><r>", "没有写完"),
        (b"<s:Envelope xmlns:s='y'>&#x8;</s:Envelope>", "XML 不许有的字符"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><r", "开头的 BOM"),
    ],
)
def test_why_a_reply_is_no_xml_is_told(content: str | bytes, sentence: str) -> None:
    assert sentence in replies.no_xml(content)


@pytest.mark.parametrize(
    ("tree", "path", "declared"),
    [
        (None, "item", ()),
        ("", "", ()),
        ({"list": ""}, "list.item", ()),
        ({"list": {"@type": "x"}}, "list.item", ()),
        ({"code": "0"}, "list", ("list",)),
        ({"code": "0"}, "list.item", ("list", "list.item")),
    ],
)
def test_no_rows_of_xml_are_no_rows(tree: Any, path: str, declared: tuple[str, ...]) -> None:
    assert replies.rows(tree, path, xml=True, declared=frozenset(declared)) == []


@pytest.mark.parametrize(
    ("tree", "path", "declared"),
    [
        ({"code": "0"}, "list", ()),
        ({"list": {"row": {"a": "1"}}}, "list.item", ()),
        ({"code": "0"}, "list.item", ("other",)),
        ("", "a.b", ()),
    ],
)
def test_rows_that_are_not_where_they_should_be_are_told(tree: Any, path: str, declared: tuple[str, ...]) -> None:
    with pytest.raises(UnusableError, match=r"应答里没有|不是一列记录"):
        replies.rows(tree, path, xml=True, declared=frozenset(declared))


def test_the_schema_of_a_data_set_says_its_columns() -> None:
    columns = {"complexType": {"sequence": {"element": [{"@name": "a"}, {"@name": "b"}]}}}
    whole = {"@name": "Whole", "complexType": {"choice": {"element": {"@name": "T", **columns}}}}
    found = diffgram.declared({"schema": {"element": whole}, "diffgram": ""})
    assert {"diffgram.Whole", "diffgram.Whole.T", "diffgram.Whole.T.a", "diffgram.DocumentElement.T.b"} <= found
    assert diffgram.declared({"schema": "x"}) == diffgram.declared("x") == frozenset()


def test_a_map_is_a_row() -> None:
    pairs = [{"key": "rxNo", "value": "R1"}, {"key": "note", "value": None}, {"key": "who", "value.name": "x"}]
    assert replies.paired({"@type": "Map", "item": pairs}, "item") == {"@type": "Map", "rxNo": "R1", "note": None, "who.name": "x"}
    assert replies.paired({"item.key": "rxNo", "item.value": "R1"}, "item") == {"rxNo": "R1"}


@pytest.mark.parametrize(
    "pairs", [[{"value": "R1"}], [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}], [{"key": "", "value": "1"}]]
)
def test_what_is_no_map_is_told(pairs: list[dict[str, Any]]) -> None:
    with pytest.raises(UnusableError, match="名和值"):
        replies.paired({"item": pairs}, "item")


@pytest.mark.parametrize(
    ("text", "code", "shorter"),
    [
        ("0.33329999999999999", "d", "0.3333"),
        ("65.4000015", "f", "65.4"),
        ("1.0000000000000001e-05", "d", "0.00001"),
        ("2.50", "d", "2.50"),
        ("1234567890123456789", "d", "1234567890123456789"),
        ("六十五点四○○○○○○○○○○○", "d", "六十五点四○○○○○○○○○○○"),
        ("0.3333333333333333", "d", "0.3333333333333333"),
    ],
)
def test_a_binary_float_is_the_decimal_that_it_stands_for(text: str, code: str, shorter: str) -> None:
    assert soapfloat.shortened({"rows": [{"n": text, "m": text}]}, {"rows.n": code}) == {"rows": [{"n": shorter, "m": text}]}


def test_a_text_goes_on_behind_what_is_no_element() -> None:
    assert replies.parsed("<R><a>示例<?x y?>片<!-- z -->剂</a></R>", Text.XML) == {"R": {"a": "示例片剂"}}


def test_many_rows_take_the_time_of_few_each() -> None:
    """A reply of sixteen megabytes has more than a hundred thousand; copied at each of them they would take minutes."""
    few, many = (_seconds(rows) for rows in (10_000, 100_000))
    assert many < 40 * few


def _seconds(rows: int) -> float:
    text = f"<R>{'<row><a>1</a></row>' * rows}</R>"
    begun = time.process_time()
    assert len(replies.rows(replies.parsed(text, Text.XML), "R.row", xml=True)) == rows
    return time.process_time() - begun


@pytest.mark.parametrize(
    ("content", "form", "sentence"),
    [
        ("\ufeff <?xml version='1.0'?><R/>", Text.JSON, "像是 XML：请核对"),
        (b"<R/>", Text.JSON, "像是 XML：请核对"),
        ("<!DOCTYPE html><html></html>", Text.JSON, "多半是登录页"),
        ("<html><body/></html>", Text.JSON, "多半是登录页"),
        (' {"code": 0}', Text.XML, "像是 JSON：请核对"),
        ("[1]", Text.XML, "像是 JSON：请核对"),
        ("登录", Text.XML, "多半是登录页"),
        ('{"code": 0, "list": [', Text.JSON, "应答的 JSON 没有写完"),
        ("<R><name>示例&nbsp;片</name></R>", Text.XML, "应答的 XML 没有写完，或里面有 XML 不许有的字符"),
        ("", Text.XML, "应答是空的"),
    ],
)
def test_a_text_of_the_other_kind_is_told_from_a_page_for_people(content: str | bytes, form: Text, sentence: str) -> None:
    with pytest.raises(UnusableError, match=sentence):
        replies.parsed(content, form)
