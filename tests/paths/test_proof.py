"""A business day proven through both deployables: manifests, zeros and their revocation, and every kind of difference."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs
from support.delivery import Clock
from support.ward import DAY, HOSPITAL, NAME, Ward, ward

import adapters as profiles
from gateway import stating
from gateway.errors import OutcomeUnknownError
from gateway.main import cli
from gateway.outbox import State
from gateway.proof import Difference
from schemas.envelope import Result as Answer
from schemas.envelope import Status
from schemas.manifest import Entry, digest
from schemas.model import Violation

BEFORE = DAY - timedelta(days=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def room(tmp_path: Path, clock: Clock) -> Iterator[Ward]:
    with ward(tmp_path / "district", clock) as found:
        yield found


def run(room: Ward, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    for module in ("proving", "auditing", "main"):
        name = "now" if module == "main" else "_now"
        monkeypatch.setattr(f"gateway.{module}.{name}", room.clock)
    return CliRunner(env={"COLUMNS": "80"}).invoke(cli, ["--config", str(room.config), *words])


def test_a_day_that_is_all_there_is_proven_and_the_bureau_comes_to_the_same_digest(room: Ward) -> None:
    room.treat(1, 2, 3)
    room.round()
    proof = room.settled()
    assert proof.proven, proof.faults
    (said,) = room.manifests()
    assert (said["read"], said["accepted"]) == ("3", "3")
    rows = [record for record in _held(room) if record[0].startswith("TX")]
    assert said["digest"] == proof.comparison.theirs == digest(Entry(*row) for row in rows)
    assert said["query_digest"].startswith("sha256:")


def _held(room: Ward) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(room.bureau)) as connection:
        return connection.execute("SELECT key, version, content_hash FROM record WHERE dataset = 'HD03'").fetchall()


def test_a_zero_is_stated_and_proven_by_the_query_that_counted_it(room: Ward) -> None:
    room.treat(1, day=BEFORE)
    room.round()
    proof = room.settled()
    assert proof.proven, proof.faults
    (said,) = room.manifests()
    assert (said["read"], said["accepted"], said["digest"]) == ("0", "0", digest([]))
    assert said["query_digest"] == proof.newest.query_digest != room.settled(BEFORE).newest.query_digest  # type: ignore[union-attr]


def test_a_zero_is_revoked_when_a_row_of_that_day_turns_up_and_the_next_version_goes_out(room: Ward) -> None:
    assert room.settled().proven
    room.clock.move(3600)
    room.treat(7)
    room.round()
    with capture_logs() as logs:
        proof = room.settled()
    assert proof.proven, proof.faults
    assert [(each["version"], each["read"], each["accepted"]) for each in room.manifests()] == [("1", "0", "0"), ("2", "1", "1")]
    zero, now = proof.history
    assert zero.revoked_at
    assert zero.revoked_by.startswith("后来有 1 行（最早 2026-11-25 09:01:")
    assert zero.revoked_by.endswith("：来源 his 的 7")
    assert (now.zero, now.revoked_at) == (False, None)
    (warning,) = [each for each in logs if each["event"] == "zero_revoked"]
    assert (warning["log_level"], warning["dataset"], warning["day"], warning["rows"]) == ("warning", "HD03", "2026-11-24", 1)
    (line,) = stating.lines(room.gateway)
    assert "2026-11-24 的零申报（清单第 1 版）已于 2026-11-25 09:01:" in line


def test_a_row_the_store_has_never_seen_is_taken_in_by_the_manifest_itself(room: Ward) -> None:
    """Committed late with an old change time: the cursor has passed it."""
    room.treat(1)
    room.round()
    room.treat(2, updated_at="2026-11-24 12:00:00")
    room.round()
    assert room.states() == {State.ACCEPTED: 1}
    said = room.state()
    assert (said.figures["read"], said.figures["accepted"], said.figures["queued"]) == (2, 1, 1)
    room.send()
    assert room.settled().proven
    assert [each["read"] for each in room.manifests()] == ["2", "2"]


def test_what_says_the_same_is_not_stated_again(room: Ward) -> None:
    room.treat(1)
    room.round()
    for _ in range(3):
        assert room.settled().proven
    room.treat(2, day=BEFORE)
    room.round()
    assert room.settled().proven
    assert len(room.manifests()) == 1
    room.change(1, machine="M02")
    room.round()
    assert room.settled().proven
    assert [each["version"] for each in room.manifests()] == ["1", "2"], "another digest"


def test_each_difference_has_its_class(room: Ward) -> None:
    """Every one by its real cause, on one day."""
    room.treat(*range(1, 7))
    room.round()
    room.state()
    room.treat(11, off_clock=None)
    room.treat(12, machine=None)
    room.treat(13, delete_flag="1")
    room.round()
    room.treat(14)
    room.clock.move(60)
    room.read()
    room.sql("DELETE FROM dialysis_session WHERE id = 1")
    room.at_bureau("DELETE FROM record WHERE key = 'TX0002'")
    room.at_bureau("UPDATE record SET content_hash = 'sha256:00' WHERE key = 'TX0003'")
    copied = "SELECT institution, dataset, 'TX9999', 1, content_hash, vali_flag, edition, body, occurred_at, entered_at, seen_at"
    room.at_bureau(
        "INSERT INTO record (institution, dataset, key, version, content_hash, vali_flag, edition, body, occurred_at, entered_at, "
        f"seen_at, accepted_at, due_at, rid, msgid) {copied}, accepted_at, due_at, rid, msgid FROM record WHERE key = 'TX0004'"
    )
    proof = room.prove()
    assert not proof.proven
    assert {each.difference: (each.count, each.examples) for each in proof.comparison.found} == {
        Difference.LATE: (1, ("来源 his 的 14",)),
        Difference.QUARANTINED: (1, ("来源 his 的 12",)),
        Difference.NOT_READY: (1, ("来源 his 的 11",)),
        Difference.EXCLUDED: (1, ("来源 his 的 13",)),
        Difference.GONE: (1, ("来源 his 的 1",)),
        Difference.LOST: (1, ("来源 his 的 2",)),
        Difference.DIFFERING: (1, ("来源 his 的 3",)),
        Difference.FOREIGN: (1, ("TX9999",)),
    }
    assert "平台持有的与本机所记的摘要不同" in proof.faults
    assert proof.newest is not None
    assert proof.newest.figures["read"] == 9
    assert proof.newest.balanced


def test_what_was_never_sent_or_rejected_or_is_in_doubt_has_its_class_too(room: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    client = room.gateway.clients["bureau"]
    room.treat(1)
    room.clock.move(60)
    room.read()
    assert room.differences() == {Difference.QUEUED: 1}

    def silent(*arguments: Any) -> Any:
        raise OutcomeUnknownError("没有应答")

    monkeypatch.setattr(client, "deliver", silent)
    room.send()
    assert room.differences() == {Difference.UNKNOWN: 1}
    room.change(1, machine="M02")
    room.clock.move(30)
    room.read()
    assert room.states() == {State.HELD: 1}
    assert room.differences() == {Difference.HELD: 1}

    def reject(institution: str, dataset: str, msgid: str, bodies: Any) -> list[Answer]:
        reason = Violation("machine_no", "register", "透析机未登记")
        return [Answer("TX0001", 2, Status.REJECTED, (reason,))] if dataset == "HD03" else []

    monkeypatch.setattr(client, "deliver", reject)
    room.clock.move(3600)
    room.send()
    assert room.states() == {State.REJECTED: 1}
    assert room.differences() == {Difference.REJECTED: 1}
    monkeypatch.undo()


def test_a_row_that_was_withdrawn_everywhere_is_owed_to_nobody(room: Ward) -> None:
    room.treat(1, 2)
    room.round()
    room.change(1, delete_flag="1")
    room.round()
    proof = room.settled()
    assert proof.proven, (proof.faults, proof.comparison)
    said = room.manifests()[-1]
    assert (said["read"], said["excluded"], said["accepted"]) == ("2", "1", "1")
    assert proof.comparison.live == 1


def test_a_row_that_is_gone_leaves_the_day_once_it_is_withdrawn(room: Ward) -> None:
    room.treat(1, 2)
    room.round()
    room.sql("DELETE FROM dialysis_session WHERE id = 1")
    assert room.differences() == {Difference.GONE: 1}
    room.sweep()
    room.sweep()
    room.send()
    proof = room.settled()
    assert proof.proven, (proof.faults, proof.comparison)
    assert (proof.newest.figures["read"], proof.comparison.live) == (1, 1)  # type: ignore[union-attr]


def test_a_record_moved_to_another_day_is_told_once_by_its_new_day(room: Ward) -> None:
    room.treat(1, 2)
    room.round()
    room.change(1, session_date=BEFORE.isoformat())
    room.clock.move(60)
    room.read()
    assert room.differences() == {Difference.QUEUED: 1}, "the platform shows it on the old day still"
    assert room.differences(BEFORE) == {Difference.QUEUED: 1}
    room.send()
    assert room.settled().proven
    assert room.settled(BEFORE).proven


def test_a_lost_record_is_sent_again_once_by_the_day(room: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    room.treat(1, 2, 3)
    room.treat(4, day=BEFORE)
    room.round()
    room.at_bureau("DELETE FROM record WHERE key IN ('TX0002', 'TX0004')")
    assert room.settled().missing == 1
    assert "gateway reconcile --date 2026-11-24 --resend" in run(room, monkeypatch, "prove", "--date", str(DAY)).output
    told = run(room, monkeypatch, "reconcile", "--date", str(DAY), "--dataset", "HD03")
    assert told.exit_code == 1
    assert "核对 3 条，没有不一致的；1 条平台已没有，请与医保局核实，要再报的加 --resend" in told.output
    told = run(room, monkeypatch, "reconcile", "--date", str(DAY), "--dataset", "HD03", "--resend")
    assert told.exit_code == 0
    assert "1 条平台已没有，1 条已按原版本重新排队" in told.output
    assert room.states() == {State.ACCEPTED: 3, State.QUEUED: 1}
    room.send()
    proof = room.settled()
    assert proof.proven, (proof.faults, proof.comparison)
    assert sorted(row[:2] for row in _held(room)) == [("TX0001", 1), ("TX0002", 1), ("TX0003", 1)]
    assert room.differences(BEFORE) == {Difference.LOST: 1}


def test_differing_content_is_rebuilt_by_reconcile_and_then_proven(room: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    room.treat(1, 2)
    room.round()
    room.at_bureau("UPDATE record SET content_hash = 'sha256:00' WHERE key = 'TX0001'")
    assert room.differences() == {Difference.DIFFERING: 1}
    assert run(room, monkeypatch, "reconcile", "--date", str(DAY)).exit_code == 0
    room.round()
    proof = room.settled()
    assert proof.proven, (proof.faults, proof.comparison)


def test_a_day_of_more_records_than_a_page_of_the_question_is_compared_whole(room: Ward) -> None:
    room.treat(*range(1, 520))
    room.round()
    proof = room.settled()
    assert proof.proven, (proof.faults, proof.comparison)
    assert proof.comparison.live == 519


def test_a_site_that_is_away_is_no_proof_and_what_is_known_is_told(room: Ward) -> None:
    room.treat(1)
    room.round()
    assert room.settled().proven
    room.sql("ALTER TABLE dialysis_session RENAME TO elsewhere")
    proof = room.prove()
    assert not proof.proven
    assert proof.trouble
    assert (proof.comparison.live, proof.comparison.found) == (1, ())
    assert len(proof.history) == 1


def test_a_platform_that_cannot_be_asked_is_no_proof(room: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    room.treat(1)
    room.round()
    room.settled()

    def away(*arguments: Any) -> Any:
        raise OutcomeUnknownError("平台没有应答")

    monkeypatch.setattr(room.gateway.clients["bureau"], "holdings", away)
    proof = room.prove()
    assert proof.faults == ("没有与平台对照：平台没有应答",)


def test_without_a_query_for_a_day_the_store_is_counted_and_a_zero_is_no_proof(tmp_path: Path, clock: Clock) -> None:
    profile = tmp_path / "profile"
    shutil.copytree(Path(profiles.__file__).parent / "his" / "demo_his", profile)
    manifest = profile / "manifest.yaml"
    kept = [line for line in manifest.read_text(encoding="utf-8").splitlines() if not re.match(" +(window|lookup|mark):", line)]
    manifest.write_text("\n".join(kept), encoding="utf-8")
    with ward(tmp_path / "district", clock, profile) as room:
        proof = room.settled()
        assert proof.faults == ("零没有本地查询作证（适配包不能按业务日读）",)
        room.treat(1, 2)
        room.treat(3, machine=None)
        room.treat(4, off_clock=None)
        room.treat(5, delete_flag="1")
        room.treat(6, day=BEFORE)
        room.round()
        proof = room.settled()
        assert not proof.faults
        said = room.manifests()[-1]
        assert "query_digest" not in said
        assert [said[part] for part in ("read", "accepted", "quarantined", "not_ready", "excluded")] == ["5", "2", "1", "1", "1"]
        assert {each.difference: each.count for each in proof.comparison.found} == {
            Difference.QUARANTINED: 1,
            Difference.NOT_READY: 1,
            Difference.EXCLUDED: 1,
        }


def test_a_closed_day_is_stated_too(tmp_path: Path, clock: Clock) -> None:
    closed = [{"code": HOSPITAL, "name": "云溪区人民医院（演示）", "admvs": "990001", "closed": [str(DAY)]}]
    with ward(tmp_path / "district", clock, institutions=closed) as room:
        proof = room.settled()
        assert proof.proven
        assert proof.closed
        assert [each["read"] for each in room.manifests()] == ["0"]


def test_serve_states_each_day_once_after_its_hour_and_the_open_days_again_by_what_the_night_read(room: Ward) -> None:
    def stated() -> list[tuple[str, str]]:
        room.send()
        return [(each["business_date"], each["version"]) for each in room.manifests()]

    stating.turn(room.gateway)
    assert stated() == [], "installed today: nothing is owed of the days before"
    room.clock.move(86400 - 3 * 3600)  # 05:00
    stating.turn(room.gateway)
    assert stated() == []
    room.clock.move(3600)  # 06:00
    room.treat(1, day=DAY + timedelta(days=1))
    stating.turn(room.gateway)
    assert stated() == [("2026-11-25", "1")]
    assert stating.due(room.gateway, "HD03") == []
    room.treat(2, day=DAY + timedelta(days=1))
    stating.turn(room.gateway)
    assert stated() == [("2026-11-25", "1")], "not before the next morning"
    room.clock.move(86400)
    assert stating.due(room.gateway, "HD03") == [DAY + timedelta(days=2)]
    room.sweep()
    assert stating.reviewable(room.gateway, "HD03") == [DAY + timedelta(days=1)]
    stating.turn(room.gateway)
    assert stated() == [("2026-11-25", "1"), ("2026-11-25", "2"), ("2026-11-26", "1")]


def test_the_commands_state_and_prove_a_day_and_the_page_is_whole(
    room: Ward, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = run(room, monkeypatch, "manifest", "--date", str(DAY))
    assert "2026-11-24 H99000100001 HD03 第 1 版，零：读到 0 = 0　平（本地查询）" in told.output
    room.send()
    room.treat(1, 2)
    room.treat(3, machine=None)
    room.round()
    page = tmp_path / "证明.html"
    first = run(room, monkeypatch, "prove", "--date", str(DAY))
    assert first.exit_code == 1
    assert "未证明：清单还没有被平台收下" in first.output
    room.send()
    second = run(
        room, monkeypatch, "prove", "--date", str(DAY), "--target", "bureau", "--institution", HOSPITAL, "--out", str(page)
    )
    assert second.exit_code == 1
    for sentence in (
        "读到 3 = 待改正 1 + 已收 2　平",
        "清单第 2 版，",
        "平台有效 2 条；摘要本机 ",
        "第 1 版的零申报已于 2026-11-25 08:01:",
        "待改正 1：不合规范，没有报送",
        "共 1 项，已证明 0 项：1 项没有证明",
    ):
        assert sentence in second.output
    text = page.read_text(encoding="utf-8")
    assert NAME in text
    assert room.gateway.store.rid in text
    assert "来源 his 的 3" in text
    assert "http" not in text, "nothing is fetched"
    assert not re.search("测试|P0001", text), "no person"
    assert page.stat().st_mode & 0o077 == 0
    room.change(3, machine="M03")
    room.round()
    room.settled()
    assert run(room, monkeypatch, "prove", "--date", str(DAY)).exit_code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("manifest", "--date", "2026-11-25"), "2026-11-25 还没有过完"),
        (("manifest", "--from", "2026-11-24"), "请写 --date，或 --from 和 --to"),
        (("manifest", "--from", "2026-11-24", "--to", "2026-11-23"), "--from 应不晚于 --to"),
        (("manifest", "--date", "2026-11-24", "--dataset", "RX01"), "没有读取数据集 RX01，现有：HD03"),
        (("prove", "--date", "2026-11-24", "--target", "x"), "没有符合的机构、数据集或目标"),
    ],
)
def test_what_cannot_be_meant_is_told(room: Ward, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str) -> None:
    result = run(room, monkeypatch, *words)
    assert result.exit_code == 2
    assert told in result.output
