"""Manifests of several institutions and several targets, and what keeps one from being made."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, event
from structlog.testing import capture_logs
from support.delivery import INSTITUTION, START, Clock, Platform

import adapters
from demo import his
from gateway import config as configuration
from gateway import proving, stating
from gateway.errors import SourceChangedError, StoreError
from gateway.manifest import Basis, Statement
from gateway.model import Brake, BrakeKind
from gateway.outbox import State
from gateway.tiers import Tier
from gateway.uploading import upload
from gateway.wiring import Gateway, opened
from schemas import loader
from schemas.build import validator
from schemas.holdings import Answer, Asked, Question
from schemas.manifest import CODE, Entry, digest
from schemas.wire import SHANGHAI

OTHER = "H99000100002"
DAY = START.date() - timedelta(days=1)
_KEY = '{paasid: "x", token: {file: token}}'


@contextmanager
def installed(folder: Path, clock: Clock, others: str = "[]") -> Iterator[Gateway]:
    """Two targets; the rows say by `anticoagulant` whose they are."""
    profile = folder / "profile"
    shutil.copytree(Path(adapters.__file__).parent / "his" / "demo_his", profile)
    for query in ("HD03.sql", "HD03.window.sql", "HD03.lookup.sql"):
        path = profile / "queries" / query
        text = path.read_text(encoding="utf-8")
        named = "dialysis_session.anticoagulant AS fixmedins_code"
        changed = text.replace("dialysis_session.anticoagulant,", f"dialysis_session.anticoagulant, {named},")
        assert changed != text
        path.write_text(changed if others != "[]" else text, encoding="utf-8")
    his.create(folder / "his.db")
    run(folder, "INSERT INTO patient VALUES (1, 'C0001', '测试', 'P0001', 'T0001')")
    run(folder, "INSERT INTO charge_item VALUES (1, 'I1', '血液透析', '003110000010000-311000001', '次')")
    (folder / "token").write_text("synthetic\n", encoding="utf-8")
    (folder / "config.yaml").write_text(
        f"""
store: {{url: "sqlite:///gateway.db", disk_floor: 0}}
institutions:
  - {{code: "{INSTITUTION}", name: 测试医院, admvs: "990001"}}
  - {{code: "{OTHER}", name: 别家, admvs: "990001"}}
targets:
  bureau: {{url: "https://10.0.0.1/api", credentials: {{"{INSTITUTION}": {_KEY}, "{OTHER}": {_KEY}}}}}
  county: {{url: "https://10.0.0.2/api", credentials: {{"{INSTITUTION}": {_KEY}, "{OTHER}": {_KEY}}}}}
sources:
  - name: his
    profile: "{profile}"
    url: "sqlite:///his.db"
    institution: "{INSTITUTION}"
    institutions: {others}
    datasets: ["HD03"]
""",
        encoding="utf-8",
    )
    with opened(configuration.load(folder / "config.yaml"), clock) as found:
        yield found


def run(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "his.db")) as connection:
        connection.execute(statement, values)
        connection.commit()


def treat(folder: Path, number: int, whose: str | None = None, day: date = DAY) -> None:
    row = (number, f"TX{number:04d}", 1, day.isoformat(), "08:00", "12:00", 240, "M01", 1, whose, "2026-11-24 13:00:00")
    names = "id, session_no, patient_id, session_date, on_clock, off_clock, minutes, machine, item_id, anticoagulant, created_at"
    run(folder, f"INSERT INTO dialysis_session ({names}, updated_at) VALUES ({', '.join('?' * 12)})", *row, row[-1])


class Platforms:
    """What both targets hold."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.all = {target: Platform() for target in ("bureau", "county")}

    def send(self, *targets: str) -> None:
        for target in targets:
            upload(self.gateway.store, self.all[target], target, clock=self.gateway.clock, lease=timedelta(minutes=2))

    def manifests(self, target: str) -> list[dict[str, Any]]:
        records = [orjson.loads(body) for body in self.all[target].held.values()]
        return [record for record in records if record["key"].startswith("HD03|")]


