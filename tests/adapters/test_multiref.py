"""rpc/encoded replies of a real server on loopback, whose structures stand beside the reply under a number."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from support.services import PASSWORD, USER, AxisHis, served, treatment

import adapters
from adapters import profile
from adapters.profile import Site
from adapters.services import multiref
from adapters.services.replies import UnusableError
from adapters.services.serviced import ServiceSource
from gateway.errors import SourceQueryError
from gateway.model import RowState, Service
from schemas import loader

TEMPLATE = Path(adapters.__path__[0]) / "templates" / "soap"
NIL = '<endTime xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
COLUMNS = (
    *("treatmentNo", "planNo", "orderNo", "cardNo", "insuredNo", "dialysisNo", "machine", "startTime", "endTime", "minutes"),
    *("ybCode", "weightBefore", "weightAfter", "dialyzer", "nurseCode", "updatedAt"),
)
WSDL = """<wsdl:definitions targetNamespace="urn:his-template" xmlns:t="urn:his-template" xmlns:x="http://www.w3.org/2001/XMLSchema"
 xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
 xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/">
<wsdl:types><x:schema targetNamespace="urn:his-template"><x:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>
<x:complexType name="Treatment"><x:sequence>{columns}</x:sequence></x:complexType>
<x:complexType name="Treatments"><x:complexContent><x:restriction base="e:Array">
<x:attribute ref="e:arrayType" wsdl:arrayType="t:Treatment[]"/></x:restriction></x:complexContent></x:complexType>
<x:complexType name="Result"><x:sequence><x:element name="code" type="x:string"/>
<x:element name="treatments" type="t:Treatments" nillable="true"/></x:sequence></x:complexType></x:schema></wsdl:types>
<wsdl:message name="In">{parts}</wsdl:message>
<wsdl:message name="Out"><wsdl:part name="QueryTreatmentsReturn" type="t:Result"/></wsdl:message>
<wsdl:portType name="Port"><wsdl:operation name="QueryTreatments"><wsdl:input message="t:In"/><wsdl:output message="t:Out"/>
</wsdl:operation></wsdl:portType>
<wsdl:binding name="HisSoap" type="t:Port"><s:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
<wsdl:operation name="QueryTreatments"><s:operation soapAction=""/>
<wsdl:input><s:body use="encoded" namespace="urn:his-template" encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/></wsdl:input>
<wsdl:output><s:body use="encoded" namespace="urn:his-template" encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/></wsdl:output>
</wsdl:operation></wsdl:binding>
<wsdl:service name="His"><wsdl:port name="Port" binding="t:HisSoap"><s:address location="http://his.example.invalid/ws"/></wsdl:port>
</wsdl:service></wsdl:definitions>"""
Open = Callable[[], ServiceSource]
_NAMED = "<v href='#a'/>"


@pytest.fixture
def his() -> Iterator[AxisHis]:
    """Four dialyses, one of them not over."""
    rows = [{**treatment(number), **({"endTime": NIL} if number == 2 else {})} for number in range(4)]
    found = AxisHis(rows)
    with served(found.answer) as url:
        found.url = f"{url}/axis/services/His"  # type: ignore[attr-defined]
        yield found


@pytest.fixture
def opened(his: AxisHis, tmp_path: Path) -> Open:
    """The template with the WSDL of such a service: it names the encoding's schema and does not bring it."""

    def make() -> ServiceSource:
        folder = Path(shutil.copytree(TEMPLATE, tmp_path / "profile"))
        columns = "".join(f'<x:element name="{name}" type="x:string" nillable="true" minOccurs="0"/>' for name in COLUMNS)
        parts = "".join(
            f'<wsdl:part name="{name}" type="x:string"/>' for name in ("hospitalId", "beginTime", "afterNo", "pageSize")
        )
        (folder / "wsdl" / "his.wsdl").write_text(WSDL.format(columns=columns, parts=parts), encoding="utf-8")
        manifest = (folder / "manifest.yaml").read_text(encoding="utf-8")
        manifest = manifest[: manifest.index('  "RX01"')].replace(
            "drugs: {at: drugs.drug, line_key: seq}", "drugs: {at: drugs.drug}"
        )
        (folder / "manifest.yaml").write_text(manifest, encoding="utf-8")
        place = Service(his.url, USER, PASSWORD, read_timeout=3)  # type: ignore[attr-defined]
        site = Site("his", None, "H99000100001", service=place, constants={"org_code": "07"}, datasets=("HD03",))
        (source,) = profile.open_sources(profile.load(folder), site, loader.reference())
        assert isinstance(source, ServiceSource)
        return source

    return make


