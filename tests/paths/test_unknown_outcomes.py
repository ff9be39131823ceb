"""Path 1 against the real receiver behind a proxy that loses replies, requests and questions; two gateways of one institution."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import select
from support.databases import KEY, KINDS, database
from support.delivery import INSTITUTION, Clock, Platform, Rows, prescription

from compliance import credentials, serving
from compliance.config import Config
from compliance.store import database as archive
from compliance.store.epochs import StoredEpochs
from compliance.store.tables import message, record
from demo import premises, story
from gateway import config as configuration
from gateway.bureau.client import Account, BureauClient, Endpoint
from gateway.errors import OutcomeUnknownError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.main import cli as gateway
from gateway.outbox import GRACE, State
from gateway.standing import Route
from gateway.store import Store, open_store
from gateway.uploading import Delivery, upload
from gateway.wiring import edition_of
from schemas import loader
from schemas.envelope import Sender
from schemas.model import Edition, Replay

LEASE = timedelta(seconds=120)


@dataclass
class Faults:
    """What the proxy does to the next requests, by path."""

    drop_reply: dict[str, int] = field(default_factory=dict)  #: the receiver works, nobody hears of it
    drop_request: dict[str, int] = field(default_factory=dict)  #: the receiver never sees it
    passed: list[str] = field(default_factory=list)

    def strikes(self, faults: dict[str, int], path: str) -> bool:
        if not faults.get(path):
            return False
        faults[path] -= 1
        return True


class _Relay(BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        faults: Faults = self.server.faults
        if faults.strikes(faults.drop_request, self.path):
            self.connection.close()
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        answer = requests.post(f"{self.server.upstream}{self.path}", data=body, headers=headers, timeout=30)
        faults.passed.append(self.path)
        if faults.strikes(faults.drop_reply, self.path):
            self.connection.close()
            return
        self.send_response(answer.status_code)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@contextmanager
def proxy(upstream: str) -> Iterator[tuple[str, Faults]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Relay)
    server.upstream, server.faults = upstream, Faults()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.faults  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Site:
    """One gateway of the institution."""

    store: Store
    edition: Edition
    client: BureauClient
    clock: Clock

    def take_in(self, *rows: Any) -> Any:
        judge = Judge(self.edition, "RX01", self.store.rid)
        return accept(Rows(list(rows)), judge, self.store, targets=("bureau",), clock=self.clock, from_start=True)

    def send(self) -> Delivery:
        return upload(self.store, self.client, "bureau", clock=self.clock, lease=LEASE)

    def after_the_grace(self) -> Delivery:
        self.clock.move(GRACE.total_seconds() + 1)
        return self.send()

    def states(self) -> dict[State, int]:
        (found,) = self.store.standings([Route("his", "RX01", "bureau")])
        assert found.balanced
        return dict(found.states)


@dataclass
class District:
    """The bureau, the proxy before it, and gateways as they are opened."""

    config: Config
    url: str
    faults: Faults
    clock: Clock
    edition: Edition
    opened: list[Site] = field(default_factory=list)

    def gateway(self, url: str) -> Site:
        credential = credentials.read(self.config.credentials)[0].credential
        sender = Sender(INSTITUTION, "云溪区人民医院", "990001", "99")
        endpoint = Endpoint("bureau", f"{self.url}/api/upload", 5, 30, None, f"{self.url}/api/query")
        client = BureauClient(endpoint, {INSTITUTION: Account(sender, credential)}, self.edition, self.clock)
        store = open_store(url, self.edition, self.clock(), KEY)
        self.opened.append(Site(store, self.edition, client, self.clock))
        return self.opened[-1]

    def held(self) -> list[tuple[str, int, str]]:
        """(key, version, count) of all that the bureau holds."""
        with self._reading() as connection:
            rows = connection.execute(
                select(record.c.key, record.c.version, record.c.body).order_by(record.c.key, record.c.version)
            )
            return [(row.key, row.version, orjson.loads(row.body)["cnt"]) for row in rows]

    def messages(self) -> list[tuple[int, int, int, str]]:
        """(accepted, duplicate, conflict, why refused) of each message that reached it."""
        with self._reading() as connection:
            columns = (message.c.accepted, message.c.duplicate, message.c.conflict, message.c.refused)
            return [tuple(row) for row in connection.execute(select(*columns).order_by(message.c.id))]  # type: ignore[misc]

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        store = archive.connect(self.config.store)
        try:
            with store.read() as connection:
                yield connection
        finally:
            store.close()

    def close(self) -> None:
        for site in self.opened:
            site.client.close()
            site.store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def district(tmp_path: Path, clock: Clock) -> Iterator[District]:
    config = Config("测试市", f"sqlite:///{tmp_path / 'compliance.db'}", tmp_path / "keys" / "credentials.yaml")
    made = archive.connect(config.store)
    made.create()
    made.close()
    credentials.issue(config.credentials, INSTITUTION)
    with serving.Server(serving.build(config, clock)) as server, proxy(server.url) as (url, faults):
        built = District(config, url, faults, clock, loader.reference())
        yield built
        built.close()


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def site(district: District, store_url: str) -> Iterator[Site]:
    yield district.gateway(store_url)
    district.close()  # before its database is dropped
    district.opened.clear()


def rows(count: int, **changes: Any) -> list[Any]:
    return [prescription(number, **changes) for number in range(1, count + 1)]


@pytest.mark.requirement("J-101")
def test_a_reply_lost_after_the_effect_is_asked_about_and_nothing_happens_twice(district: District, site: Site) -> None:
    district.faults.drop_reply["/api/upload"] = 1
    site.take_in(*rows(20))
    assert site.send().states == {State.UNKNOWN: 20}
    assert len(district.held()) == 20
    site.after_the_grace()
    assert site.states() == {State.ACCEPTED: 20}
    assert district.messages() == [(20, 0, 0, "")]
    assert district.faults.passed == ["/api/upload", "/api/query"]


def test_a_request_lost_before_the_effect_goes_out_again_under_the_same_version(district: District, site: Site) -> None:
    district.faults.drop_request["/api/upload"] = 1
    site.take_in(*rows(20))
    assert site.send().states == {State.UNKNOWN: 20}
    assert district.held() == []
    site.after_the_grace()
    assert site.states() == {State.ACCEPTED: 20}
    assert district.messages() == [(10, 0, 0, "")] * 2, "in halves: what is not answered may be one record's fault"
    assert {version for _, version, _ in district.held()} == {1}


@pytest.mark.parametrize("lost", ["drop_reply", "drop_request"])
def test_a_platform_that_is_away_when_asked_leaves_it_unknown_and_is_asked_again(district: District, site: Site, lost: str) -> None:
    district.faults.drop_reply["/api/upload"] = 1
    getattr(district.faults, lost)["/api/query"] = 2
    site.take_in(*rows(3))
    site.send()
    site.after_the_grace()
    assert site.states() == {State.UNKNOWN: 3}
    assert "查询平台没有成功" in next(iter(site.store.queue("bureau").causes))
    for _ in range(2):
        site.clock.move(700)
        site.send()
    assert site.states() == {State.ACCEPTED: 3}
    assert district.messages() == [(3, 0, 0, "")]


def test_a_restored_store_heals_against_the_real_receiver(district: District, store_url: str, tmp_path: Path) -> None:
    """The ledger knows version 1 of what the bureau holds in version 3."""
    first = district.gateway(store_url)
    for count in (2, 3, 4):
        first.take_in(*rows(60, cnt=Decimal(count)))
        first.send()
    restored = district.gateway(f"sqlite:///{tmp_path / 'restored.db'}")
    restored.store.__dict__["rid"] = first.store.rid  # a backup of the same installation
    source = [prescription(number, cnt=Decimal((4, 7, 3)[number % 3])) for number in range(1, 61)]
    before = set(district.held())
    restored.take_in(*source)
    assert set(restored.send().states) <= {State.ACCEPTED}
    newest = {key: count for key, _, count in district.held()}
    assert newest == {f"RX{number:05d}|1": str((4, 7, 3)[number % 3]) for number in range(1, 61)}
    assert before <= set(district.held()), "no number was used for other content"
    assert restored.states() == {State.ACCEPTED: 60}
    heard = len(district.faults.passed)
    restored.take_in(*source)
    restored.send()
    assert len(district.faults.passed) == heard
    district.close()
    district.opened.clear()


def test_a_second_gateway_is_held_until_the_bureau_approves_it_and_rejects_no_record(district: District, tmp_path: Path) -> None:
    first = district.gateway(f"sqlite:///{tmp_path / 'first.db'}")
    second = district.gateway(f"sqlite:///{tmp_path / 'second.db'}")
    first.take_in(*rows(2))
    first.send()
    second.take_in(*rows(3, cnt=Decimal(9)))
    assert second.send().states == {State.QUEUED: 3}
    (cause,) = second.store.queue("bureau").causes
    assert first.store.rid in cause
    assert "医保局批准" in cause
    assert {count for _, _, count in district.held()} == {"2"}

    bureau = archive.connect(district.config.store)
    StoredEpochs(bureau).approve(INSTITUTION, second.store.rid, district.clock())
    bureau.close()
    district.clock.move(3600)
    second.send()
    assert {key: count for key, _, count in district.held()} == {f"RX{number:05d}|1": "9" for number in (1, 2, 3)}
    first.take_in(prescription(7))
    assert first.send().states == {State.QUEUED: 1}


@pytest.mark.parametrize("said", ["drop_reply", "drop_request"])
def test_a_lost_answer_of_a_whole_day_of_uploads_ends_with_exactly_the_source(
    district: District, tmp_path: Path, said: str
) -> None:
    """Every third exchange is lost, on either side of the effect; edits go on meanwhile."""
    site = district.gateway(f"sqlite:///{tmp_path / 'gateway.db'}")
    lose: Callable[[], None] = lambda: getattr(district.faults, said).update({"/api/upload": 1})  # noqa: E731
    for turn in range(1, 7):
        if turn % 3 == 0:
            lose()
        site.take_in(*(prescription(number, cnt=Decimal(turn + number % 2)) for number in range(1, 31)))
        site.send()
        site.after_the_grace()
    site.after_the_grace()
    assert {key: count for key, _, count in district.held()} == {f"RX{n:05d}|1": str(6 + n % 2) for n in range(1, 31)}
    assert site.states() == {State.ACCEPTED: 30}
    assert [conflict for _, _, conflict, _ in district.messages()] == [0] * len(district.messages())


def test_the_command_compares_the_ledger_with_the_bureau_and_tells_what_it_lost(tmp_path: Path) -> None:
    built = premises.build(tmp_path / "district")
    code = "P99000100001"
    for name, path in built.databases.items():
        with closing(sqlite3.connect(path)) as connection:
            story.play(connection, (each for each in story.changes(7, date(2026, 11, 2), 1) if each.database == name))

    def run(*words: str) -> Result:
        result = CliRunner().invoke(gateway, ["--config", str(built.gateways[code]), *words])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    with serving.Server(serving.build(built.bureau), built.bureau.host, built.bureau.port):
        assert run("run", "--once").exit_code == 0
        agreed = run("reconcile")
        assert (agreed.exit_code, "没有不一致的" in agreed.output) == (0, True)
        with closing(sqlite3.connect(tmp_path / "district" / "bureau" / "compliance.db")) as connection, connection:
            lost = connection.execute("DELETE FROM record WHERE dataset = '3505'").rowcount
        assert lost
        told = run("reconcile")
    assert told.exit_code == 1
    assert f"{lost} 条平台已没有" in told.output
    away = run("reconcile")
    assert away.exit_code == 1
    assert "查询平台没有成功" in away.output
    assert run("reconcile", "--target", "nobody").exit_code == 1


def test_a_persons_word_settles_what_no_platform_can_be_asked_about(tmp_path: Path) -> None:
    """Two lost replies of a platform that answers nothing: one had arrived, one had not."""
    built = premises.build(tmp_path / "district")
    path = built.gateways["P99000100001"]
    config = configuration.load(path)
    edition, now = edition_of(config), serving.now()
    person = replace(edition, datasets={**edition.datasets, "RX01": replace(edition.datasets["RX01"], replay=Replay.PERSON)})
    store = open_store(config.store_url, person, now, config.storage.key)
    (target,) = config.targets
    source = Rows([prescription(1), prescription(2)])
    accept(source, Judge(person, "RX01", store.rid), store, targets=(target,), clock=lambda: now)
    upload(store, Silent(), target, clock=lambda: now, lease=LEASE)
    store.close()

    def say(key: str, word: str) -> Result:
        return CliRunner().invoke(gateway, ["--config", str(path), "verified", target, "RX01", key, word])

    assert "已记为平台已收" in say("RX00001|1", "--received").output
    assert "再发" in say("RX00002|1", "--not-received").output
    again = say("RX00001|1", "--received")
    assert (again.exit_code, "没有结果不明的这一条" in again.output) == (1, True)
    store = open_store(config.store_url, person, now, config.storage.key)
    (found,) = store.standings([Route("his", "RX01", target)])
    store.close()
    assert found.states == {State.ACCEPTED: 1, State.QUEUED: 1}


class Silent(Platform):
    """Loses every reply."""

    def deliver(self, *_: Any) -> Any:
        raise OutcomeUnknownError("没有应答")