def test_a_row_counts_by_its_least_advanced_target_and_the_digest_is_of_what_both_hold(tmp_path: Path, clock: Clock) -> None:
    with installed(tmp_path, clock) as gateway:
        platforms = Platforms(gateway)
        treat(tmp_path, 1)
        gateway.read(gateway.feeds[0])
        platforms.send("bureau")
        (first,) = stating.state(gateway, "HD03", DAY)[1]
        assert (first.figures["read"], first.figures["queued"], first.digest) == (1, 1, digest([]))
        platforms.send("county", "bureau")
        (second,) = stating.state(gateway, "HD03", DAY)[1]
        assert (second.version, second.figures["accepted"], second.live) == (2, 1, 1)
        entry = gateway.store.ledger(INSTITUTION, "HD03", ["TX0001"])["TX0001"]
        assert second.digest == digest([Entry("TX0001", 1, entry.content_hash)])
        platforms.send("county", "bureau")
        for target in platforms.all:
            assert [each["version"] for each in platforms.manifests(target)] == ["1", "2"]
            assert all(validator(loader.reference(), CODE).violations(each) == () for each in platforms.manifests(target))


def test_each_institution_has_its_own_and_a_row_of_nobody_counts_with_the_one_whose_database_it_is(
    tmp_path: Path, clock: Clock
) -> None:
    with installed(tmp_path, clock, f'["{OTHER}"]') as gateway:
        for number, whose in ((1, INSTITUTION), (2, INSTITUTION), (3, "H99000199999")):
            treat(tmp_path, number, whose)
        found = {said.institution: said for said in stating.state(gateway, "HD03", DAY)[1]}
        ours, theirs = found[INSTITUTION], found[OTHER]
        assert {name: count for name, count in ours.figures.items() if count} == {"read": 3, "quarantined": 1, "queued": 2}
        assert (theirs.zero, theirs.basis) == (True, Basis.SOURCE)
        treat(tmp_path, 4, OTHER)
        again = {said.institution: said for said in stating.state(gateway, "HD03", DAY)[1]}
        assert again[INSTITUTION] == ours
        assert (again[OTHER].version, again[OTHER].figures["read"]) == (2, 1)
        platforms = Platforms(gateway)
        platforms.send("bureau")
        held = [(each["fixmedins_code"], each["version"], each["read"]) for each in platforms.manifests("bureau")]
        assert sorted(held) == [(INSTITUTION, "1", "3"), (OTHER, "2", "1")], "what was never sent is superseded"


def test_a_source_that_a_brake_stops_is_not_stated_and_is_told_in_the_log(tmp_path: Path, clock: Clock) -> None:
    with installed(tmp_path, clock) as gateway:
        gateway.store.engage(Brake("his", "HD03", BrakeKind.SOURCE, "数据库不是原来那一个", clock()))
        with pytest.raises(SourceChangedError):
            stating.state(gateway, "HD03", DAY)
        clock.move(2 * 86400)
        with capture_logs() as logs:
            stating.turn(gateway)
        assert [(each["event"], each["kind"], each["job"]) for each in logs] == [("failed", "SourceChangedError", "manifest")]
        assert gateway.store.statements("HD03", DAY) == []


def test_a_row_that_is_nowhere_lets_no_account_be_given(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    with installed(tmp_path, clock) as gateway:
        treat(tmp_path, 1)
        treat(tmp_path, 2)
        whereabouts = type(gateway.store).whereabouts
        monkeypatch.setattr(type(gateway.store), "whereabouts", lambda *arguments: whereabouts(*arguments)[1:])
        with pytest.raises(StoreError, match=r"1 行读到了却没有着落（本地行号 1），不能出清单"):
            stating.state(gateway, "HD03", DAY)
        assert gateway.store.statements("HD03", DAY) == []


def test_a_site_that_was_away_is_looked_at_again_and_days_done_are_not(tmp_path: Path, clock: Clock) -> None:
    with installed(tmp_path, clock) as gateway:
        clock.move(2 * 86400)
        days = stating.due(gateway, "HD03")
        assert days == [DAY + timedelta(days=2), DAY + timedelta(days=1)]
        stating.state(gateway, "HD03", days[0])
        assert stating.due(gateway, "HD03") == days[1:]
        run(tmp_path, "ALTER TABLE dialysis_session RENAME TO elsewhere")
        stating.turn(gateway)
        assert stating.due(gateway, "HD03") == days[1:]
        run(tmp_path, "ALTER TABLE elsewhere RENAME TO dialysis_session")
        stating.turn(gateway)
        assert stating.due(gateway, "HD03") == []
        assert [each.state for each in gateway.store.deliveries(CODE)] == [State.QUEUED] * 4


def test_a_store_that_two_gateways_share_keeps_one_account_of_a_day(tmp_path: Path, clock: Clock) -> None:
    with installed(tmp_path, clock) as gateway:
        treat(tmp_path, 1)
        with opened(gateway.config, clock) as other:
            first = stating.state(gateway, "HD03", DAY)[1]
            assert _told(stating.state(other, "HD03", DAY)[1]) == _told(first)
        assert len(gateway.store.statements("HD03", DAY)) == 1


def _told(found: list[Statement]) -> list[tuple[int, str]]:
    return [(each.version, each.digest) for each in found]


FIRST = START.date()  #: the day of the installation: nothing before it is stated by itself


@contextmanager
def asked_at_the_site() -> Iterator[list[str]]:
    """Every statement that reads sessions of a span of days."""
    found: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: Any) -> None:
        if "dialysis_session" in statement and "session_date <" in statement:
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def at(clock: Clock, day: date, hour: int) -> None:
    clock.now = datetime.combine(day, time(hour), SHANGHAI)


