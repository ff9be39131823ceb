"""REST services of a real server on loopback: logging in, paging, order, children, and every failure as one sentence."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.services import BEGAN, PASSWORD, USER, Reply, Request, RestHis, served, session
from support.tls import Authority, front

import adapters
from adapters import contract, profile
from adapters.profile import Site
from adapters.services.serviced import ServiceSource
from adapters.services.webclient import Spacing
from gateway.errors import ConfigError, SourceError, SourceQueryError
from gateway.main import cli
from gateway.model import Cursor, RowState, Service
from schemas import loader
from schemas.errors import SpecError
from schemas.wire import SHANGHAI

TEMPLATE = Path(adapters.__path__[0]) / "templates" / "rest"
OVER = BEGAN + timedelta(hours=4)
CONFIG = """
store: {{url: "sqlite:///gateway.db"}}
institutions: [{{code: "H99000100001", name: 甲, admvs: "990001"}}]
targets:
  bureau:
    url: http://127.0.0.1:1/api/upload
    credentials: {{H99000100001: {{paasid: app, token: {{env: PATH}}}}}}
sources:
  - name: his
    profile: profile
    institution: "H99000100001"
    constants: {{org_code: "07"}}
    service: {{url: "{url}", user: "{user}", password: {{file: password}}}}
"""


@pytest.fixture
def his() -> Iterator[RestHis]:
    """Ten dialyses, a minute apart, in no order; `his.url` is where they are asked for."""
    found = RestHis([session(number) for number in (3, 1, 4, 0, 5, 9, 2, 6, 8, 7)])
    with served(found.answer) as url:
        found.url = url  # type: ignore[attr-defined]
        yield found


Open = Callable[..., ServiceSource]


@pytest.fixture
def opened(his: RestHis, tmp_path: Path) -> Open:
    """The template's source for that server, with changes of its manifest and of the service."""

    def make(*changes: tuple[str, str], **service: Any) -> ServiceSource:
        folder = tmp_path / f"profile-{abs(hash(changes))}"
        shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
        text = (folder / "manifest.yaml").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / "manifest.yaml").write_text(text, encoding="utf-8")
        place = replace(Service(his.url, USER, PASSWORD, read_timeout=2), **service)  # type: ignore[attr-defined]
        site = Site("his", None, "H99000100001", service=place, constants={"org_code": "07"})
        (source,) = profile.open_sources(profile.load(folder), site, loader.reference())
        assert isinstance(source, ServiceSource)
        return source

    return make


def refs(source: ServiceSource, after: Cursor | None = None, size: int = 4) -> list[str]:
    return [row.ref for page in source.pages(after, size) for row in page.rows]


@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_every_row_comes_once_and_in_order_whatever_the_service_makes_of_the_page_length(opened: Open, size: int) -> None:
    pages = list(opened().pages(None, size))
    assert [row.ref for page in pages for row in page.rows] == [f"S{number:05d}" for number in range(10)]
    assert max(len(page.rows) for page in pages) <= size


def test_reading_goes_on_after_the_cursor(opened: Open) -> None:
    source = opened()
    (first, *_) = source.pages(None, 4)
    assert refs(source, first.cursor) == [f"S{number:05d}" for number in range(3, 10)]  # the service takes its minute too


def test_rows_are_mapped_with_their_lines_in_the_order_of_their_keys(opened: Open) -> None:
    (row, *_) = (row for page in opened().pages(None, 5) for row in page.rows)
    assert (row.state, row.faults) == (RowState.READY, ())
    assert row.values["pre_weight_kg"] == Decimal("65.5")
    assert [line["drug_codg"] for line in row.values["drugs"]] == ["A1", "B2"]
    assert row.changed_at == OVER.replace(tzinfo=SHANGHAI)
    assert row.entered_at == BEGAN.replace(tzinfo=SHANGHAI)


def test_lines_that_no_row_has_are_told_and_no_record_goes_without_them(opened: Open) -> None:
    with pytest.raises(SourceQueryError, match=r"没有一行有 drug（children.drugs）；.*may_omit"):
        refs(opened(("{at: drugList,", "{at: drug,")))
    assert len(refs(opened(("{at: drugList,", "{at: drug,"), ("may_omit: [", "may_omit: [drug, ")))) == 10


