"""Manifests of several institutions and several targets, and what keeps one from being made."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs
from support.delivery import INSTITUTION, START, Clock, Platform

import adapters
from demo import his
from gateway import config as configuration
from gateway import stating
from gateway.errors import SourceChangedError, StoreError
from gateway.manifest import Basis, Statement
from gateway.model import Brake, BrakeKind
from gateway.outbox import State
from gateway.uploading import upload
from gateway.wiring import Gateway, opened
from schemas import loader
from schemas.build import validator
from schemas.manifest import CODE, Entry, digest

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


def treat(folder: Path, number: int, whose: str | None = None) -> None:
    row = (number, f"TX{number:04d}", 1, DAY.isoformat(), "08:00", "12:00", 240, "M01", 1, whose, "2026-11-24 13:00:00")
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