def looked(gateway: Gateway) -> dict[date, datetime]:
    return {day: moment for (_, day), moment in gateway.store.stated_looks("HD03", FIRST).items()}


def night(gateway: Gateway, clock: Clock, day: date) -> None:
    """The cold tier at two, then manifests at three: before their hour."""
    at(clock, day, 2)
    gateway.reader(gateway.feeds[0]).sweep(Tier.COLD)
    at(clock, day, 3)
    stating.turn(gateway)


@contextmanager
def stated_three_days(folder: Path, clock: Clock) -> Iterator[Gateway]:
    """A row on each of the first two days, none on the third."""
    with installed(folder, clock) as gateway:
        for number in (1, 2):
            treat(folder, number, day=FIRST + timedelta(days=number - 1))
        at(clock, FIRST + timedelta(days=3), 8)
        stating.turn(gateway)
        yield gateway


def test_only_yesterday_is_read_for_its_manifest_and_older_days_are_stated_from_what_the_night_has_read(
    tmp_path: Path, clock: Clock
) -> None:
    with stated_three_days(tmp_path, clock) as gateway:
        today = FIRST + timedelta(days=4)
        with asked_at_the_site() as asked:
            night(gateway, clock, today)
            assert len(asked) == 45 + 2, "each open day, and what lies ahead"
            moment = datetime.combine(today, time(2), SHANGHAI)
            assert looked(gateway) == {FIRST + timedelta(days=number): moment for number in range(3)}
            at(clock, today, 8)
            stating.turn(gateway)
            stating.turn(gateway)
            assert len(asked) == 45 + 2 + 1, "yesterday"
        assert stating.due(gateway, "HD03") == stating.reviewable(gateway, "HD03") == []
        assert [each.version for day in looked(gateway) for each in gateway.store.statements("HD03", day)] == [1] * 4


def test_what_the_night_has_found_late_is_stated_and_a_zero_revoked_without_asking_the_site_again(
    tmp_path: Path, clock: Clock
) -> None:
    with stated_three_days(tmp_path, clock) as gateway:
        late = FIRST + timedelta(days=2)
        treat(tmp_path, 3, day=late)
        with asked_at_the_site() as asked:
            night(gateway, clock, FIRST + timedelta(days=4))
            assert len(asked) == 45 + 2
        zero, said = gateway.store.statements("HD03", late)
        assert (zero.zero, bool(zero.revoked_at), said.figures["read"], said.version) == (True, True, 1, 2)
        assert said.basis is Basis.SOURCE
        (again,) = stating.state(gateway, "HD03", late)[1]
        assert again.version == said.version, "the site says the same"


def test_a_row_of_the_nights_reading_that_the_store_has_forgotten_lets_the_day_be_read_after_all(
    tmp_path: Path, clock: Clock
) -> None:
    with stated_three_days(tmp_path, clock) as gateway:
        treat(tmp_path, 3, day=FIRST)
        run(tmp_path, "UPDATE dialysis_session SET minutes = NULL, patient_id = 9 WHERE id = 3")
        today = FIRST + timedelta(days=4)
        at(clock, today, 2)
        gateway.reader(gateway.feeds[0]).sweep(Tier.COLD)
        run(tmp_path, "DELETE FROM dialysis_session WHERE id = 3")
        gateway.store.forget("his", "HD03", {"3"})
        with asked_at_the_site() as asked:
            stating.turn(gateway)
            assert len(asked) == 1
        assert stating.reviewable(gateway, "HD03") == []
        (said,) = gateway.store.statements("HD03", FIRST)
        assert (said.version, said.figures["read"]) == (1, 1)


