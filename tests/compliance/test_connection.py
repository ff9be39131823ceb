"""对接: the states of a connection, each by a real cause, and figures that are the same before and after compaction."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from support.bureau import INSTITUTION
from support.watched import Watched

from compliance import connection, thresholds
from compliance.closing import Closure
from compliance.connection import Coverage, Link
from compliance.store.beats import StoredBeats
from compliance.store.closures import StoredClosures
from compliance.store.database import Database
from compliance.store.tables import message, record
from schemas.model import Edition
from schemas.wire import SHANGHAI

EIGHT = datetime(2026, 11, 24, 8, 0, tzinfo=SHANGHAI)
DAY = EIGHT.date()
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def watched(edition: Edition, store: Database) -> Watched:
    return Watched(edition, store)


def beats_kept(store: Database) -> int:
    with store.read() as connection:
        return int(connection.execute(select(func.count()).where(record.c.dataset == "OP02")).scalar_one())


def compact(watched: Watched, before: date) -> int:
    return StoredBeats(watched.store).compact(before, watched.edition.datasets["OP02"].infno)


def test_who_never_sent_a_heartbeat_is_never_connected(watched: Watched) -> None:
    line = watched.link(EIGHT)
    assert (line.state, line.last_at, line.coverage.share) == (Link.NEVER, None, None)


@pytest.mark.parametrize(
    ("minutes", "state"), [(0, Link.CONNECTED), (10, Link.CONNECTED), (11, Link.LATE), (30, Link.LATE), (31, Link.SILENT)]
)
def test_a_connection_is_late_after_two_intervals_and_silent_after_six(watched: Watched, minutes: int, state: Link) -> None:
    watched.beat(EIGHT)
    assert watched.link(EIGHT + minutes * MINUTE).state is state


def test_silence_on_a_closed_day_is_closed_and_a_heartbeat_shows_all_the_same(watched: Watched, edition: Edition) -> None:
    closed = Closure(INSTITUTION, DAY, DAY, frozenset(), "盘点", "test", EIGHT)
    StoredClosures(watched.store, edition).add([closed])
    assert watched.link(EIGHT).state is Link.CLOSED
    watched.beat(EIGHT)
    assert watched.link(EIGHT).state is Link.CONNECTED
    assert watched.link(EIGHT + HOUR).state is Link.CLOSED
    assert watched.link(EIGHT + timedelta(days=1)).state is Link.SILENT


def test_closed_days_do_not_excuse_a_silence_that_began_long_before_them(watched: Watched, edition: Edition) -> None:
    weekly = Closure(INSTITUTION, DAY, None, frozenset({DAY.weekday(), (DAY.weekday() + 1) % 7}), "周休", "test", EIGHT)
    StoredClosures(watched.store, edition).add([weekly])
    watched.beat(EIGHT - 14 * HOUR)
    assert watched.link(EIGHT).state is Link.CLOSED, "switched off on the evening before"
    assert watched.link(EIGHT + 24 * HOUR).state is Link.CLOSED, "the second of two closed days"
    assert watched.link(EIGHT + timedelta(days=7)).state is Link.SILENT


def test_a_declaration_of_some_data_sets_does_not_excuse_silence(watched: Watched) -> None:
    watched.beat(EIGHT)
    watched.declare(EIGHT + MINUTE, EIGHT, EIGHT + 5 * HOUR, affected=[{"dataset": "HD03"}])
    assert watched.link(EIGHT + 2 * HOUR).state is Link.SILENT
    everything = [{"dataset": row.dataset} for row in watched.board(EIGHT).rows]
    watched.declare(EIGHT + 2 * MINUTE, EIGHT, EIGHT + 5 * HOUR, affected=everything)
    assert watched.link(EIGHT + 2 * HOUR).state is Link.DECLARED


def test_silence_that_was_declared_is_declared_until_it_should_be_over(watched: Watched) -> None:
    watched.beat(EIGHT)
    watched.declare(EIGHT + MINUTE, EIGHT, EIGHT + 5 * HOUR)
    assert watched.link(EIGHT + 4 * HOUR).state is Link.DECLARED
    assert watched.link(EIGHT + 6 * HOUR).state is Link.SILENT


def test_an_outage_without_an_end_excuses_no_longer_than_the_policy_says(watched: Watched) -> None:
    watched.beat(EIGHT)
    watched.declare(EIGHT + MINUTE, EIGHT)
    days = thresholds.shipped().open_declaration_days
    assert watched.link(EIGHT + timedelta(days=days)).state is Link.DECLARED
    assert watched.link(EIGHT + timedelta(days=days, minutes=1)).state is Link.SILENT


def test_a_heartbeat_says_what_waits_and_whose_clock_is_off(watched: Watched) -> None:
    watched.beat(EIGHT, ahead=timedelta(seconds=90), queue=7)
    line = watched.link(EIGHT + MINUTE, DAY)
    assert line.newest is not None
    assert (line.newest.queue_depth, line.offset_seconds, line.beats) == (7, 90, 1)
    assert "时钟快 90 秒，请核对授时" in line.remarks


def test_a_clock_that_is_off_changes_nothing_of_what_counts(watched: Watched) -> None:
    watched.beat(EIGHT, ahead=timedelta(days=-4000))
    assert watched.link(EIGHT + MINUTE).state is Link.CONNECTED
    watched.beat(EIGHT + HOUR)
    assert compact(watched, DAY + timedelta(days=1)) == 1
    assert watched.link(EIGHT + 2 * HOUR, DAY).beats == 2


def test_the_share_of_a_day_counts_from_the_first_heartbeat_ever_and_over_midnight(watched: Watched) -> None:
    watched.beats(EIGHT, EIGHT + 2 * HOUR)
    watched.beats(EIGHT + 15 * HOUR + 57 * MINUTE, EIGHT + 24 * HOUR)
    first = watched.link(EIGHT + 24 * HOUR, DAY).coverage
    # 08:00 to 10:10 and 23:57 to midnight, of 16 hours
    assert first == Coverage(covered=133, whole=960, gap=827)
    assert watched.link(EIGHT + 24 * HOUR, DAY + timedelta(days=1)).coverage == Coverage(covered=480, whole=480, gap=0)
    assert watched.link(EIGHT + 24 * HOUR, DAY - timedelta(days=1)).coverage.share is None
    assert "当日覆盖不足 98％" in watched.link(EIGHT + 24 * HOUR, DAY).remarks


def test_one_heartbeat_may_be_lost_and_two_make_a_gap(watched: Watched) -> None:
    watched.beats(EIGHT, EIGHT + HOUR, every=10 * MINUTE)
    assert watched.link(EIGHT + HOUR, DAY).coverage.gap == 0
    watched.beats(EIGHT + HOUR + 15 * MINUTE, EIGHT + HOUR + 30 * MINUTE)
    assert watched.link(EIGHT + HOUR + 31 * MINUTE, DAY).coverage.gap == 5


def test_compaction_keeps_the_newest_and_changes_no_figure(watched: Watched, store: Database) -> None:
    watched.beats(EIGHT, EIGHT + 2 * HOUR)
    watched.beat(EIGHT + 26 * HOUR, ahead=timedelta(seconds=2))
    watched.beats(EIGHT + 48 * HOUR, EIGHT + 49 * HOUR)
    moments = [EIGHT + hours * HOUR for hours in (1, 2, 3, 26, 27, 49, 50, 80)]
    days = [DAY + timedelta(days=number) for number in (-1, 0, 1, 2, 3)]

    def figures() -> list[object]:
        found = [watched.link(moment, day) for moment in moments for day in days if day <= moment.date()]
        return [(line.state, line.last_at, line.beats, line.coverage, line.offset_seconds) for line in found]

    before = figures()
    assert compact(watched, DAY + timedelta(days=2)) == 26
    assert beats_kept(store) == 13
    # as of a moment in a day that is compacted, beats and clock are the whole day's: the minutes still tell what had come by then
    same = [(each[:2], each[3]) for each in before]  # type: ignore[index]
    assert [(each[:2], each[3]) for each in figures()] == same  # type: ignore[index]
    assert watched.link(EIGHT + 80 * HOUR, DAY).beats == 25
    assert compact(watched, DAY + timedelta(days=30)) == 12
    assert compact(watched, DAY + timedelta(days=30)) == 0
    assert beats_kept(store) == 1
    newest = watched.link(EIGHT + 80 * HOUR).newest
    assert newest is not None
    assert newest.received_at == EIGHT + 49 * HOUR
    assert [(each[:2], each[3]) for each in figures()] == same  # type: ignore[index]


def test_the_notes_of_compacted_heartbeats_go_and_those_of_records_stay(watched: Watched, store: Database) -> None:
    watched.sessions(EIGHT, EIGHT)
    watched.beats(EIGHT, EIGHT + HOUR)
    compact(watched, DAY + timedelta(days=1))
    with store.read() as connection_:
        kept = connection_.execute(select(message.c.infno, func.count()).group_by(message.c.infno)).all()
    assert [tuple(row) for row in kept] == [(watched.edition.datasets["HD03"].infno, 1)]


def test_a_heartbeat_after_compaction_is_taken_like_any_other(watched: Watched) -> None:
    watched.beats(EIGHT, EIGHT + HOUR)
    compact(watched, DAY + timedelta(days=1))
    watched.beat(EIGHT + 24 * HOUR)
    assert watched.link(EIGHT + 24 * HOUR).state is Link.CONNECTED
    compact(watched, DAY + timedelta(days=2))
    assert watched.link(EIGHT + 25 * HOUR, DAY).beats == 13
    assert connection.MINUTES == 1440
