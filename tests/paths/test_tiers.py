"""The three tiers over a real site database: late commits, silent edits, deletions; and what must not be taken for them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from support.brakes import release
from support.delivery import Clock

from adapters import profile
from compliance import serving
from demo import premises, story
from demo.premises import Premises
from gateway import config as configuration
from gateway import wiring
from gateway.errors import SourceChangedError
from gateway.main import cli
from gateway.model import Brake, BrakeKind
from gateway.tiers import Reader, Tier
from gateway.wiring import Gateway

HOSPITAL = "H99000100001"
START, DAYS = date(2026, 11, 10), 4


@pytest.fixture
def district(tmp_path: Path) -> Premises:
    built = premises.build(tmp_path / "district")
    for name, path in built.databases.items():
        with closing(sqlite3.connect(path)) as connection:
            story.play(connection, (each for each in story.changes(7, START, DAYS) if each.database == name))
    return built


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway(district: Premises, clock: Clock) -> Iterator[Gateway]:
    with wiring.opened(configuration.load(district.gateways[HOSPITAL]), clock) as opened:
        yield opened


class Site:
    """The hospital's dialysis sessions, and the gateway's reader of them."""

    def __init__(self, district: Premises, gateway: Gateway, clock: Clock) -> None:
        self.path, self.gateway, self.clock = district.databases[f"his:{HOSPITAL}"], gateway, clock
        feed = next(each for each in gateway.feeds if each.source.dataset == "HD03")
        self.reader: Reader = gateway.reader(feed)

    def run(self, sql: str, *values: object) -> int:
        with closing(sqlite3.connect(self.path)) as connection:
            count = connection.execute(sql, values).rowcount
            connection.commit()
        return count

    def sessions(self) -> list[str]:
        """Session numbers that the ledger holds as live, oldest first."""
        span = self.reader.span(Tier.COLD)
        found = self.gateway.store.missing("his", "HD03", span.start, span.end, lambda entry: False)
        return sorted(entry.key for entry in found)

    def sweep(self, times: int = 1, tier: Tier = Tier.COLD) -> int:
        """How many were withdrawn."""
        voided = 0
        for _ in range(times):
            self.clock.move(300)
            voided += self.reader.sweep(tier).voided
        return voided


@pytest.fixture
def site(district: Premises, gateway: Gateway, clock: Clock) -> Site:
    found = Site(district, gateway, clock)
    assert found.reader.hot().queued > 20
    return found


def test_a_row_committed_late_with_an_older_change_time_is_found_by_the_window(site: Site) -> None:
    copy = "INSERT INTO dialysis_session SELECT {columns} FROM dialysis_session WHERE session_no = ?"
    names = _columns(site, "dialysis_session")
    one = site.sessions()[0]
    chosen = ", ".join({"id": "id + 100000", "session_no": "'LATE1'"}.get(name, name) for name in names)
    assert site.run(copy.format(columns=chosen), one) == 1
    site.clock.move(60)
    assert site.reader.hot().queued == 0
    assert "LATE1" not in site.sessions()
    site.reader.sweep(Tier.COLD)
    assert "LATE1" in site.sessions()


def _columns(site: Site, table: str) -> list[str]:
    with closing(sqlite3.connect(site.path)) as connection:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_an_edit_that_touches_no_timestamp_is_found_and_sent_as_the_next_version(site: Site) -> None:
    one = site.sessions()[0]
    site.run("UPDATE dialysis_session SET end_note = '患者要求' WHERE session_no = ?", one)
    site.clock.move(60)
    assert site.reader.hot().queued == 0
    assert site.reader.sweep(Tier.COLD).tally.queued == 1
    assert site.reader.sweep(Tier.COLD).tally.queued == 0


def test_a_deleted_row_is_withdrawn_after_two_looks_and_not_after_one(site: Site) -> None:
    one = site.sessions()[0]
    site.run("DELETE FROM dialysis_session WHERE session_no = ?", one)
    assert site.sweep() == 0
    assert one in site.sessions()
    assert site.sweep() == 1
    assert one not in site.sessions()
    assert site.sweep(3) == 0


def test_two_looks_in_one_minute_are_one(site: Site) -> None:
    site.run("DELETE FROM dialysis_session WHERE session_no = ?", site.sessions()[0])
    assert [site.reader.sweep(Tier.COLD).voided for _ in range(3)] == [0, 0, 0]


def test_a_row_that_is_back_before_the_second_look_starts_to_count_anew(site: Site) -> None:
    one = site.sessions()[0]
    site.run("CREATE TABLE kept AS SELECT * FROM dialysis_session WHERE session_no = ?", one)
    site.run("DELETE FROM dialysis_session WHERE session_no = ?", one)
    assert site.sweep() == 0
    site.run("INSERT INTO dialysis_session SELECT * FROM kept")
    assert site.sweep() == 0
    site.run("DELETE FROM dialysis_session WHERE session_no = ?", one)
    assert site.sweep() == 0
    assert site.sweep() == 1


def test_a_row_that_comes_back_after_it_was_withdrawn_is_live_again(site: Site) -> None:
    one = site.sessions()[0]
    site.run("CREATE TABLE kept AS SELECT * FROM dialysis_session WHERE session_no = ?", one)
    site.run("DELETE FROM dialysis_session WHERE session_no = ?", one)
    assert site.sweep(2) == 1
    site.run("INSERT INTO dialysis_session SELECT * FROM kept")
    site.sweep()
    assert one in site.sessions()


def test_a_row_moved_out_of_the_window_by_a_date_edit_is_not_gone(site: Site) -> None:
    one = site.sessions()[0]
    site.run("UPDATE dialysis_session SET session_date = '2026-01-05' WHERE session_no = ?", one)
    before = set(site.sessions())
    assert site.sweep(3) == 0
    assert before - set(site.sessions()) == {one}  # it left the span, alive: its anchor is in January now
    (entry,) = site.gateway.store.ledger(HOSPITAL, "HD03", [one]).values()
    assert entry.live


def test_a_row_that_left_the_look_back_window_is_not_gone(site: Site) -> None:
    site.run("DELETE FROM dialysis_session WHERE session_no = ?", site.sessions()[0])
    site.clock.move(timedelta(days=60).total_seconds())
    assert site.sweep(3) == 0


def test_a_row_that_turned_bad_or_unfinished_is_not_gone(site: Site) -> None:
    bad, unfinished = site.sessions()[:2]
    site.run("UPDATE dialysis_session SET weight_before = '六十公斤' WHERE session_no = ?", bad)
    site.run("UPDATE dialysis_session SET off_clock = NULL WHERE session_no = ?", unfinished)
    assert site.sweep(3) == 0
    assert {bad, unfinished} <= set(site.sessions())


def test_a_row_whose_number_was_mended_withdraws_the_old_number(site: Site) -> None:
    one = site.sessions()[0]
    site.run("UPDATE dialysis_session SET session_no = 'MENDED1' WHERE session_no = ?", one)
    assert site.sweep(2) == 1
    assert one not in site.sessions()
    assert "MENDED1" in site.sessions()


def test_an_interrupted_read_proves_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run("DELETE FROM dialysis_session WHERE session_no = ?", site.sessions()[0])
    site.sweep()
    whole = type(site.reader.source).window

    def cut(source: object, *span: object) -> Iterator[object]:
        yield from list(whole(source, *span))[:-1]  # type: ignore[arg-type]
        raise ConnectionError("cut")

    monkeypatch.setattr(type(site.reader.source), "window", cut)
    site.clock.move(300)
    with pytest.raises(ConnectionError):
        site.reader.sweep(Tier.COLD)
    monkeypatch.undo()
    due = site.gateway.store.due_absences("his", "HD03", 2, site.clock() - timedelta(days=1))
    assert due == []


def test_what_the_window_misses_and_the_look_up_finds_is_not_gone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window query that is not complete would withdraw everything it forgets."""
    monkeypatch.setattr(type(site.reader.source), "window", lambda *_: iter(()))
    assert site.sweep(3) == 0


