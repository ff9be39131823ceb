"""`gateway profile wsdl`: a service's documents, saved as a profile brings them along. The WSDL is a real one, of JAX-WS RI."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zeep
from click.testing import CliRunner, Result
from support.services import Reply, Request, served

from gateway.main import cli

RECORDED = Path(__file__).parents[1] / "adapters" / "recorded_soap" / "metro" / "wsdl"
WSDL = (RECORDED / "his.wsdl").read_text(encoding="utf-8")
SCHEMA = (RECORDED / "his.xsd").read_text(encoding="utf-8")
#: by a name that only the service itself knows, and with a part in another folder that names the first again
INNER = WSDL.replace('schemaLocation="his.xsd"', 'schemaLocation="http://his-inner.example.invalid:8080/ws/his?xsd=1"')
OUTER_SCHEMA = SCHEMA.replace("<xs:element", '<xs:include schemaLocation="common/his?xsd=2"/><xs:element', 1)
COMMON = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://ws.his.example.invalid/">'
    '<xs:include schemaLocation="../his?xsd=1"/><xs:complexType name="unused"/></xs:schema>'
)
DOCUMENTS = {("/ws/his", "wsdl"): INNER, ("/ws/his", "1"): OUTER_SCHEMA, ("/ws/common/his", "2"): COMMON}


def answer(request: Request) -> Reply:
    """The documents of the service; whatever else is asked is not there."""
    text = DOCUMENTS.get((request.path, request.query.get("xsd", "wsdl")))
    return Reply(text.encode(), kind="text/xml") if text else Reply(b"no", status=404)


@pytest.fixture
def service() -> Iterator[str]:
    with served(answer) as address:
        yield address


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["profile", "wsdl", *map(str, words)], catch_exceptions=False)


def refused(answer: Callable[[Request], Reply | None], out: Path, *more: str) -> str:
    with served(answer) as address:
        result = run(f"{address}/ws/his?wsdl=&key=not-a-real-key", "--out", out, *more)
    assert result.exit_code != 0
    assert not out.exists()
    assert "not-a-real-key" not in result.output
    return result.output


def test_a_wsdl_is_saved_with_all_that_it_names_and_zeep_reads_it_there(service: str, tmp_path: Path) -> None:
    result = run(f"{service}/ws/his?wsdl", "--out", tmp_path / "wsdl")
    assert result.exit_code == 0, result.output
    assert "manifest.yaml 里写 wsdl: wsdl/his.wsdl；操作有：byBean、" in result.output
    assert sorted(path.name for path in (tmp_path / "wsdl").iterdir()) == ["his-2.xsd", "his.wsdl", "his.xsd"]
    there, here = (operations(folder / "his.wsdl") for folder in (RECORDED, tmp_path / "wsdl"))
    assert here == there


def operations(path: Path) -> dict[str, str]:
    (service,) = zeep.Client(str(path)).wsdl.services.values()
    (port,) = service.ports.values()
    return {name: each.input.signature() for name, each in port.binding._operations.items()}


def test_a_folder_that_holds_something_stays_as_it_is(service: str, tmp_path: Path) -> None:
    (tmp_path / "his.wsdl").write_text("mended by hand", encoding="utf-8")
    result = run(f"{service}/ws/his?wsdl", "--out", tmp_path)
    assert (result.exit_code, (tmp_path / "his.wsdl").read_text(encoding="utf-8")) == (2, "mended by hand")
    assert "不是空的" in result.output


def test_who_must_log_in_says_as_whom(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("not-a-real-password\n", encoding="utf-8")
    wanted = "Basic " + base64.b64encode(b"reader:not-a-real-password").decode()

    def guarded(request: Request) -> Reply:
        return answer(request) if request.headers.get("authorization") == wanted else Reply(b"", status=401)

    with served(guarded) as address:
        as_somebody = ("--user", "reader", "--password-from", tmp_path / "password")
        assert run(f"{address}/ws/his?wsdl", "--out", tmp_path / "wsdl", *as_somebody).exit_code == 0
    assert "HTTP 401）：请核对地址；要登录的写 --user" in refused(guarded, tmp_path / "other")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<html><body>您好<br></body>", "/ws/his 给的不是 XML：请在浏览器里打开"),
        ("<html><body/></html>", "不是 WSDL 1.1（根元素是 html）：WSDL 的地址后面多半要加 ?wsdl"),
        ("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a>&b;</a>", "带 DOCTYPE"),
        (INNER.replace("?xsd=1", "?xsd=9"), "/ws/his 没有给出文件（HTTP 404）"),
    ],
)
def test_what_is_no_wsdl_or_names_what_is_not_there_is_told_and_nothing_is_written(body: str, told: str, tmp_path: Path) -> None:
    def other(request: Request) -> Reply:
        return Reply(b"", status=404) if "xsd" in request.query else Reply(body.encode(), kind="text/xml")

    assert told in refused(other, tmp_path / "wsdl")


def test_a_service_that_names_more_and_more_is_left(tmp_path: Path) -> None:
    def endless(request: Request) -> Reply:
        number = int(request.query.get("xsd", "0")) + 1
        more = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="his?xsd={number}"/></xs:schema>'
        return Reply((more if number > 1 else INNER).encode(), kind="text/xml")

    assert "引用的文件超过 200 个" in refused(endless, tmp_path / "wsdl")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:1/his?wsdl", "服务 127.0.0.1:1 连接不上（地址不通或服务未启动）"),
        ("his.wsdl", "应以 https:// 或 http:// 开头"),
    ],
)
def test_an_address_where_nothing_is_is_told(url: str, told: str, tmp_path: Path) -> None:
    result = run(url, "--out", tmp_path / "wsdl")
    assert result.exit_code != 0
    assert told in result.output
    assert "数据源" not in result.output
