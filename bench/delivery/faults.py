"""The eleven fault runs (T2 to T9): what is missing, what was applied twice and what is held, after everybody had eight tries.

Missing: rows of the hospital whose content the platform does not hold and that no work list names. Held: rows on a work list (or in
a dead letter queue). Twice: applied again though nothing had changed; the receiver applies whatever arrives.
"""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import click

from bench.delivery import ours
from bench.delivery.contestants import OLD, Contestant, Installed, Terms
from bench.delivery.counting import Receiver
from bench.delivery.environments import NotInstalledError
from bench.delivery.hospital import Hospital, another, changed, hospital
from bench.delivery.measuring import Cost
from bench.delivery.receiver import GONE

TRIES = 8
_OFTEN = 6  #: every so-many-th request meets the fault
_LARGER = 10  #: times as many rows where a buffer has to be exceeded


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one fault run came to."""

    missing: int
    duplicates: int
    held: int
    note: str = ""

    def __str__(self) -> str:
        told = f"漏 {self.missing:,}，重 {self.duplicates:,}，列明 {self.held:,}"
        return f"{told}（{self.note}）" if self.note else told


@dataclass
class Trial:
    """One contestant in one fault run."""

    contestant: Contestant
    hospital: Hospital
    receiver: Receiver
    folder: Path
    rows: int
    last_day: date
    size: int = 100
    lag: int = 0
    skip: bool = False

    def install(self, **script: object) -> Installed:
        """Set it up against a receiver that behaves like that."""
        self.receiver.follow(**script)
        terms = Terms(self.hospital, self.receiver.url, self.size, self.lag, self.skip)
        self.installed = self.contestant.install(self.folder, terms)
        return self.installed

    @property
    def gateway(self) -> ours.Ours | None:
        """Ours, if it is ours."""
        return ours.Ours(self.folder) if self.contestant.name == "ours" else None

    def finish(self, tries: int = TRIES) -> tuple[int, Cost]:
        """Run until it says that it is done, time passing between two runs; how many runs, and what the last one cost."""
        cost, turns = self.installed.run(limit=120), 1
        while cost.code and turns < tries:
            self.wait(hours=2)
            cost, turns = self.installed.run(limit=120), turns + 1
        return turns, cost

    def wait(self, **delta: float) -> None:
        """Time passes. The others keep no deadlines."""
        if self.gateway and self.gateway.store.exists():
            ours.age(self.gateway, **delta)

    def outcome(self, note: str = "") -> Outcome:
        """What the platform holds now against what the hospital has."""
        wanted, held = self.hospital.minutes(), self.receiver.held()
        amiss = sum(held.get(number) != minutes for number, minutes in wanted.items())
        amiss += sum(said != GONE for number, said in held.items() if number not in wanted)
        listed = self.listed()
        return Outcome(max(0, amiss - listed), self.receiver.counts().duplicates, listed, note)

    def listed(self) -> int:
        """Rows that it names as not delivered."""
        if self.gateway:
            return ours.count_held(self.gateway)
        letters = self.folder / ".drt" / "dlq" / "sessions.jsonl"
        if letters.exists():
            return len([line for line in letters.read_text(encoding="utf-8").splitlines() if line.strip()])
        return _refused_by_straw(self.folder / "straw.db")


def _refused_by_straw(store: Path) -> int:
    if not store.exists():
        return 0
    with closing(sqlite3.connect(store)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM outbox WHERE state = 'bad'").fetchone()[0])


def _tried(turns: int, cost: Cost) -> str:
    if cost.code:
        return f"{turns} 次也没有走完"
    return f"{turns} 次" if turns > 1 else ""


def killed(trial: Trial) -> Outcome:
    """T2: killed at 30 % and at 60 % of the rows, then run again. Answers take a while, so that there is time to die in."""
    installed = trial.install(latency=0.05)
    deaths = 0
    for share in (0.3, 0.6):
        cost = installed.run(limit=120, kill_when=lambda reach=share: trial.receiver.counts().distinct >= reach * trial.rows)
        deaths += cost.code == -signal.SIGKILL
        trial.wait(hours=2)
    _, cost = trial.finish()
    return trial.outcome(f"死 {deaths} 次" + (f"，{TRIES} 次也没有走完" if cost.code else ""))


def busy(trial: Trial) -> Outcome:
    """T3a: every sixth request is answered 503."""
    trial.install(busy_every=_OFTEN)
    return trial.outcome(_tried(*trial.finish()))


def silent(trial: Trial) -> Outcome:
    """T3b: every sixth request is applied, and its answer lost."""
    trial.install(silent_every=_OFTEN)
    return trial.outcome(_tried(*trial.finish()))


def poisoned(trial: Trial) -> Outcome:
    """T3c: one row for whose sake the platform refuses the whole message."""
    trial.install(poison=_poison(trial))
    return trial.outcome(_tried(*trial.finish()))


def replayed(trial: Trial) -> Outcome:
    """T3d: the same where it may be passed over; then the platform takes it, and what was kept is sent again."""
    trial.skip = True
    installed = trial.install(poison=_poison(trial))
    note = _tried(*trial.finish())
    before = trial.listed()
    trial.receiver.relent()
    if installed.replay is None:
        return trial.outcome(note or "没有这样的做法")
    installed.run_replay()
    trial.finish()
    return trial.outcome(f"先列明 {before:,}，再报")


def late(trial: Trial) -> Outcome:
    """T4: a row becomes visible with a change time older than what was read already."""
    return _with_more(trial, trial.rows - 30)


def late_with_lag(trial: Trial) -> Outcome:
    """T4b: the same, with 60 seconds read again each time; four runs."""
    trial.lag = 60
    _with_more(trial, trial.rows - 30)
    trial.finish()
    trial.finish()
    return trial.outcome()


def boundary(trial: Trial) -> Outcome:
    """T5: a new row with exactly the newest change time."""
    return _with_more(trial, trial.rows - 1)


def unseen(trial: Trial) -> Outcome:
    """T6: a row is edited without its change time moving, another deleted."""
    trial.install()
    trial.finish()
    trial.hospital.change("UPDATE dialysis_session SET minutes = minutes + 1 WHERE id = %s", 5)
    trial.hospital.change("DELETE FROM dialysis_session WHERE id = %s", 6)
    if trial.gateway:
        ours.sweep(trial.gateway, 3)
    trial.finish()
    return trial.outcome()


def slow(trial: Trial) -> Outcome:
    """T7: each answer takes 20 ms."""
    trial.install(latency=0.02)
    turns, cost = trial.finish()
    return trial.outcome(_tried(turns, cost) or f"{cost.wall:.1f} 秒")


def odd_sizes(trial: Trial) -> Outcome:
    """T9: 300 rows a request, which is the size of nobody's buffer."""
    trial.size = 300
    trial.install()
    return trial.outcome(_tried(*trial.finish()))


