"""Accounts, sessions, failures and the access log in the store, on three databases; and what a password must be like."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from support.delivery import START, Clock

from gateway import operators, passwords
from gateway.errors import GatewayError
from gateway.lockout import Guarded, Lockout, after_failure
from gateway.login import Limits, Login, TurnedAwayError, digest, with_password
from gateway.operators import Access, Operator
from gateway.roles import roles
from gateway.store import Store

HOUR = timedelta(hours=1)
PASSWORD = "correct-horse-battery"


def test_an_account_is_kept_as_it_was_made_and_changed(store: Store) -> None:
    made = Operator("zhang", "department", "血透室", "hash", must_change=True)
    store.people.add_operator(made, START)
    (found,) = store.people.operators()
    assert (found.name, found.role, found.department, found.password, found.must_change) == (
        "zhang",
        "department",
        "血透室",
        "hash",
        True,
    )
    assert (found.created_at, found.seen_at, found.disabled) == (START, None, False)
    with pytest.raises(GatewayError, match="已有用户 zhang"):
        store.people.add_operator(made, START)
    store.people.set_role("zhang", "it", "")
    store.people.set_password("zhang", "other", must_change=False)
    store.people.set_disabled("zhang", True)
    found = store.people.operator("zhang")
    assert found
    assert (found.role, found.department, found.password, found.must_change, found.disabled) == ("it", "", "other", False, True)
    for change in (
        lambda: store.people.set_role("nobody", "it", ""),
        lambda: store.people.set_password("nobody", "x", must_change=True),
        lambda: store.people.set_disabled("nobody", True),
        lambda: store.people.unlock("nobody"),
    ):
        with pytest.raises(GatewayError, match="没有用户 nobody"):
            change()


def test_a_session_is_the_accounts_until_anything_of_the_account_changes(store: Store) -> None:
    store.people.add_operator(Operator("zhang", "it"), START)
    store.people.open_session("d" * 64, "zhang", START)
    store.people.touch_session("d" * 64, START + HOUR)
    found = store.people.session("d" * 64)
    assert found
    assert (found.operator.name, found.began_at, found.used_at) == ("zhang", START, START + HOUR)
    assert found.operator.seen_at == START
    assert store.people.session("e" * 64) is None
    store.people.set_role("zhang", "viewer", "")
    assert store.people.session("d" * 64) is None


def test_failures_are_kept_and_forgotten(store: Store) -> None:
    store.people.add_operator(Operator("zhang", "it"), START)
    assert store.people.lockout(Guarded.OPERATOR, "zhang") == Lockout()
    for kind, subject in ((Guarded.OPERATOR, "zhang"), (Guarded.OPERATOR, "nobody"), (Guarded.ADDRESS, "10.0.0.1")):
        store.people.note_lockout(kind, subject, Lockout(7, START, START + HOUR))
        store.people.note_lockout(kind, subject, Lockout(8, START, START + HOUR))
        assert store.people.lockout(kind, subject) == Lockout(8, START, START + HOUR)
    assert store.people.lockouts(START) == {"zhang": START + HOUR}
    assert store.people.lockouts(START + HOUR) == {}
    store.people.unlock("zhang")
    assert store.people.lockout(Guarded.OPERATOR, "zhang") == Lockout()


def test_the_access_log_is_read_by_day_and_name_and_kept_so_long(store: Store) -> None:
    days = timedelta(days=1)
    for number in range(4):
        store.people.note_access(Access(START + number * days, f"user{number % 2}", "10.0.0.1", "found", 200, f"his HD03 {number}"))
    found = store.people.accesses(START, START + 3 * days)
    assert [each.place for each in found] == ["his HD03 2", "his HD03 1", "his HD03 0"]
    assert [each.place for each in store.people.accesses(START, START + 9 * days, "user1")] == ["his HD03 3", "his HD03 1"]
    assert store.people.forget(START + 3 * days, 2 * days, HOUR) == 1
    assert len(store.people.accesses(START, START + 9 * days)) == 3


def test_what_is_over_is_forgotten(store: Store) -> None:
    store.people.add_operator(Operator("zhang", "it"), START)
    store.people.open_session("d" * 64, "zhang", START)
    store.people.note_lockout(Guarded.ADDRESS, "10.0.0.1", Lockout(30, START, START + HOUR))
    store.people.forget(START + 11 * HOUR, 180 * 24 * HOUR, 12 * HOUR)
    assert store.people.session("d" * 64)
    store.people.forget(START + 25 * HOUR, 180 * 24 * HOUR, 12 * HOUR)
    assert store.people.session("d" * 64) is None
    assert store.people.lockout(Guarded.ADDRESS, "10.0.0.1") == Lockout()


def test_a_token_opens_the_session_it_was_given_for_and_no_other(store: Store, clock: Clock) -> None:
    store.people.add_operator(with_password(Operator("zhang", "it"), PASSWORD), START)
    login = Login(store.people, Limits(HOUR, 12 * HOUR), clock)
    token = login.enter("zhang", PASSWORD, "10.0.0.1")
    assert len(token) >= 43
    assert login.whose(token)
    assert login.whose(digest(token)) is None, "what the store holds is no key"
    assert login.whose("") is None
    login.leave(token)
    assert login.whose(token) is None
    with pytest.raises(TurnedAwayError, match="用户名或密码不对"):
        login.enter("zhang", PASSWORD + "x", "10.0.0.1")


@pytest.mark.parametrize(("failures", "minutes"), [(1, 0), (4, 0), (5, 1), (6, 2), (7, 4), (8, 8), (9, 15), (40, 15), (400, 15)])
def test_each_further_failure_costs_a_longer_wait(failures: int, minutes: int) -> None:
    found = Lockout()
    for _ in range(failures):
        found = after_failure(Guarded.OPERATOR, found, START)
    assert found.wait(START) == timedelta(minutes=minutes)
    assert found.wait(START + HOUR) == timedelta()


def test_failures_of_yesterday_do_not_count() -> None:
    found = Lockout(9, START, START + HOUR)
    assert after_failure(Guarded.OPERATOR, found, START + 24 * HOUR).failures == 1


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("short", "10 至 128"),
        ("x" * 129, "10 至 128"),
        ("my-zhang-password", "用户名"),
        ("aaaaaaaaaaaa", "不同的字符太少"),
        ("1234567890", "连续"),
        ("abcdefghijkl", "连续"),
        ("0987654321" * 1, ""),
        ("staple-of-my-own", ""),
        ("我家门前有两棵树都是枣树", ""),
    ],
)
def test_what_a_password_must_be_like(password: str, told: str) -> None:
    found = passwords.fault(password, "zhang")
    assert (told in found) if told else found == ""


def test_a_password_is_hashed_with_salt_and_a_made_one_is_nobodys(tmp_path: Path) -> None:
    first, second = passwords.hashed(PASSWORD), passwords.hashed(PASSWORD)
    assert first != second
    assert first.startswith("scrypt:")
    assert passwords.fits(PASSWORD, first)
    assert not passwords.fits(PASSWORD, "")
    made = {passwords.generated() for _ in range(50)}
    assert len(made) == 50
    assert all(passwords.fault(each, "zhang") == "" for each in made)
    passwords.hand_over(PASSWORD, tmp_path / "password.txt")
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "password.txt").stat().st_mode) == 0o600
    with pytest.raises(GatewayError, match="已经存在"):
        passwords.hand_over(PASSWORD, tmp_path / "password.txt")


@pytest.mark.parametrize(
    ("name", "role", "department", "told"),
    [
        ("Zhang", "it", "", "小写字母"),
        ("z", "it", "", "小写字母"),
        ("zhang", "boss", "", "没有角色 boss"),
        ("zhang", "department", "", "要写明是哪个科室"),
        ("zhang", "it", "血透室", "不分科室"),
        ("zhang", "department", "血\n透室", "一行"),
    ],
)
def test_an_account_that_could_not_work_is_not_made(name: str, role: str, department: str, told: str) -> None:
    with pytest.raises(GatewayError, match=told):
        operators.check(name, role, department)


def test_a_role_that_is_no_more_may_do_nothing() -> None:
    assert Operator("zhang", "boss").held.may == frozenset()
    assert all(each.title and each.says for each in roles().values())


def test_two_gateways_on_one_store_lose_no_failure(store: Store) -> None:
    """Or whoever guesses at both has twice as many free."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.people.note_failure(Guarded.ADDRESS, "10.0.0.9", START), range(16)))
    assert store.people.lockout(Guarded.ADDRESS, "10.0.0.9").failures == 16
