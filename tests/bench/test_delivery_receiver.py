"""What the receiver counts is what the tables say, so it is tested by itself and over its socket."""

from __future__ import annotations

import http.client
from datetime import datetime
from typing import Any

import orjson
import pytest

from bench.delivery import account, counting, ours
from bench.delivery.receiver import Platform
from schemas import envelope, holdings, overlay
from schemas.envelope import Sender, Status
from schemas.holdings import Asked, Fate, Question
from schemas.wire import SHANGHAI

NOW = datetime(2026, 11, 25, 9, tzinfo=SHANGHAI)
EDITION = overlay.load(ours.SITE / "bench.yaml")
SENDER = Sender(account.INSTITUTION, "测试医院", "990001", "99")


def record(number: int, version: int = 1, minutes: int = 240, flag: str = "1") -> dict[str, Any]:
    named = {"key": f"S{number}", "version": str(version), "vali_flag": flag, "content_hash": f"h{minutes}"}
    return {**named, "sess_id": f"S{number}", "duration_min": str(minutes)}


def message(*records: dict[str, Any]) -> bytes:
    bodies = [orjson.dumps(each) for each in records]
    return envelope.wrap(EDITION, EDITION.datasets["BENCH"], SENDER, envelope.message_id("H1", NOW, 1), bodies, NOW)


def upload(platform: Platform, *records: dict[str, Any]) -> tuple[int, bytes] | None:
    return platform.answer("/api/upload", message(*records))


def script(**how: Any) -> Platform:
    platform = Platform()
    platform.answer("/script", orjson.dumps(how))
    return platform


def counts(platform: Platform) -> dict[str, int]:
    answer = platform.answer("/counts", b"")
    assert answer
    return dict(orjson.loads(answer[1]))


def test_every_record_is_answered_as_the_edition_wants_it() -> None:
    answer = upload(Platform(), record(1), record(2))
    assert answer
    results = envelope.results(answer[1], EDITION.datasets["BENCH"], ())
    assert [(each.key, each.version, each.status) for each in results] == [("S1", 1, Status.ACCEPTED), ("S2", 1, Status.ACCEPTED)]


def test_a_record_said_twice_is_a_duplicate_and_an_edited_one_is_not() -> None:
    platform = Platform()
    upload(platform, record(1), record(2))
    upload(platform, record(1), record(2, version=2, minutes=100))
    assert counts(platform) == {"requests": 2, "applied": 4, "duplicates": 1, "distinct": 2}


def test_a_raw_row_is_known_by_its_number_and_its_minutes() -> None:
    platform = Platform()
    for minutes in (240, 240, 250):
        platform.answer("/rows", orjson.dumps([{"session_no": "S1", "minutes": minutes}]))
    assert counts(platform)["duplicates"] == 1


def test_a_busy_answer_applies_nothing_and_a_lost_one_applies_all() -> None:
    busy, silent = script(busy_every=1), script(silent_every=1)
    assert upload(busy, record(1)) == (503, b"busy")
    assert upload(silent, record(1)) is None
    assert (counts(busy)["applied"], counts(silent)["applied"]) == (0, 1)


def test_a_poisoned_message_is_refused_whole_until_the_receiver_relents() -> None:
    platform = script(poison="S2")
    answer = upload(platform, record(1), record(2))
    assert answer and answer[0] == 422 and counts(platform)["applied"] == 0
    platform.answer("/relent", b"{}")
    upload(platform, record(1), record(2))
    assert counts(platform)["applied"] == 2


def test_what_is_held_is_told_by_key_and_version() -> None:
    platform = Platform()
    upload(platform, record(1), record(3, flag="0"))
    asked = holdings.write_question(Question("BENCH", (Asked("S1", 1), Asked("S2", 1))))
    called = EDITION.datasets[holdings.CODE]
    answer = platform.answer("/api/query", envelope.wrap(EDITION, called, SENDER, "m", [asked], NOW))
    assert answer
    found = holdings.read_answer(answer[1]).holdings
    assert [(each.key, each.version, each.content_hash, each.fate) for each in found] == [
        ("S1", 1, "h240", Fate.ACCEPTED),
        ("S2", 0, "", Fate.NEVER),
    ]


def test_over_the_socket_a_lost_answer_ends_the_connection_and_the_next_request_is_served() -> None:
    with counting.receiver() as receiver:
        receiver.follow(silent_every=2)
        connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
        connection.request("POST", "/api/upload", message(record(1)))
        assert connection.getresponse().read()
        connection.request("POST", "/api/upload", message(record(2)))
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            connection.getresponse()
        connection.close()
        assert receiver.counts() == counting.Counts(requests=2, applied=2, duplicates=0, distinct=2)
        assert receiver.held() == {"S1": "240", "S2": "240"}
