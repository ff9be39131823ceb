"""The whole line on one machine: source -> gateway (a process of its own) -> faulty network -> the real receiver.

Time that has to pass (leases, grace, backoff) is taken off the deadlines in the gateway's store while no gateway runs: the wall
clock stays right, as both sides check it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import yaml
from sqlalchemy import Column, ColumnElement, Connection, NullPool, create_engine, select, update

import gateway
from compliance import config as bureau_config
from compliance import credentials, serving
from compliance.store import database
from compliance.store.tables import record as held_record
from gateway import config as configuration
from gateway.failpoints import VARIABLE
from gateway.model import Tally
from gateway.outbox import State
from gateway.store import tables
from gateway.sweeping import Swept
from gateway.tiers import Tier
from gateway.voiding import VOID
from gateway.wiring import opened
from schemas import loader, operating
from schemas.wire import SHANGHAI
from support import oracle, sites
from support.oracle import Content, Verdict
from support.proxy import Proxy
from support.sites import Source

INSTITUTION = "H99000100001"
TARGET = "bureau"
_ROOT = Path(gateway.__file__).parents[1]
_OVERLAY = """
code: "faults"
version: "1"
name: 参考版，批次很小
base: reference
source: {doc: 断电测试, ref: 全文, confidence: O, dated: "2026-01-01"}
datasets:
  "RX01": {batch: 8}
"""
#: instants in the gateway's store that something waits for: deadlines, and looks too close together that count as one
_WAITED_FOR = ("next_at", "lease_until", "open_until", "last_missed", "taken_at")
#: many may go at once: a run does in minutes what people do in weeks
_VOID = {"rows": 2000, "percent": 50}
#: tiers that wait for their turn; when a source was first read says something else
_TURNS = (Tier.WARM, Tier.COLD)
#: ends by itself, when it was told to die or when there is nothing left to do
_SWEEP = """
import os, sys
from pathlib import Path
from gateway import config, failpoints
from gateway.main import now
from gateway.tiers import Tier
from gateway.wiring import opened
with opened(config.load(Path(sys.argv[1])), now) as gateway:
    failpoints.arm(os.environ.get(failpoints.VARIABLE))
    for feed in gateway.feeds:
        print(gateway.reader(feed).sweep(Tier.COLD))
"""


def real_time() -> datetime:
    """The clock both sides go by."""
    return datetime.now(SHANGHAI)


@dataclass
class Receiver:
    """The bureau's real service on a fixed port; may be stopped and started."""

    folder: Path
    port: int

    def __post_init__(self) -> None:
        self.config = bureau_config.load(self.folder / "compliance.yaml")
        self._server: serving.Server | None = None

    def start(self) -> None:
        """Serve."""
        self._server = serving.Server(serving.build(self.config), "127.0.0.1", self.port)
        self._server.__enter__()

    def stop(self) -> None:
        """Finish what is under way and stop; nothing if it does not run."""
        if self._server:
            self._server.__exit__(None, None, None)
        self._server = None

    def held(self) -> dict[str, list[Content]]:
        """Every version it keeps, by key and oldest first: the fields of the data set."""
        found: dict[str, list[Content]] = defaultdict(list)
        query = select(held_record.c.key, held_record.c.body).where(_OF_ROWS).order_by(held_record.c.key, held_record.c.version)
        for key, body in self._rows(query):
            found[key].append(_content(orjson.loads(body)))
        return dict(found)

    def count(self) -> int:
        """How many versions it keeps."""
        return len(self._rows(select(held_record.c.key).where(_OF_ROWS)))

    def _rows(self, query: Any) -> list[Any]:
        engine = create_engine(self.config.store, poolclass=NullPool)
        with engine.connect() as connection:
            return list(connection.execute(query).all())


def _content(record: Mapping[str, Any]) -> Content:
    if record["vali_flag"] == VOID:
        return oracle.GONE
    return {name: value for name, value in record.items() if name in _FIELDS}


#: heartbeats come beside the rows while `serve` runs
_OF_ROWS = held_record.c.dataset.not_in(operating.CODES)
_FIELDS = frozenset(each.name for each in loader.reference().datasets[sites.DATASET].fields)


