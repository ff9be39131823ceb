"""What a site writes under `sources` decides what reaches the bureau: whose rows, and from which day on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import sites
from support.deployment import TARGET, Deployment, deployed

from gateway.model import AsideState
from gateway.outbox import State

INSTITUTION, OTHER = "H99000100001", "H99000100002"
DATASET = "RX01"


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """A site of thirty lines, ten on each of three days, with what it writes under `sources`."""
    source = sites.Source(f"sqlite:///{tmp_path / 'site.db'}", seed=1)
    source.insert(30)
    sql(tmp_path, "UPDATE rx_line SET prescribed_at = '2026-11-0' || (2 + id / 10) || ' 08:00:00'")
    profile = sites.profile(tmp_path / "profile")
    with ExitStack() as stack:
        yield lambda **entry: stack.enter_context(
            deployed(tmp_path / "site", INSTITUTION, {"profile": str(profile), "url": source.url, **entry}, {})
        )


def sql(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "site.db")) as connection:
        assert connection.execute(statement).rowcount > 0
        connection.commit()


def rewrite(site: Deployment, change: Callable[[dict[str, Any]], None]) -> None:
    """The operator edits the configuration file."""
    settings = yaml.safe_load(site.config.read_text(encoding="utf-8"))
    change(settings)
    site.config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")


def days(site: Deployment) -> set[str]:
    return {body["rx_time"][:10] for body in site.newest(DATASET)}


def test_business_before_the_first_day_and_after_the_last_is_excluded_and_counted(deploy: Callable[..., Deployment]) -> None:
    site = deploy(since="2026-11-03", until="2026-11-03")
    site.send()
    assert (days(site), len(site.newest(DATASET))) == ({"2026-11-03"}, 10)
    account = site.account(DATASET)
    assert account.balanced
    assert (account.read, account.asides[AsideState.EXCLUDED], account.states[State.ACCEPTED]) == (30, 20, 10)
    told = site.run("check").output.replace("\n", "").replace(" ", "")
    assert "业务时间早于开始报送的日期" in told
    assert "业务时间晚于停止报送的日期" in told


def test_an_earlier_first_day_sends_what_was_excluded_and_a_later_one_withdraws_nothing(deploy: Callable[..., Deployment]) -> None:
    site = deploy(since="2026-11-03")
    site.send()
    assert len(site.newest(DATASET)) == 20
    rewrite(site, lambda settings: settings["sources"][0].update(since="2026-11-02"))
    site.send()
    assert len(site.newest(DATASET)) == 30
    rewrite(site, lambda settings: settings["sources"][0].update(since="2026-11-04"))
    site.send()
    assert {(body["version"], body["vali_flag"]) for body in site.newest(DATASET)} == {("1", "1")}
    assert len(site.newest(DATASET)) == 30
    assert site.account(DATASET).balanced


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"since": "2026-13-01"}, '应为加引号的日期，例："2026-01-01"'),
        ({"since": "2026-11-03", "until": "2026-11-02"}, "不能早于 since"),
        ({"institutions": [OTHER]}, f"{OTHER} 没有定义"),
    ],
)
def test_a_mistaken_entry_is_one_sentence_that_names_its_key(
    deploy: Callable[..., Deployment], entry: dict[str, Any], sentence: str
) -> None:
    result = deploy(**entry).run("check")
    assert result.exit_code == 2
    assert sentence in result.output.replace("\n", "")
    assert next(reversed(entry)) in result.output


def foreign_rows(folder: Path) -> None:
    """The profile's query tells whose each row is: every third line is another institution's."""
    path = folder / "profile" / "RX01.sql"
    text = path.read_text(encoding="utf-8")
    code = f"CASE WHEN id % 3 = 0 THEN '{OTHER}' ELSE '{INSTITUTION}' END AS fixmedins_code,"
    path.write_text(text.replace("rx_no,", f"{code} rx_no,", 1), encoding="utf-8")


def test_a_row_of_another_institution_is_quarantined_with_both_codes_told(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    site = deploy()
    foreign_rows(tmp_path)
    site.send()
    assert {body["fixmedins_code"] for body in site.newest(DATASET)} == {INSTITUTION}
    account = site.account(DATASET)
    assert account.balanced
    assert (account.asides[AsideState.QUARANTINED], account.states[State.ACCEPTED]) == (10, 20)
    (grievance,) = site.grievances()
    assert grievance.reason == f"本行的机构编号（fixmedins_code）是 {OTHER}，不是本来源所配置的 {INSTITUTION}，不能替它报送"


def test_an_institution_that_cannot_be_sent_for_is_refused_when_the_configuration_is_read(
    deploy: Callable[..., Deployment],
) -> None:
    """Its rows would be read in and wait for ever."""
    site = deploy(institutions=[OTHER])
    rewrite(site, lambda s: s["institutions"].append({"code": OTHER, "name": "另一家", "admvs": "990001"}))
    result = site.run("run", "--once")
    assert result.exit_code == 2
    told = result.output.replace("\n", "")
    assert f"来源 local 把机构 {OTHER} 的数据报送到目标 {TARGET}，但目标 {TARGET} 没有机构 {OTHER} 的密钥" in told
    assert f"targets.{TARGET}.credentials" in told
    assert not (site.config.parent / "gateway.db").exists()


def test_the_rows_of_a_named_institution_are_sent_for_it_by_its_own_key(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    site = deploy(institutions=[OTHER])
    foreign_rows(tmp_path)
    site.admit(OTHER)
    site.send()
    assert {body["fixmedins_code"] for body in site.newest(DATASET)} == {INSTITUTION, OTHER}
    assert site.account(DATASET).states == {State.ACCEPTED: 30}


def test_a_name_with_square_brackets_is_shown_by_every_command_and_stops_none(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    site = deploy(name="his[/red]")
    for words in (("check",), ("run", "--once"), ("status",)):
        result = site.run(*words)
        assert result.exit_code == 0, result.exception
        assert "his[/red]" in result.output
    (tmp_path / "site.db").unlink()
    for words in (("check",), ("run", "--once")):
        result = site.run(*words)
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert "数据源 his[/red] 的 RX01" in result.output.replace("\n", "")