@pytest.mark.parametrize("size", [1, 3, 50])
def test_what_stands_beside_the_reply_is_read_as_if_it_stood_in_it(opened: Open, his: AxisHis, size: int) -> None:
    rows = [row for page in opened().pages(None, size) for row in page.rows]
    assert [row.ref for row in rows] == [f"S{number:05d}" for number in range(4)]
    assert [row.state for row in rows] == [RowState.READY, RowState.READY, RowState.NOT_READY, RowState.READY]
    assert [row.faults for row in rows] == [()] * 4
    assert rows[0].values["pre_weight_kg"] == Decimal("65.5")


def test_no_rows_are_no_rows(opened: Open, his: AxisHis) -> None:
    his.treatments = []
    assert list(opened().pages(None, 5)) == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('<treatment href="#id0"/>', '<treatment href="#id77"/>', "指到了应答里没有的内容"),
        ('<planNo i:type="e:string">P00000</planNo>', '<planNo href="#id0"/>', "绕成了圈"),
        ('<treatment href="#id1"/>', '<treatment href="cid:part1"/>', "附件"),
        ('id="id1"', 'id="id0"', "有两处"),
    ],
)
def test_a_reference_that_leads_nowhere_or_round_is_told(opened: Open, his: AxisHis, old: str, new: str, sentence: str) -> None:
    his.bend_reply = lambda text: text.replace(old, new)
    with pytest.raises(SourceQueryError, match=f"QueryTreatments.*{sentence}"):
        list(opened().pages(None, 5))


def test_a_few_references_that_come_to_any_number_are_refused() -> None:
    """The laughs of a billion elements, in a hundred lines."""
    tens = [f"<v href='#a{number + 1}'/>" * 10 for number in range(9)]
    levels = "".join(f'<m id="a{number}">{ten}</m>' for number, ten in enumerate(tens))
    space = f'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="{multiref.ENCODING}"'
    text = f'<s:Envelope {space}><s:Body><r><v href="#a0"/></r>{levels}<m id="a9">x</m></s:Body></s:Envelope>'
    with pytest.raises(UnusableError, match="展开后大得不可能"):
        multiref.resolved(text.encode())


def test_a_long_text_that_is_named_again_and_again_is_refused() -> None:
    space = f'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="{multiref.ENCODING}"'
    text = f'<s:Envelope {space}><s:Body><r>{_NAMED * 300}</r><m id="a">{"x" * 1_000_000}</m></s:Body></s:Envelope>'
    with pytest.raises(UnusableError, match="展开后大得不可能"):
        multiref.resolved(text.encode())


def test_a_ring_is_told_in_a_reply_that_does_not_say_how_it_is_encoded(opened: Open, his: AxisHis) -> None:
    space, ring = 'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"', '<r><a href="#1"/></r><m id="1"><a href="#1"/></m>'
    his.bend_reply = lambda text: f"<s:Envelope {space}><s:Body>{ring}</s:Body></s:Envelope>"
    with pytest.raises(SourceQueryError, match="绕成了圈"):
        list(opened().pages(None, 5))


@pytest.mark.parametrize(
    "beside",
    [
        "".join(f'<m id="a{number}" href="#a{number + 1}"/>' for number in range(2000)) + '<m id="a2000">x</m>',
        f'<m id="a0" z="{"x" * 1_000_000}"/>',
    ],
    ids=["a long chain", "a long attribute"],
)
def test_a_reference_that_costs_without_end_is_refused(beside: str) -> None:
    space = f'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="{multiref.ENCODING}"'
    named = '<v href="#a0"/>' * 300
    text = f"<s:Envelope {space}><s:Body><r>{named}</r>{beside}</s:Body></s:Envelope>"
    with pytest.raises(UnusableError, match="展开后大得不可能"):
        multiref.resolved(text.encode())


@pytest.mark.parametrize("content", [b"<html>", b"", b"<a>http://schemas.xmlsoap.org/soap/encoding/", b"<a b='#c'/>"])
def test_what_is_no_such_reply_stays_as_it_is(content: bytes) -> None:
    assert multiref.resolved(content) == content


def test_a_value_that_several_rows_share_stands_in_each_and_other_attributes_stay() -> None:
    space = f'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="{multiref.ENCODING}"'
    rows = '<row><n href="#id1"/></row><row code="7"><n href="#id1"/></row>'
    text = f'<s:Envelope {space}><s:Body><r>{rows}</r><m id="id1" e:root="0">240</m></s:Body></s:Envelope>'
    assert b'<row><n>240</n></row><row code="7"><n>240</n></row>' in multiref.resolved(text.encode())


def test_what_is_the_records_own_is_kept() -> None:
    """An id that nobody refers to, a link, and a text with an instruction of some program inside."""
    space = f'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="{multiref.ENCODING}"'
    row = '<row id="17"><n href="http://his.example.invalid/17"/><w>12<?print?>34</w></row>'
    text = f"<s:Envelope {space}><s:Body><r>{row}</r></s:Body></s:Envelope>"
    assert row.replace("<?print?>", "").encode() in multiref.resolved(text.encode())
