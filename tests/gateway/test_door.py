"""The console's door: who gets in, who does not, for how long, and what another site cannot do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy import select
from structlog.testing import capture_logs
from support.delivery import Clock
from support.webconsole import PASSWORD, Browser, Site, hospital, password_hash, present, site

from gateway import login, passwords
from gateway.errors import StoreError
from gateway.http.console import guard
from gateway.http.console.pages import pages
from gateway.maintenance import upkeep
from gateway.operators import PLACE_LENGTH, Access
from gateway.roles import Permission, roles
from gateway.store.engine import reading
from gateway.store.tables import session
from jobs.listening import Server

_STRANGERS = (("somebody", "10.0.0.1"), ("nobody", "10.0.0.2"))
#: what may be had without a login
OPEN = {"console.login", "console.enter", "console.static"}
FORBIDDEN = "不能做这件事"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hospital(tmp_path_factory.mktemp("console") / "district", days=1)


@pytest.fixture
def clock() -> Clock:
    return present()


@pytest.fixture
def here(template: Path, tmp_path: Path, clock: Clock) -> Iterator[Site]:
    with site(template, tmp_path, clock) as found:
        yield found


def addresses(here: Site) -> list[tuple[str, str, str]]:
    """(endpoint, path, method) of everything that is answered."""
    return [
        (rule.endpoint, re.sub(r"<[^>]+>", "x", rule.rule), method)
        for rule in here.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]


def test_no_address_is_answered_without_a_login(here: Site) -> None:
    here.add("somebody")
    checked = [each for each in addresses(here) if each[0] not in OPEN]
    assert len(checked) > 10
    for endpoint, path, method in checked:
        visitor = here.browser()
        visitor.get("/login")
        answer = visitor.get(path) if method == "GET" else visitor.post(path)
        assert (endpoint, answer.status_code) == (endpoint, 303)
        assert answer.location.startswith("/login")


@pytest.mark.parametrize("role", sorted(roles()))
def test_each_role_may_do_what_its_line_in_the_data_says_and_nothing_else(here: Site, role: str) -> None:
    browser = here.logged_in(role, "血透室" if roles()[role].confined else "")
    needs = {f"console.{each.name}": each.needs for each in pages(here.desk)}
    seen = {True: 0, False: 0}
    for endpoint, path, method in addresses(here):
        need = needs.get(endpoint)
        if need is None:
            continue
        answer = browser.get(path) if method == "GET" else browser.post(path)
        may = need in roles()[role].may
        assert (endpoint, FORBIDDEN in answer.text) == (endpoint, not may)
        assert may or answer.status_code == 403
        seen[may] += 1
    assert seen[False] or role == "admin"
    assert seen[True]


def test_the_roles_are_those_that_the_manual_promises() -> None:
    may = {code: role.may for code, role in roles().items()}
    assert set(may) == {"admin", "it", "department", "viewer"}
    assert may["viewer"] == {Permission.FIGURES}
    assert may["department"] == {Permission.TASKS, Permission.NOTE}
    assert may["admin"] - may["it"] == {Permission.RELEASE, Permission.USERS}


def test_a_form_without_the_token_of_its_session_changes_nothing(here: Site) -> None:
    browser, other = here.logged_in("admin"), here.logged_in("it")
    name = here.add("somebody")
    tokens = {"none": "", "made up": "0" * 64, "another's": other.csrf()}
    for kind, token in tokens.items():
        answer = browser.send("/users/disable", {"csrf": token, "name": name})
        assert (kind, answer.status_code) == (kind, 419)
        assert "页面已过期" in answer.text
    foreign = browser.send("/users/disable", {"csrf": browser.csrf(), "name": name}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 419
    assert not here.gateway.store.people.operator(name).disabled
    assert browser.post("/users/disable", name=name).status_code == 303
    assert here.gateway.store.people.operator(name).disabled


def test_nobody_can_be_logged_in_by_another_site(here: Site) -> None:
    name = here.add("somebody")
    stranger, victim = here.browser(), here.browser()
    stranger.get("/login")
    assert victim.send("/login", {"name": name, "password": PASSWORD}).status_code == 419
    victim.get("/login")
    stolen = victim.send("/login", {"name": name, "password": PASSWORD, "csrf": stranger.csrf()})
    assert stolen.status_code == 419
    assert "gateway-session" not in victim.cookies()


def test_five_wrong_passwords_lock_the_name_for_longer_and_longer(here: Site) -> None:
    name, browser = here.add("somebody"), here.browser()
    for _ in range(4):
        assert browser.enter(name, "wrong-password").status_code == 401
    assert "用户名或密码不对" in browser.text
    for minutes in (1, 2, 4, 8, 15, 15):
        assert browser.enter(name, "wrong-password").status_code == 401
        locked = browser.enter(name)
        assert locked.status_code == 429
        assert f"请 {minutes} 分钟后再试" in locked.text
        here.clock.move(60 * minutes - 1)
        assert browser.enter(name).status_code == 429
        here.clock.move(1)
    assert browser.enter(name).status_code == 303


def alert(browser: Browser, name: str) -> tuple[int, str]:
    """How a wrong password is answered."""
    answer = browser.enter(name, "wrong-password")
    return answer.status_code, "".join(re.findall('role="alert">(.*?)<', answer.text))


def test_a_name_that_nobody_has_is_locked_like_one_that_somebody_has(here: Site) -> None:
    here.add("somebody")
    told = {name: [alert(here.browser(address, tls=True), name) for _ in range(6)] for name, address in _STRANGERS}
    assert told["somebody"] == told["nobody"]
    assert told["nobody"][-1][0] == 429


def test_an_unknown_name_takes_as_long_as_a_known_one(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    check = passwords.check_password_hash
    monkeypatch.setattr(passwords, "check_password_hash", lambda kept, given: hashed.append(kept) or check(kept, given))
    here.add("somebody")
    here.gateway.store.people.set_password("somebody", passwords.hashed(PASSWORD), must_change=False)
    for name in ("somebody", "nobody", "Not A Name"):
        assert here.browser().enter(name, "wrong-password").status_code == 401
    assert len(hashed) == 3
    assert {kept.split("$")[0] for kept in hashed} == {hashed[0].split("$")[0]}


def test_one_address_cannot_try_name_after_name(here: Site) -> None:
    name, browser = here.add("somebody"), here.browser()
    for number in range(20):
        assert browser.enter(f"guess{number}", "wrong-password").status_code == 401
    assert browser.enter(name).status_code == 429
    assert here.browser("10.0.0.7", tls=True).enter(name).status_code == 303, "from elsewhere the name is free"


def test_the_slips_of_a_wards_computer_are_forgiven_one_by_one(here: Site) -> None:
    name, browser = here.add("somebody"), here.browser()
    for number in range(30):  # one a day for a month: no two of them are a day apart
        assert browser.enter(f"slip{number}", "wrong-password").status_code == 401
        assert browser.enter(name).status_code == 303, "nobody else there waits for it"
        browser.client.delete_cookie("gateway-session")
        here.clock.move(23 * 3600)


def test_who_is_locked_out_and_tries_on_fills_no_log(here: Site) -> None:
    started, browser = here.clock(), here.browser()
    with capture_logs() as said:
        for _ in range(60):
            browser.enter("somebody", "wrong-password")
    written = here.gateway.store.people.accesses(started, started + timedelta(days=1))
    assert [each.outcome for each in reversed(written)] == [401] * 5 + [429]
    assert len([each for each in said if each["event"] == "access"]) == 6
    here.clock.move(59)
    assert browser.enter("somebody", "wrong-password").status_code == 429
    here.clock.move(1)
    assert browser.enter("somebody", "wrong-password").status_code == 401, "and a try after the wait is written down as ever"


def test_a_login_gives_a_new_session_whatever_the_browser_brought(here: Site) -> None:
    name, browser = here.add("somebody"), here.browser()
    browser.client.set_cookie("gateway-session", "planted", domain="127.0.0.1")
    browser.enter(name)
    first = browser.cookies()["gateway-session"]
    assert first != "planted"
    assert login.digest("planted") not in sessions(here)
    browser.get("/logout")
    again = here.browser()
    again.client.set_cookie("gateway-session", first, domain="127.0.0.1")
    again.get("/password")
    assert again.post("/logout").status_code == 303
    assert sessions(here) == set()
    assert browser.get("/").status_code == 303, "the session is gone on the server"


def sessions(here: Site) -> set[str]:
    with reading(here.gateway.store._engine) as connection:
        return set(connection.execute(select(session.c.digest)).scalars())


def test_the_store_knows_no_token_and_no_password(here: Site) -> None:
    browser = here.logged_in("admin")
    token = browser.cookies()["gateway-session"]
    here.gateway.store.close()
    place = Path(here.gateway.config.store_url.removeprefix("sqlite:///"))
    kept = b"".join(each.read_bytes() for each in place.parent.glob("gateway.db*"))
    assert login.digest(token).encode() in kept
    assert token.encode() not in kept
    assert PASSWORD.encode() not in kept


def test_a_session_ends_when_nothing_is_done_and_when_it_has_lasted_long_enough(here: Site) -> None:
    browser = here.logged_in("viewer")
    for _ in range(23):
        here.clock.move(29 * 60)
        assert browser.get("/").status_code == 200
    here.clock.move(30 * 60)
    assert browser.get("/").status_code == 303, "half an hour without a click"
    browser = here.logged_in("viewer")
    for _ in range(24):
        here.clock.move(29 * 60)
        browser.get("/")
    here.clock.move(25 * 60)
    assert browser.get("/").status_code == 303, "twelve hours, whatever is clicked"


def test_a_page_that_refreshes_itself_keeps_nobody_logged_in(here: Site) -> None:
    browser = here.logged_in("viewer")
    for _ in range(30):
        here.clock.move(59)
        assert browser.get("/?refresh=1").status_code == 200
    here.clock.move(59)
    assert browser.get("/?refresh=1").status_code == 303


def test_how_long_a_session_lasts_is_the_sites_to_say(template: Path, tmp_path: Path, clock: Clock) -> None:
    with site(template, tmp_path, clock, '{"idle_minutes": 5, "session_hours": 1}') as here:
        browser = here.logged_in("viewer")
        clock.move(5 * 60)
        assert browser.get("/").status_code == 303


def test_all_sessions_of_an_account_end_with_its_password_its_role_or_the_account(here: Site) -> None:
    people = here.gateway.store.people
    changes = {
        "password": lambda name: people.set_password(name, password_hash(), must_change=False),
        "role": lambda name: people.set_role(name, "it", ""),
        "account": lambda name: people.set_disabled(name, True),
    }
    for what, change in changes.items():
        name = here.add(f"of-{what}")
        two = [here.browser(), here.browser()]
        assert [each.enter(name).status_code for each in two] == [303, 303]
        change(name)
        assert (what, [each.get("/").status_code for each in two]) == (what, [303, 303])
    assert here.browser().enter("of-account").status_code == 401


def test_a_password_that_somebody_else_chose_is_changed_first(here: Site) -> None:
    name, browser = here.add("somebody", must_change=True), here.browser()
    assert browser.enter(name).status_code == 303
    for path in ("/", "/queue", "/users"):
        assert browser.get(path).location == "/password"
    browser.get("/password")
    assert "现在的密码是别人设的" in browser.text
    tries = {
        ("wrong-password", "staple-of-my-own", "staple-of-my-own"): "原来的密码不对",
        (PASSWORD, "staple-of-my-own", "another-of-my-own"): "两次输入的新密码不一样",
        (PASSWORD, "short", "short"): "密码须为 10 至 128 个字符",
        (PASSWORD, "somebody-is-here", "somebody-is-here"): "密码里不能有用户名",
        (PASSWORD, PASSWORD, PASSWORD): "新密码不能与原来的一样",
    }
    for (old, new, again), told in tries.items():
        answer = browser.post("/password", old=old, new=new, again=again)
        assert (answer.status_code, told in answer.text) == (400, True), told
    assert browser.post("/password", old=PASSWORD, new="staple-of-my-own", again="staple-of-my-own").status_code == 303
    assert browser.get("/").status_code == 303, "log in again"
    assert browser.enter(name).status_code == 401
    assert browser.enter(name, "staple-of-my-own").status_code == 303
    assert browser.get("/").status_code == 200


def test_whoever_logs_in_is_led_to_a_page_of_ours_only(here: Site) -> None:
    name = here.add("somebody")
    assert here.browser().enter(name, next="queue").location == "/queue"
    for elsewhere in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "logout",
        "release",
        "/queue",
        "javascript:alert(1)",
    ):
        assert here.browser().enter(name, next=elsewhere).location == "/", elsewhere


def test_the_cookie_is_for_nobody_but_this_host_and_no_script(here: Site) -> None:
    name = here.add("somebody")
    for tls, cookie in ((False, "gateway-session"), (True, "__Host-gateway-session")):
        browser = here.browser(tls=tls)
        answer = browser.enter(name)
        (kept,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith(f"{cookie}=")]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(kept.split("; "))
        assert ("Secure" in kept.split("; ")) is tls
        assert "Domain" not in kept
        assert "Expires" not in kept


def test_over_plain_http_from_another_machine_there_is_no_page_unless_the_site_says_so(
    here: Site, template: Path, tmp_path: Path, clock: Clock
) -> None:
    assert "https://" in here.browser("10.0.0.9").get("/login").text
    assert here.browser("10.0.0.9").get("/login").status_code == 403
    assert here.browser("10.0.0.9", tls=True).get("/login").status_code == 200
    assert here.browser("::1").get("/login").status_code == 200
    (tmp_path / "allowed").mkdir()
    with site(template, tmp_path / "allowed", clock, '{"allow_plain_http": true}') as allowed:
        assert allowed.browser("10.0.0.9").get("/login").status_code == 200


def test_every_page_forbids_scripts_frames_sniffing_and_keeping(here: Site) -> None:
    browser = here.logged_in("admin")
    for path in ("/", "/login", "/queue", "/where", "/users", "/nowhere", "/static/console.css"):
        headers = browser.get(path, headers={"Accept": "text/html"}).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'"), path
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert path.startswith("/static") or headers["Cache-Control"] == "no-store"


def test_pages_bring_no_script_no_style_of_their_own_and_nothing_from_elsewhere(here: Site) -> None:
    browser = here.logged_in("admin")
    for each in pages(here.desk):
        if each.method == "GET":
            text = browser.get(each.rule).text
            assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", text), each.name
            assert not re.search(r"(?:src|href|action)=[\"']?(?:https?:)?//", text), each.name


def test_who_is_not_there_yet_is_told_how_the_first_account_is_made(here: Site) -> None:
    assert "user add 用户名 --role admin" in here.browser().get("/login").text
    here.add("somebody")
    assert "user add" not in here.browser().get("/login").text


def test_errors_are_one_chinese_sentence_with_the_right_status(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = here.logged_in("admin")
    page, program = {"Accept": "text/html"}, {"Accept": "application/json"}
    assert browser.get("/nowhere", headers=page).status_code == 404
    assert "没有这个地址" in browser.get("/nowhere", headers=page).text
    assert browser.get("/nowhere", headers=program).json == {"err_msg": "没有这个地址"}
    assert browser.get("/api/nowhere", headers=page).mimetype == "application/json"
    assert browser.send("/users", {"csrf": browser.csrf()}, headers=page).status_code == 405

    def broken() -> None:
        raise RuntimeError("张三 110101199003070011")

    monkeypatch.setattr(here.desk, "outlook", broken)
    with capture_logs() as lines:
        failed = browser.get("/", headers=page)
    assert failed.status_code == 500
    assert "网关内部错误" in failed.text
    assert "Traceback" not in failed.text
    assert "张三" not in failed.text + str(lines)

    def away() -> None:
        raise StoreError("本地库写不进去：磁盘已满")

    monkeypatch.setattr(here.desk, "outlook", away)
    answer = browser.get("/", headers=page)
    assert (answer.status_code, "磁盘已满" in answer.text) == (503, True)


def test_what_cannot_be_written_down_is_not_shown(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = here.logged_in("admin")

    def full(*_: object) -> None:
        raise StoreError("本地库写不进去：磁盘已满")

    monkeypatch.setattr(here.gateway.store.people, "note_access", full)
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "访问记录写不进去" in answer.text
    assert "每一行在哪里" not in answer.text


def test_what_is_seen_and_done_is_in_the_access_log_and_logins_that_failed(here: Site) -> None:
    started = here.clock()
    name, browser = here.add("somebody"), here.browser()
    with capture_logs() as lines:
        browser.enter(name, "wrong-password")
        browser.enter("Not A Name", "wrong-password")
        browser.enter(name)
        browser.get("/queue")
        browser.get("/?refresh=1")
        browser.post("/queue", target="bureau")
    found = here.gateway.store.people.accesses(started, started + timedelta(days=1))
    told = [(each.operator, each.action, each.outcome) for each in reversed(found)]
    assert told == [
        ("somebody", "enter", 401),
        ("?", "enter", 401),
        ("somebody", "enter", 303),
        ("somebody", "password", 200),
        ("somebody", "queue", 200),
        ("somebody", "resume", 303),
    ]
    assert {each.address for each in found} == {"127.0.0.1"}
    assert [(each["operator"], each["action"]) for each in lines if each["event"] == "access"] == [row[:2] for row in told]
    assert here.sent == [True]
    admin = here.logged_in("admin")
    page = admin.get("/access").text
    assert "立即再试" in page
    assert "密码不对" in page


def test_nobody_stops_the_own_account_and_a_stopped_one_is_let_in_again(here: Site) -> None:
    browser = here.logged_in("admin")
    name = here.add("somebody")
    own = here.gateway.store.people.operators()[0].name
    assert browser.post("/users/disable", name=own).status_code == 400
    assert browser.post("/users/disable", name="nobody").status_code == 400
    assert browser.post("/users/disable", name=name).status_code == 303
    assert here.browser().enter(name).status_code == 401
    assert browser.post("/users/enable", name=name).status_code == 303
    assert here.browser().enter(name).status_code == 303


def test_an_administrator_unlocks_a_name(here: Site) -> None:
    name, guesser = here.add("somebody"), here.browser()
    for _ in range(5):
        guesser.enter(name, "wrong-password")
    assert guesser.enter(name).status_code == 429
    admin = here.logged_in("admin")
    assert "锁到" in admin.get("/users").text
    assert admin.post("/users/unlock", name=name).status_code == 303
    assert guesser.enter(name).status_code == 303


def test_the_log_keeps_many_rows_in_few_lines_and_loses_none() -> None:
    rows = [("his", dataset, f"{number:030d}") for dataset in ("HD01", "HD03") for number in range(50)]
    lines = list(guard._written([*rows, ("pos", "3505", "x" * 400), ("pos", "3505", "y" * 400)]))
    assert len(lines) < 10
    assert all(len(line) <= PLACE_LENGTH for line in lines)
    kept = [(*line.split(" ", 2)[:2], ref) for line in lines for ref in line.split(" ", 2)[2].split("、")]
    assert sorted(kept) == sorted([*rows, ("pos", "3505", "x" * 400), ("pos", "3505", "y" * 400)])


def test_behind_the_sites_own_proxy_a_login_is_over_tls_and_from_where_the_browser_is(here: Site) -> None:
    name, started = here.add("somebody"), here.clock()
    over = {"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Proto": "https"}
    with Server(here.app, "127.0.0.1", 0, body_limit=1 << 20, proxy="127.0.0.1") as server:
        plain = requests.get(f"{server.url}/login", headers={**over, "X-Forwarded-Proto": "http"}, timeout=30)
        assert (plain.status_code, "https://" in plain.text) == (403, True)
        page = requests.get(f"{server.url}/login", headers=over, timeout=30)
        (visitor,) = page.headers["Set-Cookie"].split("; ")[:1]
        assert visitor.startswith("__Host-")
        token = re.findall(r'name="csrf" value="(\w+)"', page.text)[0]
        form = {"csrf": token, "name": name, "password": PASSWORD}
        headers = {**over, "Cookie": visitor}
        answer = requests.post(f"{server.url}/login", data=form, headers=headers, timeout=30, allow_redirects=False)
    assert answer.status_code == 303
    assert "__Host-gateway-session=" in answer.headers["Set-Cookie"]
    assert "Secure" in answer.headers["Set-Cookie"]
    (line,) = here.gateway.store.people.accesses(started, started + timedelta(days=1))
    assert (line.operator, line.address) == (name, "10.1.2.3")


def test_the_daily_upkeep_forgets_what_was_kept_long_enough(here: Site) -> None:
    people, now = here.gateway.store.people, here.clock()
    for days in (179, 181):
        people.note_access(Access(now - timedelta(days=days), "somebody", "127.0.0.1", "today", 200))
    for job in upkeep(here.gateway):
        job.do()
    kept = people.accesses(now - timedelta(days=999), now)
    assert [now - each.at for each in kept] == [timedelta(days=179)]
