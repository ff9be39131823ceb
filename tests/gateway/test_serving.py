"""`gateway serve` as real processes: several on one store, and stopped in the middle of a batch."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from support.databases import KEY, KINDS, database
from support.delivery import INSTITUTION, START, Clock, Rows, prescription

from demo import premises
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import State
from gateway.standing import Route
from gateway.store import Store, open_store
from schemas import envelope
from schemas.envelope import Result, Status
from schemas.model import Edition

ROUTE = Route("his", "RX01", "bureau")
PATIENCE = 120


@dataclass
class Receiver:
    """Accepts everything, slowly, and remembers every record and message id it was ever sent."""

    delay: float = 0.0
    url: str = ""
    keys: list[str] = field(default_factory=list)
    msgids: list[str] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    def take(self, body: bytes) -> bytes:
        message = orjson.loads(body)
        records = message["input"]["data"]
        self.msgids.append(message["msgid"])
        if message["infno"] == ROUTE.dataset:  # after the hour of the manifests those come too
            self.keys += [record["key"] for record in records]
        self.arrived.set()
        time.sleep(self.delay)
        results = [Result(each["key"], int(each["version"]), Status.ACCEPTED) for each in records]
        return envelope.reply("0" * 30, START, results)


@contextmanager
def receiving(delay: float = 0.0) -> Iterator[Receiver]:
    receiver = Receiver(delay)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            reply = receiver.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/api/upload"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:  # a thread that is left behind keeps a failed run from ending
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Site:
    """A site of the demo district whose HIS is empty and whose queue the test fills."""

    config: Path
    store: Store
    edition: Edition

    def queue(self, count: int) -> None:
        rows = Rows([prescription(number) for number in range(1, count + 1)])
        judge = Judge(self.edition, "RX01", self.store.rid)
        accept(rows, judge, self.store, targets=("bureau",), clock=Clock(), page_size=1000)

    def states(self) -> dict[State, int]:
        (found,) = self.store.standings([ROUTE])
        return dict(found.states)

    @contextmanager
    def serve(self) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "gateway", "--config", str(self.config), "serve"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@contextmanager
def site(url: str, folder: Path, edition: Edition, receiver: Receiver) -> Iterator[Site]:
    config = premises.build(folder / "district").gateways[INSTITUTION]
    (config.parent / "store.key").write_text(KEY, encoding="utf-8")
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    settings["store"] = {"url": url, "key": {"file": "store.key"}, "disk_floor": 0}
    settings["targets"]["bureau"]["url"] = receiver.url
    settings["targets"]["bureau"]["heartbeat"] = False  # the receiver counts whatever comes
    settings["schedule"] = {"read_every": 3600, "upload_every": 1}
    config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    store = open_store(url, edition, START, KEY)
    try:
        yield Site(config, store, edition)
    finally:
        store.close()


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@pytest.mark.parametrize("asked", [1, 2], ids=["once", "twice"])
def test_sigterm_in_mid_batch_finishes_it_and_leases_nothing_more(tmp_path: Path, edition: Edition, asked: int) -> None:
    with (
        receiving(delay=3) as receiver,
        site(f"sqlite:///{tmp_path / 'gateway.db'}", tmp_path, edition, receiver) as here,
    ):
        here.queue(350)
        with here.serve() as process:
            assert receiver.arrived.wait(PATIENCE)
            for _ in range(asked):
                process.send_signal(signal.SIGTERM)
                time.sleep(0.3)
            output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output
        assert "前置网关已停止" in output
        assert "Traceback" not in output
        assert here.states() == {State.ACCEPTED: 100, State.QUEUED: 250}, "nothing left leased, sending or unknown"
        assert len(receiver.keys) == 100


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sqlite"])
def test_three_processes_on_one_store_send_each_record_once(kind: str, tmp_path: Path, edition: Edition) -> None:
    """Message ids come from the store's own sequence, so no two processes make the same one."""
    with (
        database(kind, tmp_path) as url,
        receiving(delay=0.05) as receiver,
        site(url, tmp_path, edition, receiver) as here,
    ):
        here.queue(3000)
        with here.serve() as first, here.serve() as second, here.serve() as third:
            assert until(lambda: here.states() == {State.ACCEPTED: 3000}), here.states()
            for process in (first, second, third):
                process.terminate()
            outputs = [process.communicate(timeout=PATIENCE)[0] for process in (first, second, third)]
        assert [process.returncode for process in (first, second, third)] == [0, 0, 0], outputs
        assert len(receiver.keys) == 3000
        assert set(Counter(receiver.keys).values()) == {1}
        assert len(set(receiver.msgids)) == len(receiver.msgids)
        assert sum('"answered"' in output for output in outputs) > 1, "the work was shared"
