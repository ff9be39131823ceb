"""Head file and line file from the drop folder to the bureau: nothing lost, nothing doubled, a line without its head waits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support import dropped, pairs
from support.deployment import Deployment, deployed
from support.dropped import BEGAN, table
from support.pairs import given, item, prescription, treatment

from adapters.dropped import setaside
from gateway.outbox import State

INSTITUTION = "H41000000001"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """The drop folder."""
    return tmp_path / "site" / "gateway" / "dropped"


@pytest.fixture
def site(tmp_path: Path, inbox: Path) -> Iterator[Deployment]:
    """Both deployables; the gateway reads the template's pairs."""
    entry = {"profile": str(pairs.FOLDER), "inbox": "dropped", "page_size": 3, "datasets": ["HD03", "RX01"]}
    with deployed(tmp_path / "site", INSTITUTION, entry, {}) as found:
        inbox.mkdir()
        yield found


def drop(inbox: Path, part: str, numbers: list[int], lines: list[int], **more: str) -> None:
    """Treatments and their drugs, the lines last."""
    dropped.drop(inbox, f"HD03_{part}.csv", table([treatment(number, **more) for number in numbers]))
    dropped.drop(inbox, f"HD03_yy_{part}.csv", table([given(number, 1) for number in lines]))


def test_both_kinds_of_pairs_reach_the_bureau_once_and_check_leaves_them_where_they_are(site: Deployment, inbox: Path) -> None:
    drop(inbox, "01", [*range(7)], [*range(7)])
    dropped.drop(inbox, "RX01_01.csv", table([prescription(1), prescription(2)]))
    dropped.drop(inbox, "RX01_mx_01.csv", table([item(1, 1), item(1, 2), item(2, 1)]))
    result = site.run("check", "--contract")
    assert result.exit_code == 0, result.output
    assert len(list(inbox.glob("*.csv"))) == 4
    site.send()
    assert not list(inbox.glob("*.csv"))
    assert site.account("HD03").states == {State.ACCEPTED: 7}
    assert site.account("RX01").states == {State.ACCEPTED: 3}
    assert all(body["drugs"] == [{"drug_codg": "D1", "dose": "1.5"}] for body in site.newest("HD03"))
    assert {body["dr_codg"] for body in site.newest("RX01")} == {"D990000000001"}
    site.send()
    assert {len(versions) for versions in site.held("HD03").values()} == {1}


