"""The work list over a real site: tasks end by themselves, are tried once more, and have an owner and a note."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import sites
from support.delivery import INSTITUTION, Clock, Platform
from support.line import amend

from gateway import config as configuration
from gateway import mending
from gateway.errors import ConfigError
from gateway.outbox import State
from gateway.tiers import Tier
from gateway.uploading import upload
from gateway.wiring import Gateway, opened
from gateway.worklist import LocalRow, Replayed, TaskFilter, TaskKind
from schemas.envelope import Result, Status
from schemas.model import Violation

#: so old that no window reads it again, and one of today
OLD, TODAY = "2026-01-05 09:00:00", "2026-11-25 07:00:00"
_REFUSED = Violation("dr_codg", "register", "医师编码（dr_codg）未登记")


class Site:
    """A HIS in SQLite, whose people save rows as they please, and the gateway's configuration beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database = folder, folder / "his.db"
        sites.profile(folder / "profile")
        amend(
            folder / "profile" / "RX01.yaml", lambda mapping: mapping.update(shown={"document": "rx_no", "department": "card_no"})
        )
        source = sites.Source(f"sqlite:///{self.database}", seed=1)
        source.engine.dispose()
        (folder / "token").write_text("synthetic\n", encoding="utf-8")
        key = '{paasid: "x", token: {file: token}}'
        self.config = folder / "config.yaml"
        self.config.write_text(
            f"""
store: {{url: "sqlite:///gateway.db", disk_floor: 0}}
institutions:
  - {{code: "{INSTITUTION}", name: 测试医院, admvs: "990001"}}
targets:
  bureau: {{url: "https://10.0.0.1/api", credentials: {{"{INSTITUTION}": {key}}}}}
sources:
  - {{name: his, profile: profile, url: "sqlite:///his.db", institution: "{INSTITUTION}"}}
""",
            encoding="utf-8",
        )

    def save(self, number: int, *, at: str = TODAY, changed: str = TODAY, **changes: Any) -> None:
        """Insert or change a line; without a quantity it is wrong."""
        row = {
            "id": number,
            "rx_no": f"RX{number:04d}",
            "seq": 1,
            "card_no": "内科" if number < 3 else "外科",
            "item_code": "XA00AAA000A000010000001",
            "item_name": "示例片",
            "quantity": "2",
            "prescribed_at": at,
            "doctor": "D999900000001",
            "is_void": 0,
            "entered_at": at,
            "updated_at": changed,
            **changes,
        }
        marks = ", ".join(f":{name}" for name in row)
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(f"INSERT OR REPLACE INTO rx_line ({', '.join(row)}) VALUES ({marks})", row)

    def delete(self, number: int) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("DELETE FROM rx_line WHERE id = ?", (number,))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@contextmanager
def working(site: Site, clock: Clock) -> Iterator[Gateway]:
    with opened(configuration.load(site.config), clock) as gateway:
        yield gateway
        (account,) = gateway.store.standings(gateway.routes)
        assert account.balanced


@pytest.fixture
def gateway(site: Site, clock: Clock) -> Iterator[Gateway]:
    with working(site, clock) as found:
        yield found


def read(gateway: Gateway) -> None:
    for feed in gateway.feeds:
        gateway.read(feed)


def send(gateway: Gateway, *refused: str) -> Platform:
    """One round of sending; these keys are sent back."""
    platform = Platform()

    def answer(turn: int, bodies: Any) -> list[Result]:
        return [
            Result(key, 1, Status.REJECTED, (_REFUSED,)) if key in refused else platform._hold({"key": key, "version": "1"}, body)
            for key, body in zip(platform.requests[-1], bodies, strict=True)
        ]

    platform.answer = answer if refused else None
    upload(gateway.store, platform, "bureau", clock=gateway.clock, lease=timedelta(minutes=2))
    return platform


def refs(gateway: Gateway, **wanted: Any) -> list[str]:
    return [each.row.ref for each in mending.tasks(gateway, TaskFilter(**wanted)).tasks]


# ended by themselves


def test_a_row_that_is_mended_at_the_site_leaves_the_list_with_the_next_poll(site: Site, gateway: Gateway) -> None:
    site.save(1, quantity=None)
    site.save(2)
    read(gateway)
    assert refs(gateway) == ["1"]
    site.save(1, changed="2026-11-25 07:30:00")
    read(gateway)
    assert refs(gateway) == []