def test_a_session_that_runs_has_no_end_yet_and_is_not_ready(opened: Open, his: RestHis) -> None:
    his.rows = [session(1, endTime=None), session(2, deleted=True)]
    rows = [row for page in opened().pages(None, 5) for row in page.rows]
    assert [row.state for row in rows] == [RowState.NOT_READY, RowState.VOID]


def test_a_reply_in_gbk_is_the_same_record(opened: Open, his: RestHis) -> None:
    found = []
    for charset in ("utf-8", "gbk"):
        his.charset = charset
        found.append([dict(row.values) for page in opened().pages(None, 5) for row in page.rows])
    assert found[0] == found[1]
    assert found[0][0]["dialyzer"] == "聚砜膜透析器"


def test_a_window_and_a_look_up_find_what_is_there(opened: Open, his: RestHis) -> None:
    source = opened()
    midnight = datetime.combine(BEGAN.date(), datetime.min.time(), SHANGHAI)
    his.rows.append(session(900, startTime=str(BEGAN + timedelta(days=1))))
    rows = [row.ref for page in source.window(midnight, midnight + timedelta(days=1), 4) for row in page.rows]
    assert sorted(rows) == [f"S{number:05d}" for number in range(10)]
    assert {request.query["dateTo"] for request in his.asked if "dateTo" in request.query} == {str(BEGAN.date())}
    assert {row.ref for row in source.lookup(["S00003", "S00900", "S77777"])} == {"S00003", "S00900"}


def test_one_login_serves_many_calls_and_is_made_anew_when_the_token_is_over(opened: Open, his: RestHis) -> None:
    source = opened()
    refs(source)
    assert his.logins == 1
    his.token = "another"  # the service was started anew and forgot us
    assert len(refs(source)) == 10
    assert his.logins == 2
    assert all(request.query.get("orgCode") == "07" for request in his.asked if request.query)


def test_a_wrong_password_is_told_without_it(opened: Open) -> None:
    with pytest.raises(SourceError, match=r"数据源 his 的 HD03：服务 .* 登录不成") as told:
        refs(opened(password="wrong-secret"))
    assert "wrong-secret" not in str(told.value)


def _data(change: Callable[[dict[str, Any]], None]) -> Callable[[Request, Reply], Reply]:
    """Bends every reply that holds rows."""

    def bend(request: Request, reply: Reply) -> Reply:
        tree = json.loads(reply.body)
        if request.path.startswith("/dialysis") and tree.get("data"):
            change(tree)
            return replace(reply, body=json.dumps(tree).encode())
        return reply

    return bend


def _renamed(tree: dict[str, Any]) -> None:
    tree["data"]["rows"] = tree["data"].pop("list")


def _without(name: str) -> Callable[[dict[str, Any]], None]:
    def change(tree: dict[str, Any]) -> None:
        for row in tree["data"]["list"]:
            row.pop(name)

    return change


def _status(status: int, body: bytes = b"<html>") -> Callable[[Request, Reply], Reply]:
    return lambda request, reply: Reply(body, status, "text/html") if request.path.startswith("/dialysis") else reply


FAILURES = [
    pytest.param(_data(_renamed), SourceQueryError, r"应答里没有 data\.list（到 list 为止，有：total、rows）", id="renamed list"),
    pytest.param(_data(_without("machine")), SourceQueryError, "应答缺少 machine", id="a column is gone"),
    pytest.param(_data(_without("sessionNo")), SourceQueryError, "应答缺少 sessionNo", id="the key is gone"),
    pytest.param(_data(lambda tree: tree.update(code="500")), SourceError, "答复不成功（code=500）", id="it says no"),
    pytest.param(_data(lambda tree: tree["data"].update(total=99)), SourceError, "说有 99 行，只给了 10 行", id="rows held back"),
    pytest.param(_data(lambda tree: tree["data"].update(list={})), SourceQueryError, "不是一列记录", id="no list"),
    pytest.param(_status(200), SourceQueryError, "应答不是 JSON：多半是登录页", id="a page of a proxy"),
    pytest.param(_status(503), SourceError, "正忙（HTTP 503）", id="busy"),
    pytest.param(_status(404), SourceQueryError, "没有这个接口（HTTP 404）", id="no such path"),
    pytest.param(_status(302), SourceQueryError, "地址已搬迁", id="moved"),
    pytest.param(_status(500), SourceError, "出错（HTTP 500）", id="broken"),
    pytest.param(_status(200, b'{"code":"0","data":{"list":"\xef\xbf\xbd"}}'), SourceQueryError, "乱码", id="mojibake"),
    pytest.param(lambda request, reply: None, SourceError, "的连接在应答前断开", id="hung up"),
]