def _poison(trial: Trial) -> str:
    return f"S{trial.rows // 2:012d}"


def _with_more(trial: Trial, second: int) -> Outcome:
    trial.install()
    trial.finish()
    at: datetime = changed(second)
    trial.hospital.insert(another(trial.rows, trial.last_day, at, trial.rows))
    trial.finish()
    return trial.outcome()


#: name -> what is tried, how
FAULTS: Mapping[str, tuple[str, Callable[[Trial], Outcome]]] = {
    "T2": ("30% 与 60% 处 kill -9，再跑", killed),
    "T3a": ("每 6 个请求一个 503", busy),
    "T3b": ("每 6 个请求一个收下而应答丢失", silent),
    "T3c": ("有一行使平台整批拒收", poisoned),
    "T3d": ("同上，允许跳过；平台改好后补报", replayed),
    "T4": ("晚提交：时间比游标早 29 秒", late),
    "T4b": ("同上，每次多读 60 秒，跑 4 次", late_with_lag),
    "T5": ("新行的时间恰与游标相同", boundary),
    "T6": ("改一行而时间不动；删一行", unseen),
    "T7": ("每个应答慢 20 毫秒", slow),
    "T9": ("300 行一个请求", odd_sizes),
}


def table(contestants: Sequence[Contestant], receiver: Receiver, folder: Path, rows: int, last_day: date) -> Iterator[str]:
    """The Markdown table, one row a fault; each cell has a fresh hospital."""
    yield f"| 故障 | {' | '.join(each.label for each in contestants)} |"
    yield f"|---|{'---|' * len(contestants)}"
    for name, (what, fault) in FAULTS.items():
        count = rows * _LARGER if name == "T9" else rows
        cells = [_cell(each, name, fault, receiver, folder, count, last_day) for each in contestants]
        yield f"| {name} {what} | {' | '.join(cells)} |"
    what, fault = FAULTS["T9"]
    yield f"\nT9 {OLD.label}：{_cell(OLD, 'T9', fault, receiver, folder, rows * _LARGER, last_day)}"


def _cell(
    contestant: Contestant,
    name: str,
    fault: Callable[[Trial], Outcome],
    receiver: Receiver,
    folder: Path,
    rows: int,
    last_day: date,
) -> str:
    click.echo(f"  {name}：{contestant.label} ……", err=True)
    try:
        with hospital(rows, last_day) as found:
            return str(fault(Trial(contestant, found, receiver, folder / f"{name}-{contestant.name}", rows, last_day)))
    except NotInstalledError as error:
        return str(error)
