"""What the console's pages say of a hospital, and what they never say."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.delivery import Clock
from support.webconsole import HOSPITAL, Browser, Site, hospital, present, site

from compliance import config as bureau_config
from compliance import serving as bureau_serving
from gateway import mending, stating
from gateway.breaker import Report, Signal
from gateway.hindrance import Hindrance, Place, Subject
from gateway.http.console import desk
from gateway.model import Brake, BrakeKind
from gateway.outbox import State
from gateway.standing import Route
from gateway.worklist import TaskFilter

EVIL = "<script>alert('血透')</script>"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hospital(tmp_path_factory.mktemp("pages") / "district")


@pytest.fixture
def clock() -> Clock:
    return present()


@pytest.fixture
def here(template: Path, tmp_path: Path, clock: Clock) -> Iterator[Site]:
    with site(template, tmp_path, clock) as found:
        yield found


def local(here: Site, statement: str) -> None:
    """Something happens at the hospital."""
    place = Path(str(here.gateway.config.sources[0].url.database))
    with closing(sqlite3.connect(place)) as connection:
        connection.execute(statement)
        connection.commit()


def local_rows(here: Site, statement: str) -> list[tuple[str, ...]]:
    place = Path(str(here.gateway.config.sources[0].url.database))
    with closing(sqlite3.connect(place)) as connection:
        return [tuple(map(str, row)) for row in connection.execute(statement)]


def text_of(page: str) -> str:
    """What a person reads, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_a_quiet_day_is_told_as_one_and_every_row_is_accounted_for(here: Site) -> None:
    told = text_of(here.logged_in("viewer").get("/").text)
    assert "没有要处理的事" in told
    for each in here.gateway.store.standings(here.gateway.routes):
        assert f"{each.route.dataset} {here.gateway.edition.datasets[each.route.dataset].name} {each.read} " in told
    assert "不平" not in told.replace("对不上就写“不平”", "")


def test_what_is_wrong_stands_first_with_what_to_do(here: Site) -> None:
    store, now = here.gateway.store, here.clock()
    for _ in range(3):
        store.note("bureau", "", Report(Signal.UNREACHABLE, "平台连不上：拒绝连接"), now)
    store.engage(Brake("his", "HD03", BrakeKind.VOID, "37 行报送过的数据在本地查不到了", now))
    store.interrupted(Place(Subject.SOURCE, "his", "HD02"), Hindrance.UNREADABLE, "来源 his 的 HD02：数据库连不上", now)
    told = text_of(here.logged_in("viewer").get("/").text)
    assert "有 3 件事要马上处理" in told
    for words in ("熔断", "平台连不上：拒绝连接", "刹车", "37 行报送过的数据在本地查不到了", "来源读不到", "数据库连不上"):
        assert words in told
    assert told.count("怎么办：") == 3


def test_a_row_that_is_late_at_the_platform_is_told(here: Site) -> None:
    local(here, "UPDATE dialysis_schedule SET bed = 'B99'")
    for feed in here.gateway.feeds:
        here.gateway.read(feed, from_start=True)
    assert here.gateway.store.queue("bureau").waiting
    assert "已逾期" in text_of(here.logged_in("viewer").get("/").text)


def test_a_brake_is_released_by_who_may_and_says_to_have_looked(here: Site) -> None:
    brake = Brake("his", "HD03", BrakeKind.VOID, "37 行报送过的数据在本地查不到了", here.clock())
    here.gateway.store.engage(brake)
    assert "放行</button>" not in here.logged_in("it").get("/").text
    browser = here.logged_in("admin")
    assert "放行</button>" in browser.get("/").text
    refused = browser.post("/brakes", source="his", dataset="HD03")
    assert (refused.status_code, "先到 HIS 里核实" in refused.text) == (400, True)
    assert here.gateway.store.brakes()
    seen = {"source": "his", "dataset": "HD03", "kind": "void", "said": brake.sentence}
    for name, value in seen.items():
        assert f'name="{name}" value="{value}"' in browser.text
    done = browser.post("/brakes", **seen, verified="yes")
    assert here.gateway.store.brakes() == []
    assert "已放行" in browser.get(done.location).text
    again = browser.post("/brakes", **seen, verified="yes")
    assert "没有停下来的事" in browser.get(again.location).text