@pytest.mark.parametrize(("bend", "kind", "sentence"), FAILURES)
def test_a_failure_is_one_sentence_and_no_page(
    opened: Open, his: RestHis, bend: Any, kind: type[SourceError], sentence: str
) -> None:
    his.bend = bend
    pages = []
    with pytest.raises(kind, match=sentence) as told:
        pages.extend(opened().pages(None, 4))
    assert pages == []
    assert str(told.value).startswith("数据源 his 的 HD03")


def test_two_rows_of_one_number_in_a_reply_are_told_and_neither_is_left_out(opened: Open, his: RestHis) -> None:
    """A row_ref that tells visits apart, not their lines: all lines but one would go without a word."""
    his.rows = [session(1), session(2), session(2, endTime=None)]
    with pytest.raises(SourceQueryError, match=r"两行的 .* 相同、内容不同：认不出一行，请在 row_ref 里再加一列"):
        refs(opened(), size=10)
    his.rows = [session(1), session(1)]
    assert refs(opened(), size=10) == ["S00001"], "the same row twice says nothing new"


def test_a_service_that_ignores_the_page_is_noticed(opened: Open, his: RestHis) -> None:
    his.bend = _data(lambda tree: tree["data"].update(list=[session(1)], total=9))
    with pytest.raises(SourceQueryError, match="翻页没有往后走"):
        refs(opened())


def test_a_service_that_is_not_there_is_told(opened: Open) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with pytest.raises(SourceError, match="连接不上（地址不通或服务未启动）"):
        refs(opened(url=f"http://127.0.0.1:{port}"))


def test_a_service_whose_certificate_is_not_trusted_is_not_called(opened: Open, his: RestHis, tmp_path: Path) -> None:
    port = int(his.url.rpartition(":")[2])  # type: ignore[attr-defined]
    certificate = Authority(tmp_path, "ours").issue()
    with front(certificate, "127.0.0.1", port) as secure, pytest.raises(SourceError, match="证书不是所信任的机构签发的"):
        refs(opened(url=f"https://127.0.0.1:{secure}"))
    assert his.asked == []


def test_a_reply_that_does_not_come_is_given_up_at_the_read_timeout(opened: Open, his: RestHis) -> None:
    over = threading.Event()

    def bend(request: Request, reply: Reply) -> Reply:
        over.wait(10)
        return reply

    his.bend = bend
    with pytest.raises(SourceError, match="在 1 秒内没有应答"):
        refs(opened(read_timeout=1.0))
    over.set()


def test_calls_are_spaced_evenly() -> None:
    now, waited = 100.0, []
    spacing = Spacing(30, lambda: now, waited.append)
    for _ in range(3):
        spacing.wait()
    assert waited == [2.0, 4.0]


BY_PAGE = "pageNo: page\n        pageSize: limit\n      paging: {by: page, first: 1, total: data.total}\n      reply: &reply"
BY_CURSOR = (BY_PAGE, "mark: cursor\n      paging: {by: cursor, next: data.next}\n      reply: &reply")
BY_LINK = (BY_PAGE, "pageSize: limit\n      paging: {by: link, next: data.next}\n      reply: &reply")


def _instead(answer: Callable[[Request], Reply]) -> Callable[[Request, Reply], Reply]:
    """Another answer to what is asked for rows."""
    return lambda request, reply: answer(request) if request.path == "/dialysis/sessions" else reply


def test_a_cursor_that_the_reply_gives_leads_to_the_end(opened: Open, his: RestHis) -> None:
    def answer(request: Request) -> Reply:
        at = int(request.query.get("mark", "0"))
        following = at + 3 if at + 3 < 10 else None
        return Reply(json.dumps({"code": "0", "data": {"list": his.rows[at : at + 3], "next": following}}).encode())

    his.bend = _instead(answer)
    assert len(refs(opened(BY_CURSOR))) == 10


