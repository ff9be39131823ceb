"""Who is measured. Each is set up in a folder of its own, run as a process, and run again to go on where it stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.delivery import ours
from bench.delivery.environments import Environment, NotInstalledError, environment
from bench.delivery.hospital import Hospital
from bench.delivery.measuring import ROOT, Cost, run

_PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for everybody in one run."""

    hospital: Hospital
    receiver_url: str
    size: int = 100  #: rows a request
    lag: int = 0  #: seconds before the cursor that are read again, for who can; 0: as the tool does by itself
    skip: bool = False  #: pass over what is refused and keep it, for who can


@dataclass(frozen=True, slots=True)
class Installed:
    """A contestant ready to run in a folder."""

    folder: Path
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    replay: list[str] | None = None  #: sends again what was passed over
    retried: bool = True  #: whether a run that fails is worth another

    def run(self, **limits: Any) -> Cost:
        """One run, to its end."""
        return run(self.command, self.folder, self.folder / "log.txt", environment=self.environment, **limits)

    def run_replay(self) -> Cost | None:
        """Send again what was passed over; None if there is no such thing."""
        return run(self.replay, self.folder, self.folder / "replay.txt", environment=self.environment) if self.replay else None


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way of doing it."""

    name: str
    label: str
    duty: str  #: what of the duty it does
    install: Callable[[Path, Terms], Installed]


def _surroundings(terms: Terms, **more: str) -> dict[str, str]:
    return {
        "BENCH_DATABASE": terms.hospital.name,
        "BENCH_URL": f"{terms.receiver_url}/rows",
        "BENCH_SIZE": str(terms.size),
        "BENCH_LAG": str(terms.lag),
        "PYTHONPATH": str(ROOT),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
        **more,
    }


def _script(where: Environment, script: str, folder: Path, given: Mapping[str, str]) -> Installed:
    folder.mkdir(parents=True)
    return Installed(folder, [where.python, str(_PEERS / f"{script}.py")], given)


def gateway(folder: Path, terms: Terms) -> Installed:
    """Ours: `gateway run --once` in this very environment."""
    tiers = {"tiers": {"overlap": terms.lag}} if terms.lag else {}
    found = ours.install(folder, terms.hospital.url, terms.receiver_url, batch=terms.size, **tiers)
    here = {"PYTHONPATH": str(ROOT)}
    return Installed(folder, found.command("run", "--once"), here, found.command("requeue", "--target", ours.TARGET))


def least(folder: Path, terms: Terms, driver: str = "pymysql") -> Installed:
    """See `bench.delivery.least`."""
    folder.mkdir(parents=True)
    told = (terms.hospital.name, f"{terms.receiver_url}/api/upload", str(terms.size), driver)
    return Installed(folder, [sys.executable, "-m", "bench.delivery.least", *told], {"PYTHONPATH": str(ROOT)})


def least_in_c(folder: Path, terms: Terms) -> Installed:
    """The same by mysqlclient."""
    if find_spec("MySQLdb") is None:
        raise NotInstalledError("没有装 mysqlclient（本产品不用它），没有测")
    return least(folder, terms, "MySQLdb")


def straw_man(folder: Path, terms: Terms) -> Installed:
    """See `peers.straw`."""
    return _script(environment("straw"), "straw", folder, _surroundings(terms))


def dlt_validating(folder: Path, terms: Terms) -> Installed:
    """dlt with the same validation."""
    return _script(environment("dlt"), "dlt_pipeline", folder, _surroundings(terms, BENCH_VALIDATE="1", LOAD__WORKERS="1"))


def dlt_plain(folder: Path, terms: Terms) -> Installed:
    """dlt as it comes."""
    return _script(environment("dlt"), "dlt_pipeline", folder, _surroundings(terms, LOAD__WORKERS="1"))


def dlt_old(folder: Path, terms: Terms) -> Installed:
    """dlt of an older release."""
    return _script(environment("dlt_old"), "dlt_pipeline", folder, _surroundings(terms, LOAD__WORKERS="1"))


def singer(folder: Path, terms: Terms) -> Installed:
    """tap | target."""
    return _script(environment("singer"), "singer_run", folder, _surroundings(terms))


def pandas(folder: Path, terms: Terms) -> Installed:
    """A script."""
    return _script(environment("pandas"), "pandas_loop", folder, _surroundings(terms))


def pandas_retrying(folder: Path, terms: Terms) -> Installed:
    """The script, whose HTTP client sends again by itself."""
    return _script(environment("pandas"), "pandas_loop", folder, _surroundings(terms, BENCH_RETRY="1"))


def drt(folder: Path, terms: Terms) -> Installed:
    """drt run."""
    where = environment("drt")
    given = _surroundings(terms, HOME=str(folder / "home"), **({"BENCH_SKIP": "1"} if terms.skip else {}))
    written = _script(where, "drt_project", folder, given)
    if written.run().code:
        raise RuntimeError((folder / "log.txt").read_text(encoding="utf-8"))
    command = str(where.commands / "drt")
    return Installed(folder, [command, "run"], given, [command, "retry", "sessions"] if terms.skip else None)


#: in the order of the table
CONTESTANTS = (
    Contestant("ours", "本产品", "校验、台账、加密队列、逐条结果、签名", gateway),
    Contestant("straw", "稻草人：PyMySQL + marshmallow + SQLite + requests", "校验、队列", straw_man),
    Contestant("drt", "drt-core 1.2", "不校验，不落库", drt),
    Contestant("dlt", "dlt 1.31，同样的校验", "校验，文件队列", dlt_validating),
    Contestant("dlt_plain", "dlt 1.31，不校验", "文件队列", dlt_plain),
    Contestant("singer", "singer-sdk 0.54", "不校验，不落库", singer),
    Contestant("pandas", "pandas + requests", "不校验，不落库", pandas),
)
#: no product: how fast one process can be that keeps the promises
LEAST = (
    Contestant("least", "极限：手写、只为这一张表，PyMySQL", "校验、台账、加密队列、逐条结果、签名；别的都没有", least),
    Contestant("least_c", "极限，mysqlclient", "同上", least_in_c),
)
RETRYING = Contestant("pandas_retry", "pandas + requests，urllib3 自动重试", "不校验，不落库", pandas_retrying)
OLD = Contestant("dlt_old", "dlt 1.26.0，不校验", "文件队列", dlt_old)


def by_name(name: str) -> Contestant:
    """The contestant of that name. KeyError if there is none."""
    return {each.name: each for each in (*CONTESTANTS, *LEAST, RETRYING, OLD)}[name]


__all__ = ["CONTESTANTS", "LEAST", "OLD", "RETRYING", "Contestant", "Installed", "Terms", "by_name"]
