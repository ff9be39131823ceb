"""The disk under the gateway's store fills up or turns read-only: it says so, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import line as lines
from support import smalldisk
from support.faultsize import Conclude
from support.line import Line, kill

_FEW, _MANY = 20, 600


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with smalldisk.mounted(tmp_path / "disk", "1500k") as folder:
        yield folder


@pytest.fixture
def cramped(disk: Path, room: Path, seed: int) -> Iterator[Line]:
    """A line whose store is on the small disk, and that reads on until the very end of it."""
    with lines.build(room / "line", seed, store_url=f"sqlite:///{disk / 'gateway.db'}", page_size=100) as line:
        lines.amend(line.config, lambda found: found["store"].update(disk_floor=0))
        line.source.insert(_FEW)
        line.settle()
        yield line


@pytest.mark.requirement("J-099")
def test_a_full_disk_is_told_in_one_sentence_and_the_rest_arrives_when_there_is_room(
    disk: Path, cramped: Line, conclude: Conclude
) -> None:
    cramped.source.insert(_MANY, bad=5)
    cramped.source.edit(10)
    with smalldisk.full(disk):
        code, said = cramped.run("run", "--once")
    assert code == 1
    assert "磁盘" in said
    assert "Traceback" not in said
    assert cramped.run("run", "--once")[0] == 1, "room again, but not for all"
    smalldisk.remount(disk, "size=64m")
    cramped.settle()
    conclude(cramped)


@pytest.mark.requirement("J-099")
def test_a_power_cut_on_a_full_disk_loses_nothing(disk: Path, cramped: Line, conclude: Conclude) -> None:
    process = cramped.spawn("serve")
    lines.wait_started(process)
    with smalldisk.full(disk):
        cramped.source.insert(_MANY)
        lines.wait_until(lambda: "磁盘" in str(process.stdout.readline()), 30, "a word of the full disk")  # type: ignore[union-attr]
        assert "Traceback" not in kill(process)
    smalldisk.remount(disk, "size=64m")
    cramped.age(hours=3)
    cramped.settle()
    conclude(cramped)


def test_a_disk_that_turned_read_only_is_told_in_one_sentence_and_nothing_is_lost(
    disk: Path, cramped: Line, conclude: Conclude
) -> None:
    cramped.source.insert(30)
    cramped.source.edit(10)
    with smalldisk.read_only(disk):
        code, said = cramped.run("run", "--once")
    assert code in (1, 2)
    assert "只读" in said or "打不开" in said
    assert "Traceback" not in said
    cramped.settle()
    conclude(cramped)