def test_a_link_is_followed_on_the_same_server_only(opened: Open, his: RestHis) -> None:
    away = ""

    def answer(request: Request) -> Reply:
        at = int(request.query.get("at", "0"))
        following = f"{away}/dialysis/sessions?at={at + 3}" if at + 3 < 10 else ""
        return Reply(json.dumps({"code": "0", "data": {"list": his.rows[at : at + 3], "next": following}}).encode())

    his.bend = _instead(answer)
    assert len(refs(opened(BY_LINK))) == 10
    away = "http://elsewhere.example.invalid"
    with pytest.raises(SourceQueryError, match="在另一台服务器上，不去取"):
        refs(opened(BY_LINK))


@pytest.mark.parametrize(
    ("way", "secret", "header"),
    [
        ("way: basic", {}, "Basic Z2F0ZXdheV9yZWFkZXI6bm90LWEtcmVhbC1wYXNzd29yZA=="),
        ("way: bearer", {"token": "not-a-real-token"}, "Bearer not-a-real-token"),
        ("way: none", {}, None),
    ],
)
def test_other_ways_to_say_who_calls(opened: Open, his: RestHis, way: str, secret: Any, header: str | None) -> None:
    his.bend = lambda request, reply: Reply(b'{"code":"0","data":{"list":[],"total":0}}')
    assert refs(opened(("way: login", way), **secret)) == []
    assert {request.headers.get("authorization") for request in his.asked} == {header}


def test_a_secret_that_is_missing_is_told_before_anything_is_called(opened: Open, his: RestHis) -> None:
    with pytest.raises(ConfigError, match=r"请写 service\.password"):
        opened(password="")
    assert his.asked == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("pageNo: page", "pageNo: pgae", "没有参数 pgae，是否想写 page"),
        ("{by: page, first: 1, total: data.total}", "{by: pages}", "只能是 none、page、offset、cursor、link、key"),
        ("cursor_time: updatedAt", "# none", "须写明修改时间是哪一项"),
        ("constant: org_code", "constant: org_cdoe", "没有 org_cdoe，是否想写 org_code"),
        ("row_ref: [sessionNo]", "row_ref: []", "认出一行"),
        ("method: GET ", "method: PUT ", "只能是 GET 或 POST"),
        ('format: "yyyy-MM-dd HH:mm:ss"', 'format: "yyyy-QQ"', "用不了"),
    ],
)
def test_a_wrong_manifest_names_file_and_key(opened: Open, old: str, new: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        opened((old, new))


def test_the_contract_reads_a_service_once_and_asks_for_its_first_pages(his: RestHis, tmp_path: Path) -> None:
    """`gateway check --contract` of ten thousand rows must not ask the site for forty thousand."""
    his.rows, his.most = [session(number) for number in range(40)], 500
    shutil.copytree(TEMPLATE, tmp_path / "profile")
    (tmp_path / "config.yaml").write_text(CONFIG.format(url=his.url, user=USER), encoding="utf-8")  # type: ignore[attr-defined]
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    result = CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["--config", str(tmp_path / "config.yaml"), "check", "--contract"])
    assert "his HD03 分页：守　每页 7 行的前 3 页都在每页 500 行的第一页里" in result.output, result.output
    assert "读到 40 行" in result.output
    assert "his HD03 按行号查：守" in result.output
    assert Counter(each.query["pageSize"] for each in his.asked if "updatedFrom" in each.query) == {"500": 2, "7": 3}


def test_the_contract_finds_a_page_number_that_is_counted_otherwise(his: RestHis, opened: Open) -> None:
    """Nothing else would: what the first page holds would be missing from every reading."""
    his.rows, his.most = [session(number) for number in range(900)], 500
    wrong = opened(("first: 1, total: data.total}\n      reply: &reply", "first: 2}\n      reply: &reply"))
    (finding,) = (each for each in contract.of_source(wrong, loader.reference()) if each.rule == "分页")
    assert (finding.held, "页码从 0 还是从 1 数起" in finding.sentence) == (False, True)


def test_a_service_without_pages_is_asked_once(his: RestHis, opened: Open) -> None:
    his.most = 500
    plain = opened(("{by: page, first: 1, total: data.total}\n      reply: &reply", "{by: none}\n      reply: &reply"))
    (finding, *_) = contract.of_source(plain, loader.reference())
    assert (finding.held, finding.sentence) == (True, "服务不翻页，一次给全，读到 10 行")
    assert sum("updatedFrom" in each.query for each in his.asked) == 1