def test_what_a_person_has_not_seen_is_not_let_go(here: Site) -> None:
    """37 rows were looked at; by the time the button is pressed they are 3000, and the database is another one."""
    store, now = here.gateway.store, here.clock()
    store.engage(Brake("his", "HD03", BrakeKind.VOID, "37 行报送过的数据在本地查不到了", now))
    browser = here.logged_in("admin")
    browser.get("/")
    seen = {"source": "his", "dataset": "HD03", "kind": "void", "said": "37 行报送过的数据在本地查不到了", "verified": "yes"}
    store.engage(Brake("his", "HD03", BrakeKind.VOID, "3000 行报送过的数据在本地查不到了", now))
    store.engage(Brake("his", "HD03", BrakeKind.SOURCE, "数据库不是原来那一个", now))
    refused = browser.post("/brakes", **seen)
    assert (refused.status_code, "又变了，没有放行" in refused.text, "3000 行" in refused.text) == (409, True, True)
    assert len(store.brakes()) == 2
    assert browser.post("/brakes", **seen | {"said": "3000 行报送过的数据在本地查不到了"}).status_code == 303
    assert [each.kind for each in store.brakes()] == [BrakeKind.SOURCE], "and that is another matter"


def test_the_queue_tells_what_waits_and_a_person_ends_the_wait(here: Site) -> None:
    store, now = here.gateway.store, here.clock()
    for _ in range(3):
        store.note("bureau", "", Report(Signal.UNREACHABLE, "平台连不上：拒绝连接"), now)
    assert [each.institution for each in store.tripped("bureau")] == [""]
    viewer, browser = here.logged_in("viewer"), here.logged_in("it")
    told = text_of(viewer.get("/queue").text)
    assert "暂停报送（整个平台）：上次：平台连不上：拒绝连接" in told
    assert "立即再试</button>" not in viewer.text
    assert browser.post("/queue", target="nowhere").status_code == 400
    done = browser.post("/queue", target="bureau")
    assert store.tripped("bureau") == []
    assert "已解除暂停" in browser.get(done.location).text
    assert here.sent == [True], "and what waited is sent at once"


def test_a_row_is_found_by_a_posted_number_which_no_address_and_no_log_holds(here: Site) -> None:
    started = here.clock()
    ((ref, document),) = local_rows(here, "SELECT id, session_no FROM dialysis_session LIMIT 1")
    browser = here.logged_in("it")
    with capture_logs() as lines:
        browser.get("/where")
        found = browser.post("/where", number=document, dataset="")
    assert found.status_code == 200
    told = text_of(found.text)
    assert f"本地行号 {ref}" in told
    assert "平台 bureau 已收第 1 版" in told
    assert document not in str(lines)
    logged = [each for each in here.gateway.store.people.accesses(started, started + timedelta(days=1)) if each.place]
    assert [(each.action, each.place) for each in logged] == [("found", f"his HD03 {ref}")]


def test_a_number_that_nothing_has_is_told_so(here: Site) -> None:
    browser = here.logged_in("it")
    browser.get("/where")
    nothing = browser.post("/where", number="NO-SUCH-NUMBER", dataset="")
    assert (nothing.status_code, "没有读到过这个号码的行" in nothing.text) == (404, True)
    assert browser.post("/where", number="", dataset="").status_code == 400
    assert browser.post("/where", number="x" * 401, dataset="").status_code == 400