@dataclass
class Line:
    """One site under test."""

    folder: Path
    source: Source
    proxy: Proxy
    receiver: Receiver
    deaths: list[str] = field(default_factory=list)  #: what killed the gateway, in order

    @property
    def config(self) -> Path:
        """The gateway's configuration file."""
        return self.folder / "gateway" / "config.yaml"

    @property
    def store_url(self) -> str:
        """The gateway's store, resolved."""
        return configuration.load(self.config).store_url

    def spawn(self, *words: str, failpoint: str = "") -> subprocess.Popen[str]:
        """`python -m gateway …` as a process of its own."""
        return self._spawn("-m", "gateway", "--config", str(self.config), *words, failpoint=failpoint)

    def _spawn(self, *words: str, failpoint: str) -> subprocess.Popen[str]:
        environment = {**os.environ, VARIABLE: failpoint, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(_ROOT)}
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def run(self, *words: str, failpoint: str = "", answer: str = "") -> tuple[int, str]:
        """Run a command to its end, or to its death at a failpoint: exit code (negative: the signal) and what it said.

        `answer`: what a person types.
        """
        return self._ended(self.spawn(*words, failpoint=failpoint), failpoint, answer)

    def sweep_apart(self, failpoint: str) -> tuple[int, str]:
        """As `run`, of one look of the cold tier: `serve` does it beside other things, and nobody could say where it dies."""
        return self._ended(self._spawn("-c", _SWEEP, str(self.config), failpoint=failpoint), failpoint)

    def _ended(self, process: subprocess.Popen[str], failpoint: str, answer: str = "") -> tuple[int, str]:
        with process:
            said, _ = process.communicate(answer, timeout=300)
        if process.returncode < 0:
            self.deaths.append(failpoint)
        return process.returncode, said

    def age(self, **delta: float) -> None:
        """Let time pass for everything that waits in the gateway's store. No gateway may be running."""
        engine = create_engine(self.store_url, poolclass=NullPool)
        with engine.begin() as connection:
            for table in tables.metadata.tables.values():
                for name in set(table.columns.keys()) & set(_WAITED_FOR):
                    _move(connection, table.c[name], timedelta(**delta))
            _move(connection, tables.sweep.c.finished_at, timedelta(**delta), tables.sweep.c.tier.in_(_TURNS))

    def settle(self, clock: Callable[[], datetime] = real_time, rounds: int = 1000) -> Tally:
        """Read and send in this process, letting time pass between, until nothing is on its way."""
        total = Tally()
        for _ in range(rounds):
            with opened(configuration.load(self.config), clock) as working:
                for feed in working.feeds:
                    total += working.read(feed)
                working.send(TARGET)
                if not sum(each.unsettled for each in working.store.standings(working.routes)):
                    return total
            self.age(hours=2)
        raise AssertionError(f"still unsettled after {rounds} rounds")

    def round(self, clock: Callable[[], datetime] = real_time) -> None:
        """Read and send once, in this process."""
        with opened(configuration.load(self.config), clock) as working:
            for feed in working.feeds:
                working.read(feed)
            working.send(TARGET)

    def look(self, tier: Tier, times: int = 1) -> Swept:
        """Hold a tier's window against the ledger, in this process; an hour passes after each look. Returns what the last found."""
        for _ in range(times):
            with opened(configuration.load(self.config), real_time) as working:
                (found,) = (working.reader(feed).sweep(tier) for feed in working.feeds)
            self.age(hours=1)
        return found

    def close_the_books(self) -> None:
        """Work is over at the site: read, swept as often as the guards ask for, and sent, until nothing is on its way."""
        self.settle()
        self.look(Tier.COLD, times=3)
        self.settle()

    def verdict(self, excused: frozenset[str] = frozenset()) -> Verdict:
        """What the oracle says now."""
        return oracle.judge(self.source.contents(), self.source.history, self.receiver.held(), excused)

    def unbalanced(self) -> list[str]:
        """What is wrong with the gateway's own account (DATASETS §7); empty when it adds up and has every row of the source."""
        with opened(configuration.load(self.config), real_time) as working:
            found = working.store.standings(working.routes)
        faults = [f"{each.route}: read {each.read}, accounted {each.accounted}" for each in found if not each.balanced]
        faults += [f"{each.route}: read {each.read} of {self.source.rows}" for each in found if each.read > self.source.rows]
        return faults + [f"row {ref} is in no account" for ref in sorted(self.source.refs() - self._accounted())]

    def _accounted(self) -> set[str]:
        """Rows that the gateway has sent or set aside; a row deleted before it was ever read is not among them."""
        engine = create_engine(self.store_url, poolclass=NullPool)
        with engine.connect() as connection:
            return {ref for table in (tables.ledger, tables.aside) for ref in connection.execute(select(table.c.ref)).scalars()}

    def rejected(self) -> int:
        """Rows whose newest version the platform refused."""
        with opened(configuration.load(self.config), real_time) as working:
            return sum(each.states.get(State.REJECTED, 0) for each in working.store.standings(working.routes))


