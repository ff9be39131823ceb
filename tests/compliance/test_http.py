"""The receiving service over real HTTP: who may send, what is answered, what the log says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
import requests
import structlog
from support.bureau import INSTITUTION, START, Caller, Clock, Maker

from compliance import credentials, serving
from compliance.config import Config
from compliance.errors import ComplianceError
from compliance.receiving import Receiver
from compliance.store import database
from compliance.store.tables import metadata
from schemas import envelope, signature
from schemas.envelope import Status
from schemas.model import Edition


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def refused(response: requests.Response, status: int) -> str:
    """The sentence of a refusal, which must be an envelope."""
    assert response.status_code == status
    answer = response.json()
    assert (answer["infcode"], answer["output"]) == (-1, {})
    return str(answer["err_msg"])


@pytest.mark.requirement("J-068")
def test_a_signed_message_is_answered_record_by_record(caller: Caller, maker: Maker, log: list[Any]) -> None:
    good, bad = maker.records(count=2)
    response = caller.post(maker.message([good, {**bad, "machine_no": ""}]))
    assert response.status_code == 200
    results = envelope.results(response.content)
    assert [result.status for result in results] == [Status.ACCEPTED, Status.REJECTED]
    reference = response.json()["inf_refmsgid"]
    assert len(reference) == 30
    assert reference.startswith(f"000000{START:%Y%m%d%H%M%S}")
    (line,) = log
    assert {name: line[name] for name in ("event", "infno", "accepted", "rejected", "reference")} == {
        "event": "received",
        "infno": "HD03",
        "accepted": 1,
        "rejected": 1,
        "reference": reference,
    }


@pytest.mark.parametrize("year", ["0001", "0202", "9999"])
def test_a_record_of_a_year_that_cannot_be_meant_is_rejected_with_its_reason(caller: Caller, maker: Maker, year: str) -> None:
    good, bad = maker.records(count=2)
    odd = {name: f"{year}{bad[name][4:]}" for name in ("begn_time", "occurred_at")}
    response = caller.post(maker.message([good, maker.changed(bad, **odd)]))
    assert response.status_code == 200
    taken, rejected = envelope.results(response.content)
    assert (taken.status, rejected.status) == (Status.ACCEPTED, Status.REJECTED)
    assert "年份应在 1900 至 2199 之间" in next(each.message for each in rejected.reasons if each.field == "begn_time")


def test_no_log_line_carries_a_key_a_person_or_a_token(caller: Caller, maker: Maker, log: list[Any]) -> None:
    (record,) = maker.records()
    caller.post(maker.message([record]))
    caller.post(maker.message([{**record, "duration_min": "x"}]))
    caller.with_token("wrong-token").post(maker.message([record]))
    caller.post(b"{}")
    written = repr(log)
    assert len(log) == 4
    for secret in (record["key"], record["patn_id"], record["machine_no"], caller.credential.token, "wrong-token"):
        assert secret not in written


def test_an_unknown_paasid_is_refused(caller: Caller, maker: Maker) -> None:
    body = maker.message(maker.records())
    assert "paasid" in refused(caller.post(body, **{signature.PAASID: "ld-nobody"}), 401)


def test_a_wrong_key_is_refused(caller: Caller, maker: Maker) -> None:
    assert "签名不对" in refused(caller.with_token("guessed").post(maker.message(maker.records())), 401)


def test_a_tampered_body_is_refused(caller: Caller, maker: Maker) -> None:
    body = maker.message(maker.records())
    assert "被改动" in refused(caller.post(body, sent=body.replace(b"HD03", b"HD02")), 401)


def test_a_tampered_body_with_its_digest_made_to_fit_is_refused(caller: Caller, maker: Maker) -> None:
    body = maker.message(maker.records())
    forged = body.replace(b"HD03", b"HD02")
    fitting = signature.headers(caller.credential, forged, 0, "n")[signature.BODY_DIGEST]
    assert "签名不对" in refused(caller.post(body, sent=forged, **{signature.BODY_DIGEST: fitting}), 401)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_clock_that_is_off_is_refused(caller: Caller, maker: Maker, seconds: int) -> None:
    elsewhere = replace(caller, clock=Clock(START))
    elsewhere.clock.move(seconds=seconds)
    assert "时钟" in refused(elsewhere.post(maker.message(maker.records())), 401)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_clock_within_the_tolerance_is_accepted(caller: Caller, maker: Maker, seconds: int) -> None:
    elsewhere = replace(caller, clock=Clock(START))
    elsewhere.clock.move(seconds=seconds)
    assert elsewhere.post(maker.message(maker.records())).status_code == 200


def test_a_replayed_request_is_refused_for_as_long_as_its_clock_would_pass(
    server: serving.Server, caller: Caller, maker: Maker, clock: Clock
) -> None:
    body = maker.message(maker.records())
    clock.move(seconds=200)  # signed ahead of the bureau's clock: the nonce must live longer
    headers = signature.headers(caller.credential, body, int(clock().timestamp()), "once")
    clock.move(seconds=-200)
    url = f"{server.url}/api/upload"
    assert requests.post(url, data=body, headers=headers, timeout=10).status_code == 200
    clock.move(seconds=499)
    assert "重放" in refused(requests.post(url, data=body, headers=headers, timeout=10), 401)
    clock.move(seconds=2)
    assert "时钟" in refused(requests.post(url, data=body, headers=headers, timeout=10), 401)


def test_a_stranger_cannot_use_up_a_nonce(server: serving.Server, caller: Caller, maker: Maker, clock: Clock) -> None:
    body, stamp = maker.message(maker.records()), int(clock().timestamp())
    url = f"{server.url}/api/upload"
    stranger = signature.headers(caller.with_token("guessed").credential, body, stamp, "wanted")
    refused(requests.post(url, data=body, headers=stranger, timeout=10), 401)
    right = signature.headers(caller.credential, body, stamp, "wanted")
    assert requests.post(url, data=body, headers=right, timeout=10).status_code == 200


def test_a_request_without_headers_is_refused(server: serving.Server) -> None:
    refused(requests.post(f"{server.url}/api/upload", data=b"{}", timeout=10), 401)


def test_an_institution_cannot_report_for_another(caller: Caller, edition: Edition) -> None:
    other = Maker(edition, "H99999999999")
    assert "机构" in refused(caller.post(other.message(other.records())), 403)


def test_an_unusable_envelope_is_refused(caller: Caller) -> None:
    assert "JSON" in refused(caller.post(b"not json"), 400)


def test_a_body_above_the_cap_is_refused_in_chinese(caller: Caller, edition: Edition) -> None:
    assert str(edition.body_limit) in refused(caller.post(b"x" * (edition.body_limit + 1)), 413)


def test_other_addresses_and_methods_are_refused_in_chinese(server: serving.Server) -> None:
    assert refused(requests.get(f"{server.url}/nothing", timeout=10), 404) == "没有这个地址"
    assert "请求方法" in refused(requests.get(f"{server.url}/api/upload", timeout=10), 405)


def test_what_no_view_answered_is_logged_by_status_and_path_and_nothing_of_a_person(
    server: serving.Server, caller: Caller, edition: Edition, log: list[Any]
) -> None:
    requests.get(f"{server.url}/patient/990000199003070000?name=测试患者", timeout=10)
    requests.get(f"{server.url}/api/upload", timeout=10)
    caller.post(b"x" * (edition.body_limit + 1))
    requests.get(f"{server.url}/{'a' * 500}%0A", timeout=10)
    told = [(line["log_level"], line["event"], line["status"], line["method"], line["path"]) for line in log]
    assert told == [
        ("warning", "turned away", 404, "GET", "/patient/…"),
        ("warning", "turned away", 405, "GET", "/api/upload"),
        ("warning", "turned away", 413, "POST", "/api/upload"),
        ("warning", "turned away", 404, "GET", f"/{'a' * 79}…"),
    ]
    assert "测试患者" not in repr(log)


def test_a_key_issued_while_running_works_at_once_and_the_old_one_no_longer(caller: Caller, config: Config, maker: Maker) -> None:
    _, handover = credentials.issue(config.credentials, INSTITUTION)
    fresh = caller.with_token(handover.read_text(encoding="utf-8").strip())
    assert fresh.post(maker.message(maker.records())).status_code == 200
    refused(caller.post(maker.message(maker.records())), 401)


def test_a_credentials_file_broken_while_running_leaves_the_last_good_one_in_force(
    caller: Caller, config: Config, maker: Maker
) -> None:
    config.credentials.write_text("credentials: [", encoding="utf-8")
    assert caller.post(maker.message(maker.records())).status_code == 200


def test_health_names_nobody_and_fails_with_the_store(server: serving.Server, config: Config) -> None:
    response = requests.get(f"{server.url}/healthz", timeout=10)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in response.headers
    with database.connect(config.store).write("test") as connection:
        metadata.drop_all(connection)
    assert requests.get(f"{server.url}/healthz", timeout=10).status_code == 503


def test_our_own_failure_is_told_without_detail_and_is_no_refusal(
    caller: Caller, maker: Maker, monkeypatch: pytest.MonkeyPatch, log: list[Any]
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("测试患者 must not be seen")

    monkeypatch.setattr(Receiver, "receive", fail)
    response = caller.post(maker.message(maker.records()))
    assert response.status_code == 500
    assert orjson.loads(response.content) == {"err_msg": "平台内部错误，已记录，请稍后重发"}
    (line,) = log
    assert line["kind"] == "ValueError"
    assert "测试患者" not in repr(line)


def test_a_store_that_is_away_asks_the_sender_to_come_again(caller: Caller, maker: Maker, config: Config) -> None:
    with database.connect(config.store).write("test") as connection:
        metadata.drop_all(connection)
    response = caller.post(maker.message(maker.records()))
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert orjson.loads(response.content) == {"err_msg": "平台暂时不能接收，请稍后重发"}


def test_a_taken_port_is_told_in_one_sentence(config: Config) -> None:
    app = serving.build(config)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ComplianceError, match=f"不能监听 127.0.0.1:{port}"), serving.Server(app, port=port):
            pass


def test_a_server_gives_its_port_back(config: Config) -> None:
    app = serving.build(config)
    with serving.Server(app) as first:
        url = first.url
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/healthz", timeout=2)