@pytest.mark.parametrize("path", ["/where", "/login"])
def test_what_is_typed_is_shown_as_text(here: Site, path: str) -> None:
    browser = here.logged_in("it") if path == "/where" else here.browser()
    browser.get(path)
    answer = browser.post(path, number=EVIL, name=EVIL, password="x", next=EVIL)
    assert answer.status_code >= 400
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_a_local_value_and_a_platforms_sentence_are_shown_as_text(here: Site) -> None:
    store, now = here.gateway.store, here.clock()
    for _ in range(3):
        store.note("bureau", "", Report(Signal.UNREACHABLE, f"平台说 {EVIL}"), now)
    store.engage(Brake(EVIL, "HD03", BrakeKind.VOID, EVIL, now))
    browser = here.logged_in("admin")
    for path in ("/", "/queue"):
        text = browser.get(path).text
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_no_page_and_no_log_names_a_person(here: Site) -> None:
    """The demo's patients have names and numbers; the pages say where rows are, not whose they are."""
    patients, staff = "SELECT full_name, card_no, insured_no FROM patient", "SELECT staff_name, national_no FROM staff"
    persons = {value for query in (patients, staff) for row in local_rows(here, query) for value in row if value != "None"}
    assert persons
    browser = here.logged_in("admin")
    started = here.clock()
    seen: list[str] = []
    with capture_logs() as lines:
        for path in ("/", "/queue", "/declarations", "/users", "/access", "/tasks", "/where"):
            seen.append(browser.get(path).text)
        for (document,) in local_rows(here, "SELECT session_no FROM dialysis_session LIMIT 5"):
            seen.append(browser.post("/where", number=document, dataset="").text)
    kept = [str(each) for each in here.gateway.store.people.accesses(started, started + timedelta(days=1))]
    everything = "\n".join([*seen, *map(str, lines), *kept])
    assert {person for person in persons if person in everything} == set()


def test_a_state_stands_beside_its_word_and_every_figure_has_its_label(here: Site) -> None:
    """Colour alone says nothing to who cannot see it, nor on a print."""
    browser = here.logged_in("admin")
    for path in ("/", "/queue", "/users"):
        for tag in re.findall(r'<span class="tag[^"]*">(.*?)</span>', browser.get(path).text):
            assert tag.strip()
    cells = re.findall(r"<td (?:class=\"[^\"]*\" )?data-label=\"([^\"]*)\"", browser.get("/").text)
    assert {"读到", "已收", "待改正"} <= set(cells)


def test_the_figures_are_the_accounts_own(here: Site) -> None:
    (found,) = here.gateway.store.standings([Route("his", "HD03", "bureau")])
    told = text_of(here.logged_in("viewer").get("/").text)
    row = told[told.index("HD03") :]
    figures = [int(each) for each in re.findall(r"\d+", row[row.index("信息") :])[:2]]
    assert figures == [found.read, found.states[State.ACCEPTED]]


def mend(here: Site, ref: str, on_clock: str | None) -> None:
    """A session's beginning is put right, or taken away, at the hospital."""
    clock = "NULL" if on_clock is None else f"'{on_clock}'"
    local(here, f"UPDATE dialysis_session SET on_clock = {clock} WHERE id = {int(ref)}")


@pytest.fixture
def wrong(here: Site) -> tuple[str, str, str]:
    """(number, document, former beginning) of a session that has no beginning any more; the gateway has read that."""
    ((ref, document, began),) = local_rows(here, "SELECT id, session_no, on_clock FROM dialysis_session LIMIT 1")
    mend(here, ref, None)
    for feed in here.gateway.feeds:
        here.gateway.read(feed, from_start=True)
    return ref, document, began


def opened_task(browser: Browser, document: str) -> str:
    """The address of the task of a document, from the list."""
    text = browser.get("/tasks").text
    row = text[text.index(document) :]
    return unescape(re.findall(r'href="(/tasks/[^"]+)"', row)[0])


