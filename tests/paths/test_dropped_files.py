"""Files from the drop folder to the bureau: nothing lost, nothing doubled, wherever the power goes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support import dropped
from support.deployment import Deployment, deployed
from support.dropped import BEGAN, table, treatment, written

from adapters.dropped.dropfolder import DropFolder
from gateway.errors import SourceChangedError
from gateway.outbox import State
from schemas.wire import SHANGHAI

INSTITUTION, DATASET = "H41000000001", "HD03"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """The drop folder."""
    place = tmp_path / "site" / "gateway" / "dropped"
    place.mkdir(parents=True)
    return place


@pytest.fixture
def site(tmp_path: Path, inbox: Path) -> Iterator[Deployment]:
    """Both deployables; the gateway reads the template's files."""
    shutil.rmtree(inbox.parent)
    entry = {"profile": str(dropped.FOLDER), "inbox": "dropped", "datasets": [DATASET], "page_size": 3}
    with deployed(tmp_path / "site", INSTITUTION, entry, {}) as found:
        inbox.mkdir()
        yield found


def drop(inbox: Path, name: str, *numbers: int, **more: str) -> None:
    (inbox / "x").write_bytes(table([treatment(number, **more) for number in numbers]))
    (inbox / "x").rename(inbox / name)


def test_a_file_reaches_the_bureau_once_and_check_leaves_it_where_it_is(site: Deployment, inbox: Path) -> None:
    drop(inbox, "HD03_1.csv", *range(7))
    result = site.run("check")
    assert result.exit_code == 0, result.output
    assert (inbox / "HD03_1.csv").exists()
    site.send()
    assert not (inbox / "HD03_1.csv").exists()
    assert site.account(DATASET).states == {State.ACCEPTED: 7}
    site.send()
    assert {len(versions) for versions in site.held(DATASET).values()} == {1}


def test_a_crash_between_intake_and_move_neither_loses_nor_doubles(
    site: Deployment, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(inbox, "HD03_1.csv", *range(7))
    with monkeypatch.context() as power:

        def cut(*_: object) -> None:
            raise KeyboardInterrupt

        power.setattr(DropFolder, "put_away", cut)
        site.run("run", "--once")
    assert (inbox / "HD03_1.csv").exists()
    site.send()
    assert not (inbox / "HD03_1.csv").exists()
    account = site.account(DATASET)
    assert (account.read, account.states, account.balanced) == (7, {State.ACCEPTED: 7}, True)
    assert {len(versions) for versions in site.held(DATASET).values()} == {1}


def test_the_same_name_with_another_content_is_read_and_a_corrected_row_is_the_next_version(site: Deployment, inbox: Path) -> None:
    drop(inbox, "HD03_1.csv", 1, 2)
    site.send()
    drop(inbox, "HD03_1.csv", 1, 2, 机器号="另一台")
    site.send()
    assert {len(versions) for versions in site.held(DATASET).values()} == {2}


def test_what_is_missing_in_a_whole_file_twice_is_withdrawn(site: Deployment, inbox: Path) -> None:
    drop(inbox, "HD03_1.csv", *range(7))
    site.send()
    drop(inbox, "HD03_2.csv", *(number for number in range(7) if number != 3))
    site.send()
    for hours in (54, 55):
        site.sweep(BEGAN + timedelta(hours=hours))
    site.send()
    (gone,) = (versions for key, versions in site.held(DATASET).items() if "S00003" in key)
    assert [body["vali_flag"] for body in gone] == ["1", "0"]
    assert len(site.held(DATASET)) == 7


def test_a_whole_file_that_was_cut_short_waits_for_a_person(site: Deployment, inbox: Path) -> None:
    drop(inbox, "HD03_1.csv", *range(60))
    site.send()
    drop(inbox, "HD03_2.csv", *range(10))
    with pytest.raises(SourceChangedError, match="行数由 60 减到 10"):
        site.sweep(BEGAN + timedelta(hours=54))
    assert all(len(versions) == 1 for versions in site.held(DATASET).values())


def test_a_mended_mapping_reads_the_newest_file_again(site: Deployment, inbox: Path, tmp_path: Path) -> None:
    drop(inbox, "HD03_1.csv", 1, 上机时间=f"{written(BEGAN)}分")
    result = site.run("run", "--once")
    assert "待改正" in result.output
    folder = shutil.copytree(dropped.FOLDER, tmp_path / "mended")
    mapping = folder / "mapping" / "HD03.yaml"
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(text.replace("formats: [yyyy/M/d H:mm]}", "formats: [yyyy/M/d H:mm, yyyy/M/d H:mm分]}"), encoding="utf-8")
    config = site.config.read_text(encoding="utf-8").replace(str(dropped.FOLDER), str(folder))
    site.config.write_text(config, encoding="utf-8")
    site.send()
    assert site.account(DATASET).states == {State.ACCEPTED: 1}
    assert BEGAN.tzinfo is SHANGHAI


def test_a_bad_file_is_told_once_and_the_next_round_goes_well(site: Deployment, inbox: Path) -> None:
    (inbox / "HD03_1.csv").write_bytes(table([treatment(1)], "utf-8"))
    drop(inbox, "HD03_2.csv", 2)
    result = site.run("run", "--once")
    assert result.exit_code == 1
    assert "HD03_1.csv：文件是 UTF-8，不是适配包写的 gbk" in result.output.replace("\n", "").replace("  ", "")
    (reason,) = (inbox / "bad" / DATASET).glob("*.txt")
    assert "一行也没有报送" in reason.read_text(encoding="utf-8-sig")
    site.send()
    assert site.account(DATASET).states == {State.ACCEPTED: 1}
