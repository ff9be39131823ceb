"""A county's thousand clinics on one cloud HIS, in one gateway: each row is its own clinic's, and nobody waits for one that fails
or for one that floods."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from gateway.main import cli
from schemas import envelope
from schemas.envelope import Result, Status
from schemas.wire import SHANGHAI

CLINICS = [f"H9900010{number:04d}" for number in range(1000)]
FLOODS, FAILS = CLINICS[300], CLINICS[700]
ROWS, FLOOD = 3, 3000
CONFIG = """
store: {url: "sqlite:///gateway.db"}
institutions: {file: clinics.csv}
targets:
  bureau: {url: "http://127.0.0.1:PORT/api/upload", credentials: {file: keys.csv}, answers_queries: false, heartbeat: false}
sources:
  - {name: cloud, profile: cloud, url: "sqlite:///his.db", institution: FIRST, institutions: all}
"""
FILES = {
    "manifest.yaml": "product: 云诊所\nvendor: 测试\nkind: sql\ndialects: [sqlite]\ndatasets:\n"
    "  RX01: {query: RX01.sql, mapping: RX01.yaml, takes: [after_key, limit], reading: rescan, key: integer}\n",
    "RX01.sql": "SELECT id AS row_ref, id AS cursor_key, clinic AS fixmedins_code, id, patient, item, quantity, at FROM rx"
    " WHERE id > :after_key ORDER BY id LIMIT :limit",
    "RX01.yaml": "dataset: RX01\nfields:\n  rx_id: {column: id}\n  line_no: {fixed: '1', why: 一张一行}\n"
    "  patn_id: {column: patient}\n  med_list_codg: {column: item}\n  cnt: {column: quantity}\n"
    "  rx_time: {column: at}\nabsent: {}\n",
}


@dataclass
class Platform:
    """Accepts everything, but of one clinic nothing: its key is wrong."""

    served: list[str] = field(default_factory=list)  #: whose batch came, in order
    accepted: Counter[str] = field(default_factory=Counter)

    def take(self, body: bytes) -> tuple[int, bytes]:
        message = orjson.loads(body)
        clinic, now = message["fixmedins_code"], datetime.now(SHANGHAI)
        self.served.append(clinic)
        if clinic == FAILS:
            return 401, envelope.refusal("0" * 30, now, "密钥不对")
        (records,) = message["input"].values()
        assert {record["fixmedins_code"] for record in records} == {clinic}
        self.accepted[clinic] += len(records)
        return 200, envelope.reply("0" * 30, now, [Result(each["key"], 1, Status.ACCEPTED) for each in records])


@pytest.fixture
def platform() -> Iterator[tuple[Platform, int]]:
    found = Platform()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, answer = found.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield found, int(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def site(tmp_path: Path, platform: tuple[Platform, int]) -> Path:
    """A configuration, its tables, and a cloud HIS in which one clinic wrote a thousand times as much, and first."""
    (tmp_path / "cloud").mkdir()
    for name, content in FILES.items():
        (tmp_path / "cloud" / name).write_text(content, encoding="utf-8")
    names = "".join(f"{clinic},诊所,990001\n" for clinic in CLINICS)
    (tmp_path / "clinics.csv").write_text(f"机构编号,机构名称,医保区划\n{names}", encoding="utf-8")
    keys = "".join(f"{clinic},app{clinic},token-{clinic}\n" for clinic in CLINICS)
    (tmp_path / "keys.csv").write_text(f"机构编号,应用编号,密钥\n{keys}", encoding="utf-8")
    config = CONFIG.replace("PORT", str(platform[1])).replace("FIRST", CLINICS[0])
    (tmp_path / "config.yaml").write_text(config, encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "his.db")) as connection:
        connection.execute(
            "CREATE TABLE rx (id INTEGER PRIMARY KEY, clinic TEXT, patient TEXT, item TEXT, quantity INTEGER, at TEXT)"
        )
        rows = [FLOODS] * FLOOD + [clinic for _ in range(ROWS) for clinic in CLINICS if clinic != FLOODS]
        today = datetime.now(SHANGHAI).replace(tzinfo=None).isoformat(" ", "seconds")
        connection.executemany(
            "INSERT INTO rx (clinic, patient, item, quantity, at) VALUES (?, 'P1', 'X1', 1, ?)", [(row, today) for row in rows]
        )
        connection.commit()
    return tmp_path / "config.yaml"


def test_a_thousand_clinics_share_one_gateway(site: Path, platform: tuple[Platform, int]) -> None:
    bureau, _ = platform
    result = CliRunner(env={"COLUMNS": "80"}).invoke(cli, ["--config", str(site), "run", "--once"])
    assert result.exit_code == 1, result.output  # what has no right key waits, and is said so
    assert "密钥不对" in result.output and FAILS in result.output
    others = [clinic for clinic in CLINICS if clinic not in (FLOODS, FAILS)]
    assert {clinic: bureau.accepted[clinic] for clinic in others} == dict.fromkeys(others, ROWS)
    assert (bureau.accepted[FLOODS], bureau.accepted[FAILS]) == (FLOOD, 0)
    last = max(place for place, clinic in enumerate(bureau.served) if clinic in set(others))
    assert bureau.served[:last].count(FLOODS) <= 2, "before the last of the others was served, it had its one turn a round"
    assert bureau.served.count(FAILS) <= 3, "a wrong key is tried a few times, then it waits alone"