def test_a_task_says_what_to_mend_where_and_until_when_in_an_address_that_names_no_row(
    here: Site, wrong: tuple[str, str, str]
) -> None:
    ref, document, _ = wrong
    browser = here.logged_in("it")
    address = opened_task(browser, document)
    assert document not in address
    assert ref not in (part for part in address.split("/"))
    told = text_of(browser.get(address).text)
    for words in (document, "上机时间", "begn_time", "on_clock", "必填", "更正期限", "平台仍为旧值", f"本地行号 {ref}"):
        assert words in told
    started = here.clock()
    seen = here.gateway.store.people.accesses(started, started + timedelta(days=1))
    assert ("task", f"his HD03 {ref}") in [(each.action, each.place) for each in seen]
    (line,) = [each.place for each in seen if each.action == "tasks" and each.place.startswith("his HD03 ")]
    assert ref in line.removeprefix("his HD03 ").split("、"), "a list shows rows too"


def test_who_sees_to_a_task_and_what_is_said_of_it_are_kept(here: Site, wrong: tuple[str, str, str]) -> None:
    browser = here.logged_in("it")
    address = opened_task(browser, wrong[1])
    browser.get(address)
    done = browser.post(f"{address}/note", owner="护士长", note="已请当班补录")
    told = text_of(browser.get(done.location).text)
    assert "已保存" in told
    assert "护士长 已请当班补录" in told
    assert browser.post(f"{address}/note", owner="护士长", note="已请当班补录").location.endswith("done=unchanged")
    refused = browser.post(f"{address}/note", owner="护士长", note="患者 99000019900307001X")
    assert (refused.status_code, "不能有证件号" in refused.text) == (400, True)
    assert "99000019900307001X" not in browser.get(address).text
    filtered = browser.post("/tasks", owner="护士长")
    assert "护士长" not in unescape(filtered.location)
    assert "待办：1 行" in text_of(browser.get(filtered.location).text)
    assert "没有符合条件的待办" in browser.get(browser.post("/tasks", owner="别人").location).text


def test_a_task_that_was_mended_is_tried_at_once_and_one_that_was_not_says_so(here: Site, wrong: tuple[str, str, str]) -> None:
    ref, document, began = wrong
    browser = here.logged_in("it")
    address = opened_task(browser, document)
    browser.get(address)
    still = browser.post(f"{address}/replay")
    assert "仍然不合格" in browser.get(still.location).text
    mend(here, ref, began)
    done = browser.post(f"{address}/replay")
    told = text_of(browser.get(done.location).text)
    assert "这一行现在合格了" in told
    assert document not in told
    gone = browser.get(address, headers={"Accept": "text/html"})
    assert (gone.status_code, "已不在待办里" in gone.text) == (404, True)
    assert here.sent


def test_a_department_sees_its_own_tasks_and_no_others(here: Site, wrong: tuple[str, str, str]) -> None:
    everyone = here.logged_in("it")
    found = mending.tasks(here.gateway, TaskFilter(), 0, 500).tasks
    (department,) = {each.department for each in found if each.department}
    own, other = (next(each for each in found if bool(each.department) is here_) for here_ in (True, False))
    clerk = here.logged_in("department", department)
    text = clerk.get("/tasks").text
    assert own.document in text
    assert other.document not in text
    narrowed = clerk.get(clerk.post("/tasks", department="", dataset=other.row.dataset).location).text
    assert other.document not in narrowed
    foreign = opened_task(everyone, other.document)
    for answer in (clerk.get(foreign), clerk.post(f"{foreign}/note", note="我来看看")):
        assert answer.status_code == 404
    address = opened_task(clerk, own.document)
    clerk.get(address)
    assert clerk.post(f"{address}/note", note="已补录", owner="我").status_code == 303
    (written,) = mending.history(here.gateway, own.row)
    assert (written.note, written.owner, written.written_by) == ("已补录", "", "department1"), "who sees to it is not theirs to say"
    assert clerk.post(f"{address}/replay").status_code == 403
    assert clerk.get("/").status_code == 403


def first_day(here: Site) -> date:
    """The first business day of the demo's sessions."""
    ((day,),) = local_rows(here, "SELECT MIN(plan_date) FROM dialysis_schedule")
    return date.fromisoformat(day[:10])