def _move(connection: Connection, column: Column[Any], by: timedelta, *where: ColumnElement[bool]) -> None:
    for value in connection.execute(select(column).where(column.is_not(None), *where).distinct()).scalars().all():
        connection.execute(update(column.table).where(column == value, *where).values({column.name: value - by}))


def kill(process: subprocess.Popen[str]) -> str:
    """SIGKILL, and what the process had said until then."""
    process.send_signal(signal.SIGKILL)
    said, _ = process.communicate(timeout=30)
    return said


def wait_started(process: subprocess.Popen[str]) -> None:
    """Read on until `serve` says that it has begun."""
    assert process.stdout is not None
    said = [process.stdout.readline()]
    while "已启动" not in said[-1]:
        assert said[-1], f"the gateway ended: {''.join(said)}"
        said.append(process.stdout.readline())


@contextmanager
def serving_gateway(line: Line, failpoint: str = "") -> Iterator[subprocess.Popen[str]]:
    """`gateway serve`, ended by SIGTERM, or killed if the block left it standing."""
    process = line.spawn("serve", failpoint=failpoint)
    try:
        yield process
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            kill(process)


def wait_until(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll; AssertionError names what did not come about."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


@contextmanager
def build(
    folder: Path,
    seed: int,
    *,
    source_url: str = "",
    store_url: str = "",
    draw: Any = None,
    page_size: int = 7,
    void: Mapping[str, int] = _VOID,
) -> Iterator[Line]:
    """A fresh line with the receiver running, taken down at the end."""
    port = _free_port()
    token = _bureau(folder / "bureau", port)
    receiver = Receiver(folder / "bureau", port)
    database.connect(receiver.config.store).create()
    url = source_url or f"sqlite:///{folder / 'site.db'}"
    proxy = Proxy(f"http://127.0.0.1:{port}", **({"draw": draw} if draw else {}))
    receiver.start()
    try:
        with proxy:
            line = Line(folder, Source(url, seed), proxy, receiver)
            _gateway(folder / "gateway", token, proxy.url, url, store_url, page_size, void)
            yield line
    finally:
        receiver.stop()


def _bureau(folder: Path, port: int) -> tuple[str, Path]:
    """The receiver's configuration, and the credential it issues: paasid and the file of its token."""
    folder.mkdir(parents=True)
    (folder / "faults.yaml").write_text(_OVERLAY, encoding="utf-8")
    settings = {
        "district": "示例区",
        "store": "sqlite:///compliance.db",
        "edition": "faults.yaml",
        "listen": {"host": "127.0.0.1", "port": port},
        "credentials": "credentials.yaml",
    }
    _write(folder / "compliance.yaml", settings)
    credentials.create(folder / "credentials.yaml")
    return credentials.issue(folder / "credentials.yaml", INSTITUTION)


def _gateway(folder: Path, token: tuple[str, Path], url: str, source: str, store: str, page_size: int, void: Any) -> None:
    sites.profile(folder / "profile")
    (folder / "faults.yaml").write_text(_OVERLAY, encoding="utf-8")
    shutil.move(token[1], folder / "token.txt")
    credential = {"paasid": token[0], "token": {"file": "token.txt"}}
    settings = {
        "edition": "faults.yaml",
        "store": {"url": store or "sqlite:///gateway.db"},
        "institutions": [{"code": INSTITUTION, "name": "测试医院", "admvs": "000000"}],
        "targets": {
            TARGET: {
                "url": f"{url}/api/upload",
                "connect_timeout": 1,
                "read_timeout": 1,
                "credentials": {INSTITUTION: credential},
            }
        },
        "sources": [
            {"name": "his", "profile": "profile", "url": source, "institution": INSTITUTION, "page_size": page_size},
        ],
        "schedule": {"read_every": 1, "upload_every": 1},
        "tiers": {"warm_every": 10, "cold_hour": 0},
        "void": dict(void),
    }
    _write(folder / "config.yaml", settings)


def amend(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a YAML file of the line's."""
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(settings)
    _write(path, settings)


def _write(path: Path, settings: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(settings), allow_unicode=True, sort_keys=False), encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
