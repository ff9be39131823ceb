"""Unknown outcomes where nobody can be asked: what each `replay` allows, against a platform that books twice what comes twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import line as lines
from support import sites
from support.counting import Counting
from support.line import TARGET, Line
from support.proxy import Fault

from gateway import config as configuration
from gateway.main import cli
from gateway.outbox import State
from gateway.wiring import opened

STOCK = "3502"
_ROWS = 8
_STOCK_FILES = {
    "manifest.yaml": sites.MANIFEST.replace("RX01", STOCK),
    "3502.yaml": """
dataset: "3502"
void:
  - {column: is_void, in: ["1"], reason: 已作废}
fields:
  med_list_codg: {column: item_code}
  inv_chg_type: {fixed: "101", why: 测试}
  fixmedins_hilist_id: {column: item_code}
  fixmedins_hilist_name: {column: item_name}
  fixmedins_bchno: {column: serial}
  pric: {fixed: "1", why: 测试}
  cnt: {column: quantity}
  rx_flag: {fixed: "1", why: 测试}
  inv_chg_time: {column: prescribed_at}
""",
    **{
        f"3502{kind}.sql": text.replace("SELECT id AS row_ref", "SELECT rx_no || '-' || seq AS serial, id AS row_ref")
        for kind, text in (("", sites.QUERY), (".window", sites.WINDOW), (".lookup", sites.LOOKUP), (".mark", sites.MARK))
    },
}


@dataclass
class Place:
    """A site and the platform it reports to."""

    line: Line
    platform: Counting
    dataset: str

    def pass_days(self, days: int = 1) -> None:
        """Read and send, every hour or two of so many days."""
        for _ in range(days * 3):
            self.line.round()
            self.line.age(hours=8)

    def states(self) -> dict[State, int]:
        with opened(configuration.load(self.line.config), lines.real_time) as working:
            (found,) = working.store.standings(working.routes)
        assert found.balanced
        return dict(found.states)

    def say(self, word: str) -> None:
        """What a person says of every record, having looked at the platform."""
        for key in self.keys():
            said = CliRunner().invoke(cli, ["--config", str(self.line.config), "verified", TARGET, self.dataset, key, word])
            assert said.exit_code == 0, said.output

    def keys(self) -> set[str]:
        """Of every row of the source."""
        with_hyphen = (key.replace("|", "-") for key in self.line.source.contents())
        return set(with_hyphen) if self.dataset == STOCK else set(self.line.source.contents())

    def assert_once(self) -> None:
        """Every row stands in the books exactly once, and the gateway knows."""
        assert self.platform.effects() == dict.fromkeys(self.keys(), 1)
        assert self.states() == {State.ACCEPTED: _ROWS}


@contextmanager
def place(room: Path, seed: int, replay: str, *faults: Fault, dataset: str = "RX01", idempotent: bool = False) -> Iterator[Place]:
    draw = chain(faults, repeat(Fault.NONE)).__next__
    with Counting(idempotent) as platform, lines.build(room / "line", seed, draw=draw) as line:
        line.proxy.upstream = platform.url
        lines.amend(line.config, lambda found: found["targets"][TARGET].update(answers_queries=False, read_timeout=20))
        lines.amend(
            line.config.with_name("faults.yaml"), lambda found: found.update(datasets={dataset: {"batch": 8, "replay": replay}})
        )
        if dataset == STOCK:
            for name, text in _STOCK_FILES.items():
                (line.config.parent / "profile" / name).write_text(text, encoding="utf-8")
        line.source.insert(_ROWS)
        yield Place(line, platform, dataset)


#: the effect happened, or did not, and the gateway cannot know which
LOST = [(Fault.REPLY_DROPPED, 1), (Fault.REPLY_CUT, 1), (Fault.REPLY_GARBAGE, 1), (Fault.REQUEST_CUT, 0)]
DIED = [("after_reply", 1), ("before_send", 0)]


@pytest.mark.requirement("J-101")
@pytest.mark.parametrize(("fault", "effect"), LOST)
def test_what_is_idempotent_by_its_key_is_sent_again(fault: Fault, effect: int, room: Path, seed: int) -> None:
    with place(room, seed, "resend", fault, idempotent=True) as site:
        site.line.round()
        assert (len(site.platform.booked), site.states()) == (effect * _ROWS, {State.UNKNOWN: _ROWS})
        site.pass_days()
        assert site.platform.arrived == {"RX01": (effect + 1) * _ROWS}
        site.assert_once()


@pytest.mark.requirement("J-101")
def test_sabotage_a_platform_that_was_wrongly_declared_idempotent_is_seen_to_book_twice(room: Path, seed: int) -> None:
    """Why the editions must say `person` or `delete_and_resend` of such a platform, and why the tests here can fail."""
    with place(room, seed, "resend", Fault.REPLY_DROPPED) as site:
        site.pass_days()
        assert set(site.platform.effects().values()) == {2}


@pytest.mark.requirement("J-101")
@pytest.mark.parametrize(
    ("replay", "fault", "effect"),
    [
        *(("person", fault, effect) for fault, effect in LOST),
        ("query", Fault.REPLY_DROPPED, 1),
        ("delete_and_resend", Fault.REPLY_DROPPED, 1),  # RX01 has no transaction to take it back
    ],
)
def test_what_may_not_be_sent_again_waits_for_a_person_who_is_told(
    replay: str, fault: Fault, effect: int, room: Path, seed: int
) -> None:
    with place(room, seed, replay, fault) as site:
        site.pass_days(2)
        assert site.platform.arrived == ({"RX01": _ROWS} if effect else {})
        assert site.states() == {State.UNKNOWN: _ROWS}
        said = "".join(site.line.run("status")[1].split())
        assert "前到平台核实" in said
        site.say("--received" if effect else "--not-received")
        site.pass_days()
        site.assert_once()


@pytest.mark.requirement("J-101")
@pytest.mark.parametrize(("point", "effect"), DIED)
def test_a_death_while_sending_what_may_not_be_sent_again_waits_for_a_person(
    point: str, effect: int, room: Path, seed: int
) -> None:
    with place(room, seed, "person") as site:
        assert site.line.run("run", "--once", failpoint=point)[0] == -9
        site.pass_days()
        assert (len(site.platform.booked), site.states()) == (effect * _ROWS, {State.UNKNOWN: _ROWS})
        site.say("--received" if effect else "--not-received")
        site.pass_days()
        site.assert_once()


@pytest.mark.requirement("J-101")
def test_a_newer_version_waits_behind_one_whose_outcome_only_a_person_knows(room: Path, seed: int) -> None:
    with place(room, seed, "person", Fault.REPLY_DROPPED) as site:
        site.line.round()
        site.line.source.edit(_ROWS)
        site.pass_days()
        assert {record["version"] for record in site.platform.booked} == {"1"}
        site.say("--received")
        site.pass_days()
        assert [record["version"] for record in site.platform.booked] == ["1"] * _ROWS + ["2"] * _ROWS
        assert site.states() == {State.ACCEPTED: _ROWS}


@pytest.mark.requirement("J-101")
def test_what_can_be_taken_back_is_taken_back_and_sent_again(room: Path, seed: int) -> None:
    with place(room, seed, "delete_and_resend", Fault.REPLY_DROPPED, dataset=STOCK) as site:
        site.line.round()
        assert len(site.platform.booked) == _ROWS
        site.pass_days()
        assert site.platform.arrived == {"3502A": 2 * _ROWS, "3507": _ROWS}
        site.assert_once()


@pytest.mark.requirement("J-101")
def test_a_death_after_the_effect_is_taken_back_and_sent_again(room: Path, seed: int) -> None:
    with place(room, seed, "delete_and_resend", dataset=STOCK) as site:
        assert site.line.run("run", "--once", failpoint="after_reply")[0] == -9
        assert len(site.platform.booked) == _ROWS
        site.pass_days()
        site.assert_once()


@pytest.mark.requirement("J-101")
@pytest.mark.parametrize("faults", [(Fault.REQUEST_CUT,), (Fault.REPLY_DROPPED, *[Fault.REPLY_DROPPED] * _ROWS)])
def test_what_the_platform_will_not_take_back_waits_for_a_person(faults: tuple[Fault, ...], room: Path, seed: int) -> None:
    """It never arrived, or the answer to the withdrawal was lost: refused now, and which of the two only a person can see."""
    with place(room, seed, "delete_and_resend", *faults, dataset=STOCK) as site:
        site.pass_days()
        assert (site.platform.booked, site.states()) == ([], {State.UNKNOWN: _ROWS})
        site.say("--not-received")
        site.pass_days()
        site.assert_once()
