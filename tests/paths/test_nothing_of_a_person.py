"""Both deployables run as they do at a site, over people who are in every column, and everything they emit goes through a detector.

Emitted: logs on standard error and in files, tracebacks among them; alarms by mail and web hook; `/metrics` and `/healthz`.
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import structlog
import yaml
from click.testing import CliRunner
from support import district as district_of
from support.detector import Detector, Person, persons
from support.telling import Box, hooked, mailing

from demo.premises import Premises
from gateway import config as configuration
from gateway import watching
from gateway.main import cli, now
from gateway.wiring import opened
from jobs import loglines
from schemas import masking
from schemas.logfile import LogFile

HOSPITAL = "H99000100001"
PEOPLE = persons(40)
TOKENS = ("synthetic-push-token-4711", "synthetic-monitor-token-4712", "synthetic-mail-password-4713")
PATIENCE = 90
#: a bug in each program, once, that quotes a person: what follows is the program as it is
GATEWAY = """
import os, sys
from gateway import tiers
real = tiers.Reader.sweep
def sweep(self, tier):
    tiers.Reader.sweep = real
    try:
        raise KeyError(os.environ["SOMEBODY"])
    except KeyError as error:
        raise ValueError(f"cannot read {os.environ['SOMEBODY']}") from error
tiers.Reader.sweep = sweep
from gateway.__main__ import main
main()
"""
BUREAU = """
import sys
from compliance import receiving
real = receiving.Receiver.receive
def receive(self, *given):
    receiving.Receiver.receive = real
    raise ValueError(repr(given))
receiving.Receiver.receive = receive
from compliance.__main__ import main
main()
"""


def peopled(folder: Path) -> Premises:
    """Two days of the demo's hospital, with a person in every text a site may misuse, and in some that then do not pass."""
    district = district_of.lived(folder, days=2)
    with closing(sqlite3.connect(district.databases[f"his:{HOSPITAL}"])) as connection:
        for (number,), person in zip(connection.execute("SELECT id FROM patient").fetchall(), PEOPLE * 100, strict=False):
            values = (person.name, person.id_number, person.card, person.phone, number)
            connection.execute(
                "UPDATE patient SET full_name = ?, card_no = ?, insured_no = ?, dialysis_no = ? WHERE id = ?", values
            )
        misused = (
            ("dialysis_session", "end_note"),
            ("dialysis_session", "session_no"),
            ("dialysis_session", "on_clock"),
            ("dialysis_session", "anticoagulant"),
            ("dialysis_schedule", "shift"),
            ("dialysis_schedule", "absence_note"),
            ("rehab_treatment", "kind"),
            ("rehab_treatment", "started_at"),
            ("staff", "staff_name"),
        )
        for part, (table, column) in enumerate(misused):
            rows = connection.execute(f"SELECT rowid FROM {table}").fetchall()
            for (number,), person in zip(rows[part::7], PEOPLE * 100, strict=False):
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (person.told, number))
        connection.commit()
    return district


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class Emitted:
    """Everything that left the programs, by where it came from."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, text: str) -> None:
        self.texts[name] = self.texts.get(name, "") + text


@contextmanager
def running(program: str, emitted: Emitted, name: str, config: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONUTF8": "1", "SOMEBODY": PEOPLE[0].told}
    command = [sys.executable, "-c", program, "--config", str(config), "serve"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, encoding="utf-8", env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        emitted.add(name, output)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.3)


def configured(district: Premises, mail: str, hook: str) -> tuple[Path, str]:
    """The gateway's configuration with everything that emits anything; and its address."""
    path, port = district.gateways[HOSPITAL], free_port()
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    secrets = {"push": TOKENS[0], "monitoring": TOKENS[1], "mail": mail, "hook": hook}
    for name, secret in secrets.items():
        (path.parent / f"{name}.secret").write_text(secret, encoding="utf-8")
    settings |= {
        "schedule": {"read_every": 1, "upload_every": 1},
        "http": {"listen": f"127.0.0.1:{port}"},
        "push": {"token": {"file": "push.secret"}},
        "monitoring": {"token": {"file": "monitoring.secret"}},
        "alerts": {"channels": {"mail": {"file": "mail.secret"}, "hook": {"file": "hook.secret"}}, "silence_rows": 1},
        "log": {"file": "logs/gateway.log"},
    }
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return path, f"http://127.0.0.1:{port}"


def bureau_config(district: Premises) -> Path:
    path = district.folder / "bureau" / "compliance.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**settings, "log": {"file": "compliance.log"}}, allow_unicode=True), encoding="utf-8")
    return path


def held(district: Premises) -> int:
    with closing(sqlite3.connect(district.folder / "bureau" / "compliance.db")) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM record").fetchone()[0])


def fetched(emitted: Emitted, name: str, url: str, **options: Any) -> None:
    emitted.add(name, requests.get(url, timeout=10, **options).text)


