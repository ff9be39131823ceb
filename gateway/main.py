"""The `gateway` command. Every failure is one Chinese sentence; a traceback is a bug.

Exit codes: 0 all well · 1 something needs a person or a later try · 2 the configuration or a profile is wrong.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import click
import structlog
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from gateway import beating, deadlines, failpoints, pulse, stating, tending, timekeeping, unread
from gateway import config as configuration
from gateway import console as show
from gateway.errors import ClockDoubtedError, ConfigError, GatewayError, SourceError, SparedError, StoppedError, StoreError
from gateway.maintenance import COMMANDS, clear, disk_line, retention_lines, upkeep
from gateway.model import Tally
from gateway.outbox import State
from gateway.rescanning import reading_job
from gateway.telling import told
from gateway.unread import Unread
from gateway.wiring import Feed, Gateway, opened
from jobs import garbage, loglines, timetable
from jobs.loglines import Lines, LogFileError
from schemas.commandline import Group
from schemas.logfile import LogFile
from schemas.wire import SHANGHAI

_FLOOD_EVERY = 5


def now() -> datetime:
    """The clock of a real run."""
    return datetime.now(SHANGHAI)


#: commands whose modules and libraries a run has no use for
_LATER = {
    **dict.fromkeys(("check", "profile", "preview", "doctor", "message"), "gateway.clerk"),
    "spec": "gateway.spec",
    **dict.fromkeys(("reconcile", "verified"), "gateway.auditing"),
    "grants": "gateway.granting",
    **dict.fromkeys(("requeue", "resume"), "gateway.requeueing"),
    "late": "gateway.timeliness",
    "declare": "gateway.declarations",
    **dict.fromkeys(("manifest", "prove"), "gateway.proving"),
    "alert": "gateway.alerting",
    "where": "gateway.locating",
    "user": "gateway.accounts",
    **dict.fromkeys(("todo", "quality"), "gateway.todo"),
}


@click.group(cls=Group, later=_LATER, help="两定接口前置网关：读取本地数据、校验、按时报送医保平台。")
@click.option("--config", "path", type=click.Path(path_type=Path), default=Path("config.yaml"), help="配置文件，默认 config.yaml")
@click.pass_context
def cli(context: click.Context, path: Path) -> None:
    """Entry point of every command."""
    context.obj = path
    with told():
        failpoints.arm(os.environ.get(failpoints.VARIABLE))


for command in (*COMMANDS, *tending.COMMANDS, *timekeeping.COMMANDS):
    cli.add_command(command)


def _banner(gateway: Gateway) -> None:
    show.banner(_console(), {name: target.kind.word for name, target in gateway.config.targets.items()})


def _tell_red(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        show.say(_console(), sentence, style="red")


@cli.command(help="运行一轮：读取新数据并报送，直到没有到期的数据。")
@click.option("--once", is_flag=True, required=True, help="只运行一轮（常驻运行请用 gateway serve）")
@click.option("--from-start", is_flag=True, help="从头重读（改了映射或目录之后用；未变的不会重发）")
@click.pass_obj
def run(path: Path, once: bool, from_start: bool) -> None:
    """One round of reading and sending."""
    with told(), opened(configuration.load(path), now) as gateway:
        garbage.spare()
        _banner(gateway)
        with timetable.stopping_on_signals() as stop:
            well = _read_all(gateway, stop, from_start)
            well = _send_all(gateway, stop) and well
        well = _nothing_waits(gateway) and well
        _clear(gateway)
    sys.exit(0 if well else 1)


def _clear(gateway: Gateway) -> None:
    try:
        clear(gateway)
    except ClockDoubtedError as error:
        show.say(_console(), str(error), style="yellow")


def _read_all(gateway: Gateway, stop: threading.Event, from_start: bool) -> bool:
    rows: list[tuple[str, str, Tally]] = []
    failures: list[str] = []
    lost: list[Unread] = []
    for feed in gateway.feeds:
        try:
            tally = gateway.read(feed, from_start=from_start, stop=stop.is_set)
            rows.append((feed.source.name, feed.source.dataset, tally))
        except SourceError as error:
            lost.append(Unread(feed.source.name, feed.source.dataset, str(error)))
        except (StoppedError, StoreError) as error:  # without room to read there may be room to send
            failures.append(str(error))
    show.intake(_console(), rows)
    _tell_red([*unread.sentences(lost), *dict.fromkeys(failures)])
    return not failures and not lost and all(tally.balanced for _, _, tally in rows)


def _send_all(gateway: Gateway, stop: threading.Event) -> bool:
    """Whether everything due was settled: what had to wait or is unknown needs a later try."""
    settled = [_send_one(gateway, target, stop) for target in gateway.clients]
    if stop.is_set():
        show.say(_console(), "已按要求停止：手上的一批已处理完，其余留在队列里。", style="yellow")
    return all(settled) and not stop.is_set()


def _send_one(gateway: Gateway, target: str, stop: threading.Event) -> bool:
    waiting = gateway.store.queue(target).waiting
    with Progress(console=_console(), transient=True, disable=not _console().is_terminal) as bar:
        task = bar.add_task(escape(f"报送 {target}"), total=waiting)
        delivery = gateway.send(target, lambda done: bar.advance(task, done), stop.is_set)
    counts = "、".join(f"{show.STATE_WORDS[state]} {count}" for state, count in delivery.states.items())
    show.say(_console(), f"目标 {target}：{counts or ('这一轮没有发出' if waiting else '没有要发的')}")
    if delivery.paused:
        show.say(_console(), f"  {delivery.paused}", style="yellow")
    told_later = gateway.store.queue(target).causes  # of what still waits
    for cause, count in delivery.causes.items():
        if cause not in told_later:
            show.say(_console(), f"  {count} 条：{cause}", style="yellow")
    return not delivery.states.keys() - {State.ACCEPTED, State.REJECTED}


def _nothing_waits(gateway: Gateway) -> bool:
    """Whether everything is at its target; else what waits, for what, and until when."""
    return not sum(_tell_queue(gateway, target) for target in gateway.clients)


def _tell_queue(gateway: Gateway, target: str) -> int:
    """How many wait."""
    queue = gateway.store.queue(target)
    show.queue(_console(), queue, gateway.store.awaited(target), gateway.store.tripped(target), now())
    return queue.waiting


@cli.command(help="常驻运行：按配置的间隔读取和报送，收到停止信号后做完手上的再退出。")
@click.pass_obj
def serve(path: Path) -> None:
    """Run until told to stop."""
    with told(), opened(configuration.load(path), now) as gateway, _lines(gateway.config.log) as lines:
        from gateway import serving, watching  # web pages, metrics, channels: only what stays needs them

        watch = watching.opened(gateway)
        garbage.spare()
        with timetable.stopping_on_signals() as stop, serving.listening(gateway, stop, watch) as url:
            heard = f"，HIS 推送到 {url}/api/push" if gateway.config.push else ""
            heard += f"，网页 {url}/" if gateway.config.console else ""
            _banner(gateway)
            show.say(_console(), f"前置网关已启动{heard}，按 Ctrl-C 停止。")
            told_again = timetable.Job("log", _FLOOD_EVERY, lines.tick)
            timetable.run([*_jobs(gateway, stop), *watching.jobs(watch), told_again], stop)
        show.say(_console(), "前置网关已停止。")


def _jobs(gateway: Gateway, stop: threading.Event) -> list[timetable.Job]:
    schedule = gateway.config.schedule
    reading = [reading_job(feed.source, schedule, _reading(gateway, feed, stop)) for feed in gateway.feeds]
    sending = [
        timetable.Job(f"send:{target}", schedule.upload_every, _sending(gateway, target, stop)) for target in gateway.clients
    ]
    signs = [*pulse.jobs(gateway), *beating.jobs(gateway, stop.is_set)]
    stated = stating.jobs(gateway, stop.is_set)
    return reading + tending.sweeps(gateway, stop.is_set) + sending + upkeep(gateway) + signs + stated


def _reading(gateway: Gateway, feed: Feed, stop: threading.Event) -> Callable[[], None]:
    log = structlog.get_logger().bind(source=feed.source.name, dataset=feed.source.dataset)
    before: dict[str, Tally] = {}

    def turn() -> None:
        with _logged(log):
            tally = gateway.read(feed, stop=stop.is_set)
            if tally.queued or tally.voided or (tally.read and tally != before.get("tally")):  # the overlap is read every time
                _tell_read(log, tally)
            before["tally"] = tally

    return turn


def _tell_read(log: Any, tally: Tally) -> None:
    figures = {"rows": tally.read, "queued": tally.queued, "voided": tally.voided, "quarantined": tally.quarantined}
    reasons = {"reasons": dict(tally.reasons)} if tally.reasons else {}
    log.info("read", **figures, not_ready=tally.not_ready, **reasons)


def _sending(gateway: Gateway, target: str, stop: threading.Event) -> Callable[[], None]:
    log = structlog.get_logger().bind(target=target)

    def turn() -> None:
        with _logged(log):
            gateway.send(target, stop=stop.is_set)

    return turn


@contextmanager
def _logged(log: Any) -> Iterator[None]:
    """What we can name is one line with its sentence; anything else is a bug and goes to the timetable with its traceback."""
    try:
        yield
    except SparedError as error:
        log.info("spared", cause=str(error))
    except StoppedError:
        log.info("stopped")
    except GatewayError as error:
        log.error("failed", kind=type(error).__name__, cause=str(error))


@cli.command(help="查看：每一行数据在哪里，队列有多长，哪些要人处理。")
@click.pass_obj
def status(path: Path) -> None:
    """Where everything stands."""
    with told(), opened(configuration.load(path), now) as gateway:
        _banner(gateway)
        found = gateway.store.standings(gateway.routes)
        lost = unread.lasting(gateway)
        show.standings(_console(), found, unread.so_far(gateway, lost))
        _tell_red(unread.sentences(lost))
        for target in gateway.clients:
            _tell_queue(gateway, target)
        show.grievances(_console(), gateway.store.grievances())
        from gateway import alerting, todo

        todo.remind(_console(), gateway)
        remarks = [sentence for each in found for sentence in (*each.remarks, *each.named)]
        lines = (
            tending.brake_lines(gateway),
            tending.alarm_lines(gateway),
            stating.lines(gateway),
            timekeeping.lines(gateway),
            gateway.clock_lines(),
            gateway.gate_lines(),
            retention_lines(gateway.config),
            alerting.channel_lines(gateway),
        )
        show.warnings(_console(), [*remarks, *chain(*lines), *deadlines.remarks(gateway.edition, gateway.closures, now())])
        show.say(_console(), disk_line(gateway, now()))
    sys.exit(0 if not lost and all(each.balanced for each in found) else 1)


def _console() -> Console:
    """Sentences name files, codes and causes, in which `[` is no markup."""
    return Console(highlight=False, markup=False, soft_wrap=False)


@contextmanager
def _lines(file: LogFile | None) -> Iterator[Lines]:
    try:
        with loglines.logging_to(file) as lines:
            yield lines
    except LogFileError as error:
        raise ConfigError(str(error), key="log.file") from None


def _log_lines() -> None:
    """One JSON line per outcome on standard error; never a person."""
    loglines.configure()
