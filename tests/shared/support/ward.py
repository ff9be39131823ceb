"""A dialysis room whose day is written by hand, its gateway, and the real bureau it reports to, all by one clock."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from compliance import serving
from demo import premises
from gateway import config as configuration
from gateway.outbox import State
from gateway.proof import Difference, Proof
from gateway.proving import proofs_of
from gateway.stating import Statement, state
from gateway.tiers import Tier
from gateway.uploading import Delivery
from gateway.wiring import Gateway, opened
from support.delivery import Clock

HOSPITAL = "H99000100001"
DATASET = "HD03"
DAY = date(2026, 11, 24)  #: the day before the clock's
NAME = "云溪区人民医院（演示）"


class Ward:
    """What a test does to the site, to the gateway and to what the bureau holds."""

    def __init__(self, site: Path, bureau: Path, config: Path, gateway: Gateway, clock: Clock) -> None:
        self.site, self.bureau, self.config, self.gateway, self.clock = site, bureau, config, gateway, clock

    def sql(self, statement: str, *values: object) -> int:
        """Change the site's database; returns how many rows."""
        return _run(self.site, statement, *values)

    def at_bureau(self, statement: str, *values: object) -> int:
        """Change what the bureau holds, as no program of ours does."""
        return _run(self.bureau, statement, *values)

    def treat(self, *numbers: int, day: date = DAY, **columns: Any) -> None:
        """A session of each number, finished at noon unless said otherwise."""
        stamp = f"{self.clock():%Y-%m-%d %H:%M:%S}"
        for number in numbers:
            row = {
                "id": number,
                "session_no": f"TX{number:04d}",
                "patient_id": 1,
                "session_date": day.isoformat(),
                "on_clock": "08:00",
                "off_clock": "12:00",
                "minutes": 240,
                "machine": "M01",
                "item_id": 1,
                "session_state": "done",
                "created_at": stamp,
                "updated_at": stamp,
                **columns,
            }
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            self.sql(f"INSERT INTO dialysis_session ({names}) VALUES ({marks})", *row.values())

    def change(self, number: int, **columns: Any) -> None:
        """An edit of a session, with its change time."""
        values = {**columns, "updated_at": f"{self.clock():%Y-%m-%d %H:%M:%S}"}
        pairs = ", ".join(f"{name} = ?" for name in values)
        assert self.sql(f"UPDATE dialysis_session SET {pairs} WHERE id = ?", *values.values(), number) == 1

    def read(self) -> None:
        """What is new at the site."""
        for feed in self.gateway.feeds:
            self.gateway.reader(feed).hot()

    def send(self) -> Delivery:
        """Whatever is due."""
        return self.gateway.send("bureau")

    def round(self) -> None:
        """Read and send, a minute later."""
        self.clock.move(60)
        self.read()
        self.send()

    def sweep(self) -> None:
        """The nightly look."""
        self.clock.move(300)
        for feed in self.gateway.feeds:
            self.gateway.reader(feed).sweep(Tier.COLD)

    def state(self, day: date = DAY) -> Statement:
        """The newest manifest of the day."""
        self.clock.move(1)
        return state(self.gateway, DATASET, day)[1][0]

    def prove(self, day: date = DAY) -> Proof:
        """The day held against the bureau."""
        self.clock.move(1)
        (found,) = proofs_of(self.gateway, day)
        return found

    def settled(self, day: date = DAY) -> Proof:
        """The same when the manifest has arrived."""
        self.state(day)
        self.send()
        return self.prove(day)

    def differences(self, day: date = DAY) -> dict[Difference, int]:
        """What a proof finds."""
        return {each.difference: each.count for each in self.prove(day).comparison.found}

    def states(self) -> dict[State, int]:
        """The gateway's own account of the sessions."""
        (found,) = self.gateway.store.standings(self.gateway.routes)
        assert found.balanced
        return dict(found.states)

    def manifests(self) -> list[dict[str, Any]]:
        """The manifests that the bureau holds, in the order of their versions."""
        with closing(sqlite3.connect(self.bureau)) as connection:
            rows = connection.execute("SELECT body FROM record WHERE dataset = 'OP01' ORDER BY key, version").fetchall()
        return [yaml.safe_load(body) for (body,) in rows]


@contextmanager
def ward(folder: Path, clock: Clock, profile: Path | None = None, **settings: Any) -> Iterator[Ward]:
    """One that has just been installed. `settings` are put into the gateway's configuration; `profile`: another than the demo's."""
    built = premises.build(folder)
    site = built.databases[f"his:{HOSPITAL}"]
    _run(site, "INSERT INTO patient VALUES (1, 'C0001', '测试', 'P0001', 'T0001')")
    _run(site, "INSERT INTO charge_item VALUES (1, 'I1', '血液透析', '003110000010000-311000001', '次')")
    path = built.gateways[HOSPITAL]
    configured = yaml.safe_load(path.read_text(encoding="utf-8"))
    configured["sources"][0]["datasets"] = [DATASET]
    if profile:
        configured["sources"][0]["profile"] = str(profile)
    path.write_text(yaml.safe_dump({**configured, **settings}, allow_unicode=True), encoding="utf-8")
    app = serving.build(built.bureau, clock)
    with serving.Server(app, built.bureau.host, built.bureau.port), opened(configuration.load(path), clock) as gateway:
        yield Ward(site, Path(built.bureau.store.removeprefix("sqlite:///")), path, gateway, clock)


def _run(database: Path, statement: str, *values: object) -> int:
    with closing(sqlite3.connect(database)) as connection:
        count = connection.execute(statement, values).rowcount
        connection.commit()
    return count
