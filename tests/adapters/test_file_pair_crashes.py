"""A pair is put away by a process that dies between any two of its steps on the disk: nothing is lost, halved or crossed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from support import dropped, pairs
from support.dropped import AFTER, table
from support.pairs import drop, given, item, pair, source, treatment

from gateway.errors import SourceQueryError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process is forked")

_KILLED = 9
#: steps on the disk beyond which putting one pair away would be told as endless
_MOST = 200


def dying(step: int, work: Callable[[], None], place: Path) -> bool:
    """Do `work` in a process that ends without a word before its `step`th step in that folder; whether it came to its end."""
    child = os.fork()
    if child == 0:
        left = step

        def hook(event: str, args: tuple[object, ...]) -> None:
            nonlocal left
            if event.startswith(("os.", "shutil.", "open")) and args and str(args[0]).startswith(str(place)):
                left -= 1
                if left < 0:
                    os._exit(_KILLED)

        try:
            sys.addaudithook(hook)
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def take_in(inbox: Path) -> None:
    """One poll: everything is read, then put away."""
    put_away_only(inbox)()


def put_away_only(inbox: Path, folder: Path | None = None) -> Callable[[], None]:
    """The poll, read before the process begins to die: putting away is what is cut."""
    found = pairs.sources(inbox, folder)["HD03"] if folder else source(inbox)
    with suppress(SourceQueryError):
        list(found.pages(AFTER, 2))
    return found.put_away


def told(inbox: Path) -> list[tuple[str, str, str]]:
    """What a poll reads: each row, with the mark of its head and the mark of its lines."""
    read = []
    with suppress(SourceQueryError):  # also that one half has waited for long
        for page in source(inbox).pages(AFTER, 2):
            read += [(row.ref, row.values["machine_no"], row.values["drugs"][0]["drug_codg"]) for row in page.rows]
    return read


def deaths(inbox: Path, prepared: Callable[[Path], Callable[[], None]], least: int = 20) -> Iterator[Path]:
    """A folder for each step before which the process can die, dead."""
    for step in count():
        assert step < _MOST
        place = inbox / f"{step}"
        place.mkdir()
        if dying(step, prepared(place), place):
            assert step > least  # copies, commit and moves were all met
            return
        yield place


def marks(place: Path, mark: str, second: float) -> None:
    pair(place, "01", [1, 2], second, mark, 机器号=mark)


def first(place: Path) -> Callable[[], None]:
    marks(place, "甲", 0)
    return put_away_only(place)


def kept(place: Path) -> list[list[tuple[str, bytes]]]:
    """The files of each parcel in the archive, oldest first."""
    parcels = sorted(each for each in (place / "archive" / "HD03").iterdir() if not each.name.startswith("."))
    return [sorted((each.name, each.read_bytes()) for each in parcel.glob("*.csv")) for parcel in parcels]


def whole(mark: str) -> list[tuple[str, bytes]]:
    heads = table([treatment(number, 机器号=mark) for number in (1, 2)])
    return [("HD03_01.csv", heads), ("HD03_yy_01.csv", table([given(number, 1, mark) for number in (1, 2)]))]


def test_after_any_death_the_pair_is_read_again_whole_or_is_put_away_whole(inbox: Path) -> None:
    for place in deaths(inbox, first):
        assert told(place) in ([], [("S00001", "甲", "甲"), ("S00002", "甲", "甲")])
        take_in(place)
        assert not list(place.glob("*.csv"))
        assert kept(place) == [whole("甲")]
        assert told(place) == []


def test_after_any_death_the_next_export_of_the_same_names_is_read_with_its_own_half(inbox: Path) -> None:
    for place in deaths(inbox, first):
        drop(place, "HD03_01.csv", [treatment(number, 机器号="乙") for number in (1, 2)], 100)
        assert told(place) == []  # its lines are still to come
        take_in(place)
        drop(place, "HD03_yy_01.csv", [given(number, 1, "乙") for number in (1, 2)], 101)
        assert told(place) == [("S00001", "乙", "乙"), ("S00002", "乙", "乙")]
        take_in(place)
        assert not list(place.glob("*.csv"))
        assert kept(place)[-1] == whole("乙")
        assert all(parcel in (whole("甲"), whole("乙")) for parcel in kept(place))
        assert [row.values["machine_no"] for row in source(place).lookup(["S00001"])] == ["乙"]


def test_a_second_death_while_the_first_is_mended_changes_nothing(inbox: Path) -> None:
    for number, place in enumerate(deaths(inbox, first)):
        if number % 3:  # a third of the deaths, each with every second one
            continue
        for step in count():
            if dying(step, partial(take_in, place), place):
                break
            assert told(place) in ([], [("S00001", "甲", "甲"), ("S00002", "甲", "甲")])
        assert not list(place.glob("*.csv"))
        assert kept(place)[-1] == whole("甲")
        assert all(parcel == whole("甲") for parcel in kept(place))


def test_after_any_death_a_spoilt_pair_is_among_the_bad_with_its_reason_and_nothing_of_it_is_read(inbox: Path) -> None:
    def spoilt(place: Path) -> Callable[[], None]:
        dropped.drop(place, "HD03_01.csv", table([treatment(1)]))
        dropped.drop(place, "HD03_yy_01.csv", table([given(1, "")]))
        return put_away_only(place)

    for place in deaths(inbox, spoilt):
        take_in(place)
        assert not list(place.glob("*.csv"))
        (parcel,) = (place / "bad" / "HD03").iterdir()
        assert sorted(path.name for path in parcel.iterdir() if not path.name.startswith(".")) == [
            "HD03_01.csv",
            "HD03_yy_01.csv",
            "原因.txt",
        ]
        assert "用药序号 为空" in (parcel / "原因.txt").read_text(encoding="utf-8-sig")


def test_after_any_death_a_file_that_two_data_sets_read_is_put_away_by_both(inbox: Path, tmp_path: Path) -> None:
    """The heads of the treatments are heads of the prescriptions too."""
    folder = pairs.sharing(tmp_path / "profile")

    def prepared(place: Path) -> Callable[[], None]:
        marks(place, "甲", 0)
        drop(place, "RX01_mx_01.csv", [item(1, 1), item(2, 1)], 2)
        return put_away_only(place, folder)

    for place in deaths(inbox, prepared):
        for dataset in ("RX01", "HD03", "RX01"):
            found = pairs.sources(place, folder)[dataset]
            list(found.pages(AFTER, 2))
            found.put_away()
        assert not list(place.glob("*.csv"))
        assert kept(place) == [whole("甲")]
        (parcel,) = (place / "archive" / "RX01").iterdir()
        assert sorted(each.name for each in parcel.glob("*.csv")) == ["HD03_01.csv", "RX01_mx_01.csv"]
        assert (parcel / "HD03_01.csv").read_bytes() == whole("甲")[0][1]


def test_a_death_while_an_old_parcel_is_deleted_leaves_none_that_is_half(inbox: Path) -> None:
    def aged(place: Path) -> Callable[[], None]:
        for number in range(2):
            marks(place, f"{number}", number * 10)
            take_in(place)
        found = source(place)
        found.folder.keep_days = -1
        return found.folder.prune

    for place in deaths(inbox, aged, least=4):
        assert all(parcel in (whole("0"), whole("1")) for parcel in kept(place))
        take_in(place)
        assert kept(place)[-1] == whole("1")
        assert not list((place / "archive" / "HD03").glob(".old-*"))


def test_the_process_really_dies(tmp_path: Path) -> None:
    assert not dying(0, lambda: (tmp_path / "x").touch(), tmp_path)
    assert not (tmp_path / "x").exists()