def test_too_many_at_once_stop_and_wait_for_a_person(site: Site, district: Premises) -> None:
    gone = site.sessions()[:3]
    site.run(f"DELETE FROM dialysis_session WHERE session_no IN ({', '.join('?' * 3)})", *gone)
    assert site.sweep(4) == 0
    (brake,) = site.gateway.store.brakes()
    assert (brake.kind, brake.dataset) == (BrakeKind.VOID, "HD03")
    assert "3 行" in brake.sentence

    words = ("brake", "release", "--source", "his", "--dataset", "HD03")
    listed = command(district, "brake", "list")
    assert (listed.exit_code, "gateway brake release" in listed.output) == (1, True)
    for answer in ("n\n", "\n", ""):  # nobody there to answer, too
        refused = command(district, *words, answer=answer)
        assert (refused.exit_code, "3 行" in refused.output, "已放行" in refused.output) == (1, True, False)
    let_go = command(district, *words, answer="y\n")
    assert (let_go.exit_code, "已放行：暂停作废" in let_go.output) == (0, True)
    assert command(district, *words, answer="y\n").exit_code == 1
    assert site.sweep() == 3
    assert command(district, "brake", "list").exit_code == 0


def test_what_comes_up_while_a_person_looks_is_told_and_stays(
    site: Site, district: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    def engage(kind: BrakeKind, sentence: str) -> None:
        site.gateway.store.engage(Brake("his", "HD03", kind, sentence, site.clock()))

    def meanwhile(*_: object, **__: object) -> str:
        engage(BrakeKind.VOID, "40 行查不到")
        engage(BrakeKind.SOURCE, "数据库不是原来那一个")
        return "y"

    engage(BrakeKind.VOID, "30 行查不到")
    engage(BrakeKind.MARKED, "标了 25 行作废")
    monkeypatch.setattr(click, "prompt", meanwhile)
    told = command(district, "brake", "release", "--source", "his", "--dataset", "HD03")
    assert told.exit_code == 1
    shown, _, left = told.output.partition("已放行")
    assert ("30 行" in shown, "25 行" in shown, "40 行" in shown, "不是原来" in shown) == (True, True, False, False)
    assert ("40 行" in left, "不是原来" in left, "又变了或新停下来" in left) == (True, True, True)
    assert {each.kind for each in site.gateway.store.brakes()} == {BrakeKind.VOID, BrakeKind.SOURCE}


def test_what_vanishes_after_the_release_is_not_released_with_it(site: Site) -> None:
    gone = site.sessions()
    for one in gone[:3]:
        site.run("DELETE FROM dialysis_session WHERE session_no = ?", one)
    site.sweep(2)
    release(site.gateway.store, "HD03")
    for one in gone[3:6]:
        site.run("DELETE FROM dialysis_session WHERE session_no = ?", one)
    assert site.sweep(3) == 3
    assert set(gone[3:6]) <= set(site.sessions())


def test_the_brake_is_off_again_once_the_rows_are_back(site: Site) -> None:
    site.run("CREATE TABLE kept AS SELECT * FROM dialysis_session")
    for one in site.sessions()[:3]:
        site.run("DELETE FROM dialysis_session WHERE session_no = ?", one)
    site.sweep(2)
    assert site.gateway.store.brakes()
    site.run("INSERT OR IGNORE INTO dialysis_session SELECT * FROM kept")
    assert site.sweep() == 0
    assert site.gateway.store.brakes() == []


def test_an_emptied_table_stops_reading_and_withdraws_nothing(site: Site) -> None:
    before = site.sessions()
    site.run("DELETE FROM dialysis_session")
    site.clock.move(300)
    with pytest.raises(SourceChangedError, match="一行也没有了"):
        site.reader.sweep(Tier.COLD)
    with pytest.raises(SourceChangedError, match="gateway brake release"):
        site.reader.hot()
    assert site.sessions() == before


def test_another_database_in_its_place_stops_reading_until_a_person_releases_it(site: Site, district: Premises) -> None:
    copy = site.path.with_name("copy.db")
    shutil.copy(site.path, copy)
    copy.replace(site.path)
    site.clock.move(300)
    with pytest.raises(SourceChangedError, match="不是原来那一个"):
        site.reader.hot()
    assert "停止读取" in command(district, "status").output
    command(district, "brake", "release", "--source", "his", "--dataset", "HD03", answer="y\n")
    again = site.reader.hot()
    assert (again.queued, again.unchanged > 20) == (0, True)


def test_a_restored_backup_stops_reading(site: Site) -> None:
    site.run("DELETE FROM dialysis_session WHERE id > (SELECT MAX(id) - 10 FROM dialysis_session)")
    site.clock.move(300)
    with pytest.raises(SourceChangedError, match="像是恢复过备份"):
        site.reader.hot()


def test_rows_at_the_cursor_and_a_little_before_it_are_found_by_the_next_poll(site: Site) -> None:
    names = _columns(site, "dialysis_session")
    newest = "(SELECT MAX(updated_at) FROM dialysis_session)"
    for number, stamp in enumerate((newest, f"datetime({newest}, '-60 seconds')")):
        changed = {"id": f"-{number + 1}", "session_no": f"'NEAR{number}'", "updated_at": stamp}
        chosen = ", ".join(changed.get(name, name) for name in names)
        sql = f"INSERT INTO dialysis_session SELECT {chosen} FROM dialysis_session WHERE session_no = ?"
        assert site.run(sql, site.sessions()[-1]) == 1
    site.clock.move(30)
    assert site.reader.hot().queued == 2
    assert site.reader.hot().queued == 0


def command(district: Premises, *words: str, answer: str = "") -> Result:
    return CliRunner().invoke(cli, ["--config", str(district.gateways[HOSPITAL]), *words], input=answer)


def test_a_backfill_reads_a_range_and_goes_on_where_it_was_broken_off(
    district: Premises, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("backfill", "--source", "his", "--dataset", "HD03", "--from", "2026-11-10", "--to", "2026-11-12")
    whole = Reader.backfill
    days: list[date] = []

    def broken(reader: Reader, first: date, last: date, done: object) -> object:
        def after_one(day: date, tally: object) -> None:
            days.append(day)
            if len(days) == 1:
                raise KeyboardInterrupt

        return whole(reader, first, last, after_one)

    monkeypatch.setattr(Reader, "backfill", broken)
    assert command(district, *words).exit_code != 0
    assert command(district, *words).exit_code == 0
    assert days == [date(2026, 11, 10), date(2026, 11, 11), date(2026, 11, 12)]
    with wiring.opened(configuration.load(district.gateways[HOSPITAL]), clock) as gateway:
        site = Site(district, gateway, clock)
        first = site.sessions()
        assert first
        site.reader.hot()
        assert len(site.sessions()) > len(first)


def test_a_mended_mapping_is_read_again_and_only_what_it_changes_is_sent(district: Premises, clock: Clock, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(profile.discover()["his/demo_his"], folder)
    config = district.gateways[HOSPITAL]
    config.write_text(config.read_text(encoding="utf-8").replace("his/demo_his", str(folder)), encoding="utf-8")

    def hot() -> tuple[int, int]:
        with wiring.opened(configuration.load(config), clock) as gateway:
            tally = Site(district, gateway, clock).reader.hot()
            return tally.queued, tally.unchanged

    queued, _ = hot()
    clock.move(300)
    mapping = folder / "mapping" / "HD03.yaml"
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(text + "# 只加一行说明\n", encoding="utf-8")
    assert hot()[0] == 0
    mapping.write_text(text.replace("  dialyzer: {column: dialyzer}\n", "  dialyzer: {column: machine}\n"), encoding="utf-8")
    assert hot()[0] == queued


def test_the_bureau_is_told_of_a_deletion(site: Site, district: Premises) -> None:
    with serving.Server(serving.build(district.bureau, site.clock), district.bureau.host, district.bureau.port):
        site.gateway.send("bureau")
        one = site.sessions()[0]
        site.run("DELETE FROM dialysis_session WHERE session_no = ?", one)
        assert site.sweep(2) == 1
        site.gateway.send("bureau")
    with closing(sqlite3.connect(district.folder / "bureau" / "compliance.db")) as connection:
        query = "SELECT vali_flag FROM record WHERE dataset = 'HD03' AND key = ? ORDER BY version"
        assert [row[0] for row in connection.execute(query, (one,))] == ["1", "0"]