def pushed(url: str) -> None:
    """Right, wrong and malicious ones; the answers are the HIS's own and not kept."""
    bodies: list[Any] = [{"source": "his", "dataset": "HD03", "refs": ["1", "2", "3", PEOPLE[1].id_number]}]
    bodies += [{"source": PEOPLE[2].name, "dataset": PEOPLE[2].id_number, "refs": []}, {"refs": PEOPLE[3].told}, PEOPLE[4].told]
    for body in bodies:
        for token in (TOKENS[0], PEOPLE[5].id_number):
            requests.post(f"{url}/api/push", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    requests.get(f"{url}/patients/{PEOPLE[6].id_number}?name={PEOPLE[6].name}", timeout=10)


def intruded(url: str) -> None:
    """What anybody may send to the bureau."""
    requests.post(f"{url}/api/upload", data=PEOPLE[7].told.encode(), headers={"x-tif-paasid": PEOPLE[7].id_number}, timeout=10)
    requests.get(f"{url}/{PEOPLE[7].id_number}/{PEOPLE[7].phone}", timeout=10)


def test_nothing_that_is_emitted_names_a_person_or_holds_a_secret(tmp_path: Path) -> None:
    district, emitted, box = peopled(tmp_path / "district"), Emitted(), Box()
    address = f"http://{district.bureau.host}:{district.bureau.port}"
    with mailing(box, TOKENS[2]) as mail, hooked() as hook:
        config, url = configured(district, mail, hook.url)
        with running(GATEWAY, emitted, "gateway", config):
            with running(BUREAU, emitted, "bureau", bureau_config(district)):
                until(lambda: held(district) > 20)
                pushed(url)
                intruded(address)
                fetched(emitted, "metrics", f"{url}/metrics")
                fetched(emitted, "health", f"{url}/healthz")
                fetched(emitted, "metrics of the bureau", f"{address}/metrics")
                fetched(emitted, "health of the bureau", f"{address}/healthz")
            changed(district)
            until(lambda: "breaker_opened" in (config.parent / "logs" / "gateway.log").read_text(encoding="utf-8"))
        told(config)
        emitted.add("alert list", CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["--config", str(config), "alert", "list"]).output)
    emitted.add("mails", "\n".join(box.mails))
    emitted.add("hook", "\n".join(map(str, hook.bodies)))
    emitted.add("gateway's file", (config.parent / "logs" / "gateway.log").read_text(encoding="utf-8"))
    emitted.add("bureau's file", (district.folder / "bureau" / "compliance.log").read_text(encoding="utf-8"))

    happened(emitted)
    tokens = [each.read_text(encoding="utf-8").strip() for each in tmp_path.rglob("token.txt")]
    assert tokens
    detector = Detector(tuple(PEOPLE), (*TOKENS, *tokens))
    found = {name: detector.findings(text) for name, text in emitted.texts.items()}
    assert {name: each[:5] for name, each in found.items() if each} == {}


def changed(district: Premises) -> None:
    """More to send while nobody is there, so that the breaker opens."""
    with closing(sqlite3.connect(district.databases[f"his:{HOSPITAL}"])) as connection:
        moment = f"{now():%Y-%m-%d %H:%M:%S}"
        connection.execute("UPDATE dialysis_session SET end_note = '患者要求', updated_at = ?", (moment,))
        connection.commit()


def told(config: Path) -> None:
    """What the service tells at its next look, a minute later."""
    with opened(configuration.load(config), now) as gateway:
        watching.opened(gateway).look()


def happened(emitted: Emitted) -> None:
    """What the detector looks at is there: an empty log names nobody."""
    for name, words in {
        "gateway": ('"answered"', '"read"', '"reasons"', '"job_failed"', "gateway/tending.py", "ValueError", '"breaker_opened"'),
        "bureau": ('"received"', '"unexpected"', '"unauthenticated"', '"turned away"'),
        "gateway's file": ('"answered"', '"job_failed"'),
        "bureau's file": ('"received"', '"unexpected"'),
        "metrics": ("liangding_gateway_records_total", "liangding_gateway_aside_rows"),
        "metrics of the bureau": ("liangding_compliance_records_total",),
        "health": ('"status":"ok"',),
        "mails": ("怎么办", "熔断", "已逾期"),
        "hook": ("怎么办", "熔断"),
        "alert list": ("熔断",),
    }.items():
        assert [word for word in words if word not in emitted.texts[name]] == [], (name, emitted.texts[name][-3000:])


@pytest.mark.parametrize("kind", ["name", "id_number", "phone", "card"])
def test_the_detector_finds_each_of_a_persons_marks_wherever_it_stands(kind: str) -> None:
    person = PEOPLE[8]
    value = getattr(person, kind)
    detector = Detector(tuple(PEOPLE))
    for text in (value, f'{{"cause": "本地代码 {value} 没有对照"}}', f"患者{value}，", f"x={value}&y"):
        assert detector.findings(text)
    if kind != "name":
        stranger = getattr(persons(50)[45], kind)
        wide = stranger.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
        assert detector.findings(f"值 {stranger} 不对"), "of somebody it does not know, by the form"
        assert detector.findings(wide)
        assert detector.findings(f"{stranger[:6]} {stranger[6:]}")


def test_the_detector_finds_secrets_and_leaves_our_own_numbers_alone() -> None:
    detector = Detector(tuple(PEOPLE), ("synthetic-token",))
    assert detector.findings("Bearer synthetic-token")
    ours = "H9900010000120261125205959000123 sess 2026-11-25T20:59:59.123+08:00 990000202611252059590123456789 1764071999.123 HD03"
    assert detector.findings(ours) == []


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "x.log"
    structlog.reset_defaults()


def emitted_by_a_bug(log: Path, person: Person) -> str:
    with loglines.logging_to(LogFile(log, 1, 1)):
        try:
            raise ValueError(f"cannot read {person.told}")
        except ValueError:
            structlog.get_logger().exception("job_failed", job="read", cause=f"值 {person.id_number}")
    return log.read_text(encoding="utf-8")


@pytest.mark.parametrize("broken", ["nothing", "masking", "tracebacks"])
def test_without_either_guard_the_detector_finds_the_person(
    broken: str, log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if broken == "masking":
        monkeypatch.setattr(masking, "log_processor", lambda _logger, _method, event: event)
    if broken == "tracebacks":
        monkeypatch.setattr(loglines.traces, "told", structlog.processors.format_exc_info)
    found = Detector(tuple(PEOPLE)).findings(emitted_by_a_bug(log, PEOPLE[9]))
    capsys.readouterr()
    assert bool(found) == (broken != "nothing"), found