def test_a_day_that_the_night_did_not_reach_is_read_for_its_manifest_after_two_nights(tmp_path: Path, clock: Clock) -> None:
    with stated_three_days(tmp_path, clock) as gateway:
        at(clock, FIRST + timedelta(days=5), 8)
        assert stating.due(gateway, "HD03") == [FIRST + timedelta(days=number) for number in (4, 3)]
        at(clock, FIRST + timedelta(days=6), 8)
        assert stating.due(gateway, "HD03") == [FIRST + timedelta(days=number) for number in (5, 4, 3, 2, 1, 0)]


def test_a_manifest_made_by_a_clock_that_ran_ahead_is_looked_at_again(tmp_path: Path, clock: Clock) -> None:
    with stated_three_days(tmp_path, clock) as gateway:
        treat(tmp_path, 3, day=FIRST + timedelta(days=2))
        at(clock, FIRST + timedelta(days=300), 8)
        stating.state(gateway, "HD03", FIRST + timedelta(days=2))
        at(clock, FIRST + timedelta(days=3), 9)
        assert stating.due(gateway, "HD03") == [FIRST + timedelta(days=2)]
        stating.turn(gateway)
        assert stating.due(gateway, "HD03") == []


def test_a_day_of_which_no_account_can_be_given_does_not_keep_the_others_from_theirs(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed(tmp_path, clock) as gateway:
        treat(tmp_path, 1, day=FIRST + timedelta(days=1))
        whereabouts = type(gateway.store).whereabouts
        monkeypatch.setattr(type(gateway.store), "whereabouts", lambda *arguments: whereabouts(*arguments)[1:])
        at(clock, FIRST + timedelta(days=3), 8)
        stating.turn(gateway)
        assert looked(gateway).keys() == {FIRST, FIRST + timedelta(days=2)}


def test_rows_that_are_not_reported_by_rule_leave_a_zero_a_zero_on_both_sides(tmp_path: Path, clock: Clock) -> None:
    with installed(tmp_path, clock) as gateway:
        assert stating.state(gateway, "HD03", DAY)[1][0].zero
        treat(tmp_path, 1)
        run(tmp_path, "UPDATE dialysis_session SET delete_flag = 1 WHERE id = 1")
        (said,) = stating.state(gateway, "HD03", DAY)[1]
        assert (said.figures["read"], said.figures["excluded"], said.zero) == (1, 1, True)
        assert [bool(each.revoked_at) for each in gateway.store.statements("HD03", DAY)] == [False, False]
        treat(tmp_path, 2)
        (said,) = stating.state(gateway, "HD03", DAY)[1]
        first, second, third = gateway.store.statements("HD03", DAY)
        assert (first.revoked_by, bool(second.revoked_at), third.zero) == (second.revoked_by, True, False)
        assert "后来有 1 行" in first.revoked_by
        assert first.revoked_by.endswith("来源 his 的 2")


class Answering(Platform):
    """Says what it holds of a day, too."""

    def holdings(self, institution: str, question: Question) -> Answer:
        asked = question.asked or tuple(Asked(key, version) for key, version in self.held if key.startswith("TX"))
        return super().holdings(institution, replace(question, asked=asked))

    def close(self) -> None:
        """There is nothing to give back."""


def test_of_two_platforms_the_faster_one_is_told_that_the_other_is_behind(tmp_path: Path, clock: Clock) -> None:
    with installed(tmp_path, clock) as gateway:
        platforms = Platforms(gateway)
        platforms.all = {target: Answering(answers_queries=True) for target in platforms.all}
        gateway.clients.update(platforms.all)  # type: ignore[arg-type]
        treat(tmp_path, 1)
        gateway.read(gateway.feeds[0])
        platforms.send("bureau")
        stating.state(gateway, "HD03", DAY)
        platforms.send("bureau")
        (proof,) = proving.proofs_of(gateway, DAY, target="bureau")
        assert proof.faults == ("清单只算各平台都收下的，别的平台还没有收齐；收齐后出下一版清单，再来证明",)
        platforms.send("county")
        stating.state(gateway, "HD03", DAY)
        platforms.send("bureau", "county")
        assert [each.proven for each in proving.proofs_of(gateway, DAY)] == [True, True]