def test_a_row_that_is_mended_without_a_trace_leaves_the_list_with_the_next_look_back(site: Site, gateway: Gateway) -> None:
    site.save(1, quantity=None)
    site.save(2, changed="2026-11-25 07:59:00")
    read(gateway)
    site.save(1)
    read(gateway)
    assert refs(gateway) == ["1"]
    (feed,) = gateway.feeds
    gateway.reader(feed).sweep(Tier.WARM)
    assert refs(gateway) == []


def test_a_code_added_to_the_mapping_releases_every_row_that_waits_for_it(site: Site, clock: Clock) -> None:
    table = {"D999900000001": "D999900000001"}
    amend(
        site.folder / "profile" / "RX01.yaml",
        lambda mapping: mapping["fields"].update(dr_codg={"column": "doctor", "codes": dict(table)}),
    )
    for number in (1, 2, 3):
        site.save(number, at=OLD, changed=OLD, doctor="D999900000009" if number > 1 else "D999900000001")
    with working(site, clock) as gateway:
        read(gateway)
        assert refs(gateway) == ["2", "3"]
        (reason,) = mending.tasks(gateway, TaskFilter(word="2")).tasks[0].reasons
        assert (reason.rule, reason.columns) == ("unmapped_code", ("doctor",))
        assert "适配包" in reason.advice
    amend(
        site.folder / "profile" / "RX01.yaml",
        lambda mapping: mapping["fields"]["dr_codg"]["codes"].update(D999900000009="D999900000009"),
    )
    with working(site, clock) as gateway:
        read(gateway)
        assert refs(gateway) == []


def test_naming_the_document_number_later_reads_nothing_again(site: Site, clock: Clock) -> None:
    site.save(1)
    with working(site, clock) as gateway:
        read(gateway)
        before = gateway.feeds[0].source.digest
    amend(site.folder / "profile" / "RX01.yaml", lambda mapping: mapping.update(shown={"document": "item_code"}))
    with working(site, clock) as gateway:
        assert gateway.feeds[0].source.digest == before


# tried once more


@pytest.fixture
def quiet(site: Site, gateway: Gateway) -> Gateway:
    """Three old rows that no reading will see again: 1 mended since, 2 still wrong, 3 deleted."""
    for number in (1, 2, 3):
        site.save(number, at=OLD, changed=OLD, quantity=None)
    site.save(9)
    read(gateway)
    site.save(1, at=OLD, changed=OLD)
    site.delete(3)
    read(gateway)
    assert refs(gateway) == ["1", "2", "3"]
    return gateway


@pytest.mark.parametrize(
    ("wanted", "found", "left"),
    [
        ({"key": "RX0001|1"}, Replayed(looked=1, right=1), ["2", "3"]),
        ({"reason": "数量"}, Replayed(looked=3, right=1, absent=1), ["2", "3"]),
        ({"first": date(2026, 1, 5), "last": date(2026, 1, 5)}, Replayed(looked=3, right=1, absent=1), ["2", "3"]),
        ({"last": date(2026, 1, 4)}, Replayed(), ["1", "2", "3"]),
        ({"source": "his", "dataset": "RX01"}, Replayed(looked=3, right=1, absent=1), ["2", "3"]),
        ({"dataset": "HD03"}, Replayed(), ["1", "2", "3"]),
        ({"department": "内科"}, Replayed(looked=2, right=1), ["2", "3"]),
    ],
)
def test_rows_are_looked_up_by_their_number_and_judged_again(
    quiet: Gateway, wanted: dict[str, Any], found: Replayed, left: list[str]
) -> None:
    assert mending.rehearse(quiet, TaskFilter(**wanted)) == found
    assert refs(quiet) == ["1", "2", "3"]
    assert mending.replay(quiet, TaskFilter(**wanted)) == found
    assert refs(quiet) == left


