"""Three institutions, each with a database and a gateway, and the bureau; the hospital has a line of its own that can be cut."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from compliance import config as bureau_config
from compliance import credentials, roster, serving
from compliance.closing import Closure
from compliance.config import Config
from compliance.serving import Server
from compliance.store import database
from compliance.store.closures import StoredClosures
from compliance.store.roll import StoredRoll
from demo.clock import DemoClock
from demo.month import script
from gateway import beating, watching, wiring
from gateway import config as gateway_config
from gateway.heartbeats import Heart
from gateway.store import sealing
from gateway.watching import Watch
from gateway.wiring import Gateway
from schemas.wire import SHANGHAI

PROFILE = Path(__file__).parent / "profile"
TARGET = "bureau"
_TABLE = (
    "CREATE TABLE {} (id INTEGER PRIMARY KEY, patient TEXT, item TEXT, quantity INTEGER, at TEXT, entered TEXT);"
    "CREATE INDEX {}_at ON {} (at);"
)
_TABLES = {"RX01": "prescription", "RH02": "treatment"}


@dataclass
class Site:
    """One institution."""

    code: str
    gateway: Gateway
    database: sqlite3.Connection
    app: Any  #: the bureau's application
    line: Server | None  #: by which it is reached; None while the line is cut
    port: int
    watch: Watch
    heart: Heart

    def store(self, row: script.Row) -> None:
        """Somebody enters a row."""
        at, entered = (moment.replace(tzinfo=None).isoformat(" ", "seconds") for moment in (row.at, row.entered))
        self.database.execute(
            f"INSERT INTO {_TABLES[row.dataset]} (patient, item, quantity, at, entered) VALUES ('P1', 'X1', 1, ?, ?)",  # noqa: S608
            (at, entered),
        )
        self.database.commit()

    def reach(self, reachable: bool) -> None:
        """The line is cut or mended."""
        if reachable and self.line is None:
            self.line = Server(self.app, "127.0.0.1", self.port).__enter__()
        elif not reachable and self.line is not None:
            self.line.__exit__(None, None, None)
            self.line = None

    def work(self) -> None:
        """Read all there is and send what is due."""
        for feed in self.gateway.feeds:
            self.gateway.read(feed)
        self.gateway.send(TARGET)


@dataclass
class District:
    """Everything, by one clock."""

    clock: DemoClock
    bureau: Config
    sites: dict[str, Site] = field(default_factory=dict)


@contextmanager
def running(folder: Path) -> Iterator[District]:
    """A fresh district in `folder`, until the end of the block."""
    clock = DemoClock(datetime.combine(script.BEGINS, datetime.min.time(), SHANGHAI))
    bureau = _bureau(folder / "bureau")
    app = serving.build(bureau, clock)
    with ExitStack() as stack:
        district = District(clock, bureau)
        for code in script.NAMES:
            site = district.sites[code] = _site(folder, code, district, app, stack)
            stack.callback(site.reach, False)
        yield district


def _bureau(folder: Path) -> Config:
    folder.mkdir(parents=True)
    settings = {
        "district": "云溪区（演示）",
        "admdvs": "990001",
        "store": "sqlite:///compliance.db",
        "listen": {"host": "127.0.0.1", "port": 8600},
        "credentials": "credentials.yaml",
    }
    (folder / "compliance.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    config = bureau_config.load(folder / "compliance.yaml")
    store = database.connect(config.store)
    store.create()
    lines = "".join(f"{number},{name},1,1,0,{code}\n" for number, (code, name) in enumerate(script.NAMES.items(), 1))
    (folder / "roster.csv").write_text(f"序号,医疗机构名称,门诊场景,康复理疗场景,缓建,医药机构编码\n{lines}", encoding="utf-8-sig")
    roster.load(folder / "roster.csv", StoredRoll(store))
    entered = datetime.combine(script.BEGINS, datetime.min.time(), SHANGHAI)
    holiday = Closure(script.CENTRE, script.CLOSED[0], script.CLOSED[-1], frozenset(), "国庆放假", "演示", entered)
    sundays = Closure(script.CENTRE, script.BEGINS, None, frozenset({6}), "周日休业", "演示", entered)
    StoredClosures(store, serving.edition_of(config)).add([holiday, sundays])
    store.close()
    credentials.create(config.credentials)
    return config


def _site(folder: Path, code: str, district: District, app: Any, stack: ExitStack) -> Site:
    place = folder / code
    place.mkdir()
    line = Server(app, "127.0.0.1", 0).__enter__()
    connection = stack.enter_context(closing(sqlite3.connect(place / "his.db")))
    connection.execute("PRAGMA synchronous=OFF")
    for table in _TABLES.values():
        connection.executescript(_TABLE.format(table, table, table))
    config = gateway_config.load(_configuration(place, code, district.bureau, line.url))
    gateway = stack.enter_context(wiring.opened(config, district.clock))
    port = int(line.url.rpartition(":")[2])
    return Site(code, gateway, connection, app, line, port, watching.opened(gateway), beating.heart(gateway, TARGET))


def _configuration(place: Path, code: str, bureau: Config, url: str) -> Path:
    paasid, handover = credentials.issue(bureau.credentials, code)
    shutil.move(handover, place / "token.txt")
    sealing.at(place / "store.key", create=True)
    key = {"paasid": paasid, "token": {"file": "token.txt"}}
    closed = [day.isoformat() for day in script.CLOSED] + ["周日"] if code == script.CENTRE else []
    settings = {
        "store": {"url": "sqlite:///gateway.db", "key": {"file": "store.key"}},
        "institutions": [{"code": code, "name": script.NAMES[code], "admvs": "990001", "closed": closed}],
        "targets": {TARGET: {"url": f"{url}/api/upload", "kind": "test", "credentials": {code: key}}},
        "sources": [{"name": "his", "profile": str(PROFILE), "url": "sqlite:///his.db", "institution": code}],
        "alerts": {"backup_days": 0},
        "tiers": {"open_days": 7},
    }
    path = place / "config.yaml"
    path.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path