def test_the_power_goes_before_the_pair_is_put_away(site: Deployment, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(inbox, "01", [*range(7)], [*range(7)])
    with monkeypatch.context() as power:

        def cut(*_: object) -> None:
            raise KeyboardInterrupt

        power.setattr(setaside, "put", cut)
        site.run("run", "--once")
    assert len(list(inbox.glob("*.csv"))) == 2
    site.send()
    assert not list(inbox.glob("*.csv"))
    account = site.account("HD03")
    assert (account.read, account.states, account.balanced) == (7, {State.ACCEPTED: 7}, True)
    assert {len(versions) for versions in site.held("HD03").values()} == {1}


def test_a_line_without_its_head_is_a_persons_work_until_both_are_exported(site: Deployment, inbox: Path) -> None:
    drop(inbox, "01", [1, 2], [1, 2, 3])
    result = site.run("check")
    assert "主表文件里没有这一行的主表行" in result.output.replace("\n", "").replace(" ", "")
    site.run("run", "--once")
    assert site.account("HD03").states == {State.ACCEPTED: 2}
    (grievance,) = site.grievances()
    assert grievance.reason.startswith("主表文件里没有这一行的主表行（按 治疗号 找）")
    drop(inbox, "02", [1, 2, 3], [1, 2, 3])
    site.send()
    assert site.account("HD03").states == {State.ACCEPTED: 3}
    assert site.grievances() == []


def test_a_head_that_is_not_exported_any_more_is_not_withdrawn_while_its_lines_are(site: Deployment, inbox: Path) -> None:
    site.config.write_text(site.config.read_text(encoding="utf-8").replace("  - RX01\n", ""), encoding="utf-8")
    drop(inbox, "01", [*range(7)], [*range(7)])
    site.send()
    drop(inbox, "02", [0, 1, 2, 4, 5], [*range(6)])
    site.run("run", "--once")
    for hours in (54, 55):
        site.sweep(BEGAN + timedelta(hours=hours))
    site.run("run", "--once")
    versions = {key[-6:]: [body["vali_flag"] for body in bodies] for key, bodies in site.held("HD03").items()}
    assert sum(found == ["1", "0"] for found in versions.values()) == 1  # number 6, of which nothing is left
    assert [key for key, found in versions.items() if found == ["1", "0"]] == ["S00006"]


def test_one_half_alone_waits_and_sends_nothing(site: Deployment, inbox: Path) -> None:
    dropped.drop(inbox, "HD03_01.csv", table([treatment(1)]))
    result = site.run("check", "--source", "local")
    told = result.output.replace("\n", "").replace(" ", "")
    assert (result.exit_code, "有文件这次没有读，HD03_01.csv在等与它成对的HD03_yy_01.csv：还没有来，或还没有写完" in told) == (
        0,
        True,
    ), told
    site.send()
    assert site.account("HD03").read == 0
    assert (inbox / "HD03_01.csv").exists()
    dropped.drop(inbox, "HD03_yy_01.csv", table([given(1, 1)]))
    site.send()
    assert site.account("HD03").states == {State.ACCEPTED: 1}
    shutil.rmtree(inbox / "archive")


def test_what_lies_in_the_drop_folder_and_nobody_reads_is_told_until_it_is_mended(site: Deployment, inbox: Path) -> None:
    drop(inbox, "01", [1], [1])
    (inbox / "HD03_01.csv").rename(inbox / "hd03_01.csv")
    (inbox / "HD03_yy_01.csv").rename(inbox / "HD03_YY_01.CSV")
    (inbox / "HD03_yy_01.csv.ok").touch()
    told = site.run("check").output.replace("\n", "").replace(" ", "")
    assert "里有文件没有数据集读：HD03_YY_01.CSV、hd03_01.csv。核对" in told
    for path in inbox.glob("*01*"):
        path.unlink()
    drop(inbox, "02", [1], [1])
    (inbox / "HD03_yy_02.csv").write_bytes(b"")
    assert site.run("run", "--once").exit_code == 1
    assert site.run("run", "--once").exit_code == 0, "said once by the reading"
    told = site.run("doctor").output.replace("\n", "").replace(" ", "")
    assert "读得了、写得进" in told
    assert "bad/HD03里有1份没有读入的还没有处理" in told
    assert "没有数据集读" not in told
    shutil.rmtree(inbox / "bad" / "HD03")
    assert "还没有处理" not in site.run("doctor").output


def test_heads_without_a_line_are_told_by_the_check(site: Deployment, inbox: Path) -> None:
    dropped.drop(inbox, "RX01_01.csv", table([prescription(1), prescription(2), prescription(3)]))
    dropped.drop(inbox, "RX01_mx_01.csv", table([item(1, 1), item(1, 2)]))
    told = site.run("check").output.replace("\n", "").replace(" ", "")
    assert "主表文件RX01_01.csv里有2张单据在明细文件里一行也没有" in told
    dropped.drop(inbox, "RX01_mx_01.csv", table([item(1, 1), item(2, 1), item(3, 1)]))
    assert "一行也没有" not in site.run("check").output


def test_the_doctor_tells_of_a_drop_folder_that_is_not_there(site: Deployment, inbox: Path) -> None:
    inbox.rmdir()
    result = site.run("doctor")
    told = result.output.replace("\n", "").replace(" ", "")
    assert (result.exit_code, "不能写：没有这个文件或文件夹" in told, "写权限" in told) == (1, True, True), told