def test_what_is_unchanged_is_sent_once_more_as_it_is_and_what_was_edited_as_its_next_version(site: Site, gateway: Gateway) -> None:
    for number in (1, 2, 3):
        site.save(number, at=OLD, changed=OLD)
    read(gateway)
    send(gateway, "RX0001|1", "RX0002|1", "RX0003|1")
    site.save(2, at=OLD, changed=OLD, quantity="5")
    site.save(3, at=OLD, changed=OLD, quantity=None)
    assert mending.rehearse(gateway, TaskFilter(reason="未登记")).requeued == 3
    found = mending.replay(gateway, TaskFilter(reason="未登记"))
    assert (found.looked, found.requeued) == (3, 1)
    assert sorted(send(gateway).held) == [("RX0001|1", 1), ("RX0002|1", 2)]
    assert {each.row.ref: each.kind for each in mending.every(gateway, TaskFilter())} == {"3": TaskKind.MEND}


def test_a_site_that_is_away_is_told_and_nothing_changes(quiet: Gateway, site: Site) -> None:
    away = site.database.with_suffix(".away")
    site.database.rename(away)
    for tried in (mending.rehearse, mending.replay):
        found = tried(quiet, TaskFilter(dataset="RX01"))
        assert found.looked == 0
        assert len(found.unreadable) == 1
    away.rename(site.database)
    assert refs(quiet) == ["1", "2", "3"]


def test_rows_of_a_source_that_is_not_configured_any_more_are_told(quiet: Gateway, site: Site, clock: Clock) -> None:
    def rename(settings: dict[str, Any]) -> None:
        settings["sources"][0]["name"] = "new"

    amend(site.config, rename)
    with opened(configuration.load(site.config), clock) as gateway:
        (sentence,) = mending.replay(gateway, TaskFilter(dataset="RX01")).unreadable
        assert "来源 his 的 RX01" in sentence
        assert [each.columns for each in mending.tasks(gateway, TaskFilter()).tasks[0].reasons] == [()]


# owner and note


def test_owner_and_note_survive_a_replay_and_end_with_the_task(quiet: Gateway) -> None:
    both = TaskFilter(department="内科")
    assert mending.assign(quiet, both, "药房", "clerk") == 2
    assert mending.annotate(quiet, TaskFilter(key="RX0002|1"), "等厂家", "clerk") == 1
    mending.replay(quiet, both)
    (task,) = mending.every(quiet, TaskFilter(owner="药房"))
    assert (task.row.ref, task.owner, task.note) == ("2", "药房", "等厂家")
    assert [(each.owner, each.note) for each in mending.history(quiet, task.row)] == [("药房", ""), ("药房", "等厂家")]
    assert mending.task(quiet, LocalRow("his", "RX01", "1")) is None
    assert mending.assign(quiet, TaskFilter(owner="药房"), "", "clerk") == 1
    assert refs(quiet, owner="药房") == []


@pytest.mark.parametrize("text", ["13900000000", "990000199001011234", "两\n行"])
def test_numbers_of_persons_are_refused_and_nothing_is_written(quiet: Gateway, text: str) -> None:
    for write in (mending.assign, mending.annotate):
        with pytest.raises(ConfigError):
            write(quiet, TaskFilter(), text, "clerk")
    assert mending.history(quiet, LocalRow("his", "RX01", "1")) == []


# pages


def test_a_page_has_the_soonest_deadlines_first_and_knows_how_many_there_are(site: Site, gateway: Gateway, clock: Clock) -> None:
    for number in range(1, 6):
        site.save(number, changed=f"2026-11-25 07:0{number}:00", quantity=None)
        read(gateway)
        clock.move(24 * 3600)
    page = mending.tasks(gateway, TaskFilter(), start=1, size=2)
    assert ([each.row.ref for each in page.tasks], page.total, page.overdue) == (["2", "3"], 5, 0)
    clock.move(4 * 24 * 3600)
    page = mending.tasks(gateway, TaskFilter())
    assert (page.overdue, page.kinds) == (2, {TaskKind.MEND: 5})
    assert refs(gateway, due_within=timedelta()) == ["1", "2"]
    assert page.tasks[0].last_day == date(2026, 12, 2)
    assert [each.left_told(clock()) for each in page.tasks] == ["已超期 2 天", "已超期 1 天", "今天到期", "还剩 1 天", "还剩 2 天"]


def test_rejections_count_as_the_account_does(site: Site, gateway: Gateway) -> None:
    site.save(1)
    read(gateway)
    send(gateway, "RX0001|1")
    (account,) = gateway.store.standings(gateway.routes)
    assert mending.tasks(gateway, TaskFilter()).kinds == {TaskKind.RETURNED: account.states[State.REJECTED]}