def test_a_days_manifest_tells_its_figures_its_zero_and_how_far_it_has_come(here: Site) -> None:
    day = first_day(here)
    before = day - timedelta(days=2)
    browser = here.logged_in("viewer")
    assert "没有" in text_of(browser.get(f"/manifest?last={day}").text)
    (said,) = stating.state(here.gateway, "HD03", day)[1]
    (zero,) = stating.state(here.gateway, "HD03", before)[1]
    assert said.figures["read"] > 0
    assert zero.zero
    told = text_of(browser.get(f"/manifest?last={day}").text)
    assert f"{said.figures['read']} 未收" in told
    assert "零 未收" in told
    told = text_of(browser.get(f"/manifest/HD03/{day}").text)
    assert f"{said.figures['read']} 读到" in told
    assert said.digest in told
    assert "一行也没有" in text_of(browser.get(f"/manifest/HD03/{before}").text)
    assert "现在与平台对照" not in browser.text


def test_a_day_is_held_against_the_platform_when_a_person_asks(here: Site, template: Path) -> None:
    day = first_day(here)
    browser = here.logged_in("it")
    address = f"/manifest/HD03/{day}"
    browser.get(address)
    away = text_of(browser.post(address).text)
    assert "有不一致" in away
    assert "没有与平台对照" in away
    settings = bureau_config.load(template.parent / "bureau" / "compliance.yaml")
    with bureau_serving.Server(bureau_serving.build(settings), settings.host, settings.port):
        here.gateway.store.resume("bureau")
        here.gateway.send("bureau")
        browser.get(address)
        told = text_of(browser.post(address).text)
    (said,) = [each for each in here.gateway.store.statements("HD03", day) if each.institution == HOSPITAL][-1:]
    assert "平台已收 这份清单" in told
    assert told.count(said.digest) == 3, "of the manifest, of our books, of the platform"
    assert "相同" in told


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/manifest/HD99/2026-11-02", 404),
        ("/manifest/HD03/2026-13-02", 404),
        ("/manifest?institution=H99000199999", 404),
        ("/manifest?last=nonsense", 200),
        ("/manifest?last=9999-12-31", 200),
    ],
)
def test_what_is_no_day_no_data_set_and_no_institution_has_no_manifest(here: Site, path: str, status: int) -> None:
    assert here.logged_in("viewer").get(path).status_code == status


def test_a_day_that_is_not_over_is_not_held_against_anything(here: Site) -> None:
    browser = here.logged_in("it")
    today = here.clock().date()
    browser.get(f"/manifest/HD03/{today}")
    answer = browser.post(f"/manifest/HD03/{today}")
    assert (answer.status_code, "还没有过完" in answer.text) == (400, True)


@pytest.mark.parametrize("address", ["x", "AAAA", "ZmFrZQ", "-" * 200])
def test_an_address_of_a_row_that_was_not_made_here_leads_nowhere(here: Site, address: str) -> None:
    browser = here.logged_in("it")
    assert browser.get(f"/tasks/{address}").status_code == 404
    assert browser.get(f"/tasks?f={address}").status_code == 200
    assert browser.get("/tasks?page=-7").status_code == 200
    assert browser.get("/tasks?page=99999999999").status_code == 200


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1850-02-03", "no-day"])
@pytest.mark.parametrize("path", ["/access?day={}", "/manifest?last={}", "/manifest/HD03/{}"])
def test_a_day_out_of_all_calendars_is_no_fault_of_the_program(here: Site, path: str, day: str) -> None:
    answer = here.logged_in("admin").get(path.format(day))
    assert answer.status_code == (404 if "HD03" in path else 200)


def test_who_may_see_figures_only_sees_no_number_of_a_row(here: Site) -> None:
    before = first_day(here) - timedelta(days=1)
    _, (said,) = stating.state(here.gateway, "HD03", before)
    assert said.zero
    here.gateway.store.revoke(said, here.clock(), "后来有 1 行（最早 2026-11-24 08:00:00 读到）：来源 his 的 row-4711")
    assert "row-4711" in here.logged_in("it").get("/").text
    told = text_of(here.logged_in("viewer").get("/").text)
    assert "row-4711" not in told
    assert "撤销，后来读到了这一天的行" in told


