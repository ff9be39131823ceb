"""`gateway user …` as it is typed: no password on the command line, in the output or in a log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway import config as configuration
from gateway.login import Limits, Login
from gateway.main import cli, now
from gateway.operators import Access
from gateway.wiring import opened

PASSWORD = "correct-horse-battery"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "token").write_text("synthetic\n", encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(
        """
store: {url: "sqlite:///gateway.db"}
institutions: [{code: "H99000100001", name: 测试医院, admvs: "990001"}]
targets: {bureau: {url: "https://10.0.0.1/api", credentials: {"H99000100001": {paasid: "x", token: {file: token}}}}}
sources: [{name: his, profile: his/demo_his, url: "sqlite:///his.db", institution: "H99000100001", datasets: ["HD03"]}]
console: {}
""",
        encoding="utf-8",
    )

    def typed(*words: str, keys: str = "") -> Result:
        return CliRunner().invoke(cli, ["--config", str(config), *words], input=keys or None)

    return typed


def test_the_first_account_is_made_with_a_password_that_is_typed_twice_and_not_seen(run: Run, tmp_path: Path) -> None:
    assert "还没有用户" in run("user", "list").output
    made = run("user", "add", "zhang", "--role", "admin", keys=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    assert PASSWORD not in made.output
    assert "zhang：管理员，没有登录过，下次登录须改密码" in run("user", "list").output
    with opened(configuration.load(tmp_path / "config.yaml"), now) as gateway:
        settings = gateway.config.console
        assert settings
        login = Login(gateway.store.people, Limits(settings.idle, settings.longest), now)
        assert login.whose(login.enter("zhang", PASSWORD, "127.0.0.1"))
    assert "最近登录" in run("user", "list").output


@pytest.mark.parametrize(
    ("words", "keys", "code", "told"),
    [
        (("add", "zhang", "--role", "it"), f"{PASSWORD}\nsomething-else\n", 1, "两次输入的不一样"),
        (("add", "zhang", "--role", "it"), "short\nshort\n", 1, "密码须为 10 至 128 个字符"),
        (("add", "Zhang", "--role", "it"), "", 1, "用户名须为"),
        (("add", "zhang", "--role", "department"), "", 1, "要写明是哪个科室"),
        (("add", "zhang", "--role", "boss"), "", 2, "--role 的值不能用：boss"),
        (("role", "nobody", "it"), "", 1, "没有用户 nobody"),
        (("password", "nobody"), "", 1, "没有用户 nobody"),
        (("unlock", "nobody"), "", 1, "没有用户 nobody"),
        (("disable", "nobody"), "", 1, "没有用户 nobody"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run: Run, words: tuple[str, ...], keys: str, code: int, told: str) -> None:
    found = run("user", *words, keys=keys)
    assert (found.exit_code, told in found.output) == (code, True), found.output
    assert "Traceback" not in found.output
    assert "还没有用户" in run("user", "list").output


def test_a_password_may_be_made_and_handed_over_in_a_file(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "password.txt"
    made = run("user", "add", "zhang", "--role", "department", "--department", "血透室", "--generate", str(place))
    assert made.exit_code == 0, made.output
    password = place.read_text(encoding="utf-8").strip()
    assert len(password) == 16
    assert password not in made.output
    again = run("user", "password", "zhang", "--generate", str(place))
    assert (again.exit_code, "已经存在" in again.output) == (1, True)
    assert run("user", "password", "zhang", "--generate", str(tmp_path / "other.txt")).exit_code == 0
    assert (tmp_path / "other.txt").read_text(encoding="utf-8").strip() != password


def test_an_account_changes_and_stops_and_its_doings_are_listed(run: Run, tmp_path: Path) -> None:
    run("user", "add", "zhang", "--role", "it", keys=f"{PASSWORD}\n{PASSWORD}\n")
    assert "已改为 科室" in run("user", "role", "zhang", "department", "--department", "血透室").output
    assert "zhang：科室 血透室" in run("user", "list").output
    assert "已停用" in run("user", "disable", "zhang").output
    assert "已停用" in run("user", "list").output
    assert "已启用" in run("user", "enable", "zhang").output
    assert "已解锁" in run("user", "unlock", "zhang").output
    assert "没有访问记录" in run("user", "access", "--from", "2026-01-01").output
    assert "已有用户" in run("user", "add", "zhang", "--role", "it", keys=f"{PASSWORD}\n{PASSWORD}\n").output


def test_the_access_log_says_no_number_of_a_person_even_where_a_site_made_its_rows_of_them(run: Run, tmp_path: Path) -> None:
    with opened(configuration.load(tmp_path / "config.yaml"), now) as gateway:
        gateway.store.people.note_access(Access(now(), "zhang", "127.0.0.1", "task", 200, "his HD03 990000199001010015"))
    told = run("user", "access", "--from", f"{now():%Y-%m-%d}").output
    assert "zhang 127.0.0.1 task 200 his HD03 ***" in told
