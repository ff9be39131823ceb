"""What the HIS pushes: judged by the one query and mapping, taken in at once, sent at once; and everything it may say wrongly."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from support.district import bureau, lived

from demo.premises import Premises
from gateway import config as configuration
from gateway import serving
from gateway.errors import GatewayError
from gateway.main import now
from gateway.standing import Route
from gateway.wiring import Gateway, opened

HOSPITAL = "H99000100001"
SOURCE, DATASET = "his", "HD03"
TOKEN = "synthetic-push-token"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def district(tmp_path: Path) -> Premises:
    """Two days of the demo district in the local databases, and a gateway that listens for pushes."""
    built = lived(tmp_path / "district", days=2)
    config = built.gateways[HOSPITAL]
    (config.parent / "push.txt").write_text(TOKEN, encoding="utf-8")
    settings = '\n"http": {"listen": "127.0.0.1:0"}\n"push": {"token": {"file": "push.txt"}}\n'
    config.write_text(config.read_text(encoding="utf-8") + settings, encoding="utf-8")
    return built


@contextmanager
def listening(district: Premises) -> Iterator[tuple[Gateway, str]]:
    config = configuration.load(district.gateways[HOSPITAL])
    with opened(config, now) as gateway, serving.listening(gateway, threading.Event()) as url:
        yield gateway, f"{url}/api/push"


def sessions(district: Premises) -> list[str]:
    with closing(sqlite3.connect(district.databases[f"his:{HOSPITAL}"])) as connection:
        return [str(row[0]) for row in connection.execute("SELECT id FROM dialysis_session ORDER BY id")]


def pushed(url: str, refs: list[str], changes: dict[str, Any] | None = None) -> requests.Response:
    body = {"source": SOURCE, "dataset": DATASET, "refs": refs} | (changes or {})
    return requests.post(url, json=body, headers=AUTHORIZED, timeout=30)


def held(district: Premises) -> int:
    with closing(sqlite3.connect(district.folder / "bureau" / "compliance.db")) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM record WHERE dataset = ?", (DATASET,)).fetchone()[0])


def test_a_pushed_row_is_taken_in_once_and_the_poll_finds_nothing_new_in_it(district: Premises) -> None:
    refs = sessions(district)
    with listening(district) as (gateway, url):
        first = pushed(url, refs).json()
        assert first["read"] == len(refs)
        assert first["queued"] > 0
        assert first["absent"] == []
        assert pushed(url, refs).json()["queued"] == 0
        (feed,) = [each for each in gateway.feeds if each.source.dataset == DATASET]
        assert gateway.read(feed).queued == 0
        (standing,) = gateway.store.standings([Route(SOURCE, DATASET, "bureau")])
        assert standing.balanced
        assert standing.read == len(refs)


def test_what_was_pushed_is_at_the_bureau_without_any_poll(district: Premises) -> None:
    with bureau(district), listening(district) as (_, url):
        queued = pushed(url, sessions(district)[:5]).json()["queued"]
        deadline = time.monotonic() + 20
        while held(district) < queued and time.monotonic() < deadline:
            time.sleep(0.02)
    assert 0 < queued == held(district)


def test_a_row_that_cannot_be_reported_is_answered_with_its_reasons_and_one_not_written_yet_as_absent(district: Premises) -> None:
    refs = sessions(district)
    with closing(sqlite3.connect(district.databases[f"his:{HOSPITAL}"])) as connection:
        connection.execute("UPDATE dialysis_session SET on_clock = NULL WHERE id = ?", (refs[0],))
        connection.commit()
    with listening(district) as (_, url):
        said = pushed(url, [refs[0], "99999999"]).json()
    assert said["absent"] == ["99999999"]
    (aside,) = said["aside"]
    assert aside["ref"] == refs[0]
    assert aside["reasons"]


@pytest.mark.parametrize(
    ("changes", "status", "sentence"),
    [
        ({"refs": []}, 400, "refs"),
        ({"refs": [1]}, 400, "refs"),
        ({"refs": "1"}, 400, "refs"),
        ({"refs": ["1"] * 501}, 400, "最多推送 500 行，实为 501 行"),
        ({"source": None}, 400, "source"),
        ({"dataset": "HD99"}, 404, "能推送的有：his HD01"),
    ],
)
def test_a_push_that_is_not_understood_is_one_sentence(
    district: Premises, changes: dict[str, Any], status: int, sentence: str
) -> None:
    with listening(district) as (_, url):
        response = pushed(url, ["1"], changes)
    assert response.status_code == status
    assert sentence in response.json()["err_msg"]


def test_only_who_has_the_token_is_heard(district: Premises) -> None:
    with listening(district) as (_, url):
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}):
            response = requests.post(url, json={}, headers=given, timeout=30)
            assert (response.status_code, response.json()) == (401, {"err_msg": "推送的密钥不对"})
        garbage = requests.post(url, data=b"{", headers=AUTHORIZED, timeout=30)
        assert (garbage.status_code, garbage.json()["err_msg"]) == (400, "请求不是合法的 JSON")
        assert requests.get(url, timeout=30).status_code == 405


def test_a_his_that_is_away_is_told_to_come_again_and_nothing_is_lost(district: Premises) -> None:
    refs = sessions(district)
    database = district.databases[f"his:{HOSPITAL}"]
    with listening(district) as (_, url):
        database.rename(database.with_suffix(".away"))
        away = pushed(url, refs)
        assert (away.status_code, away.headers["Retry-After"]) == (503, "30")
        database.with_suffix(".away").rename(database)
        assert pushed(url, refs).json()["queued"] > 0


def test_an_address_that_is_taken_is_one_sentence_naming_the_key(district: Premises) -> None:
    with listening(district) as (_, url):
        port = url.split(":")[2].split("/")[0]
        config = district.gateways[HOSPITAL]
        config.write_text(config.read_text(encoding="utf-8").replace("127.0.0.1:0", f"127.0.0.1:{port}"), encoding="utf-8")
        with pytest.raises(GatewayError, match=rf"不能监听 127\.0\.0\.1:{port}（端口已被.*http\.listen"), listening(district):
            pass