def test_an_account_of_no_department_sees_the_tasks_of_none(here: Site, wrong: tuple[str, str, str]) -> None:
    answer = here.logged_in("department", "").get("/tasks")
    assert (answer.status_code, "请管理员运行 gateway user role" in answer.text) == (403, True)


def test_what_was_typed_is_there_again_when_it_cannot_be_kept_and_nothing_is_half_kept(
    here: Site, wrong: tuple[str, str, str]
) -> None:
    browser = here.logged_in("it")
    address = opened_task(browser, wrong[1])
    answer = browser.post(f"{address}/note", owner="护士站", note="已打电话 13800000000 问过，等医生签字")
    assert (answer.status_code, "不能有证件号" in answer.text) == (400, True)
    assert 'value="护士站"' in answer.text
    assert "等医生签字" in answer.text
    (task,) = mending.tasks(here.gateway, TaskFilter(word=wrong[1], dataset="HD03")).tasks
    assert (task.owner, task.note) == ("", "")


def test_a_page_of_tasks_that_is_no_more_leads_to_the_last_there_is(here: Site, wrong: tuple[str, str, str]) -> None:
    answer = here.logged_in("it").get("/tasks?page=700")
    assert answer.status_code == 200
    assert wrong[1] in answer.text


def test_while_the_figures_are_counted_the_others_see_those_of_before(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of millions takes seconds; eight people at the first page must not take every thread of the listener."""
    counting, counted = threading.Event(), threading.Event()
    told = here.desk.outlook()

    def slowly(*_: object) -> object:
        counting.set()
        assert counted.wait(20)
        return told

    monkeypatch.setattr(desk, "outlook", slowly)
    here.clock.move(60)
    first = threading.Thread(target=here.desk.outlook)
    first.start()
    try:
        assert counting.wait(20)
        assert here.desk.outlook() is told, "and nobody waits"
    finally:
        counted.set()
        first.join()


def test_figures_that_take_long_are_counted_less_often_and_what_a_person_did_is_seen_at_once(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[object] = []
    told, ticks = here.desk.outlook(), iter(range(0, 1000, 7))
    monkeypatch.setattr(desk, "outlook", lambda *_: counts.append(1) or replace(told, now=here.clock()))
    monkeypatch.setattr(desk.time, "monotonic", lambda: float(next(ticks)))
    here.clock.move(15)
    here.desk.outlook()
    here.clock.move(60)
    here.desk.outlook()
    assert len(counts) == 1, "seven seconds of counting are good for seventy"
    here.desk.changed()
    here.desk.outlook()
    assert len(counts) == 2


def test_a_deadline_is_told_in_days_of_the_calendar_and_never_as_midnight_of_the_next(
    here: Site, wrong: tuple[str, str, str]
) -> None:
    (task,) = mending.tasks(here.gateway, TaskFilter(word=wrong[1], dataset="HD03")).tasks
    assert task.last_day
    browser = here.logged_in("it")
    assert f"最迟 {task.last_day} 还剩 7 天" in text_of(browser.get("/tasks").text)
    for days, words in ((7, "今天到期"), (1, "已超期 1 天")):
        here.clock.move(days * 24 * 3600)
        told = text_of(here.logged_in("it").get("/tasks").text)
        assert f"最迟 {task.last_day} {words}" in told
        assert "还有 0 天" not in told


def test_back_from_a_task_leads_to_the_list_as_it_was(here: Site, wrong: tuple[str, str, str]) -> None:
    browser = here.logged_in("it")
    browser.get("/tasks")
    narrowed = browser.post("/tasks", dataset="HD03").location
    page = browser.get(narrowed).text
    (link,) = re.findall(r'href="(/tasks/[^"]+)"', page)
    assert f'href="{narrowed}"' in unescape(browser.get(unescape(link)).text)
