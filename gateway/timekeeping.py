"""Whether the days of what is kept may be counted by this machine's clock.

A clock that was set months ahead would end them all at once: bodies, the access log and the notes of interruptions would be
gone, and no setting it right brings them back. So it is held against the last instant at which it is known to have been right:
when things were cleared last, or when a platform's reply agreed with it. After a long power-off that instant lies far back
too; the first reply of a platform, or a person's word, moves it on.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

import click

from gateway import config as configuration
from gateway.errors import ClockDoubtedError
from gateway.freshness import fresh
from gateway.skew import PlatformClock
from gateway.telling import told
from gateway.wiring import Gateway, opened
from schemas import wire
from schemas.commandline import Command
from schemas.wire import SHANGHAI

#: a weekend without power; so much too early nothing that is kept for months is missed
_LONGEST = timedelta(days=3)
#: a platform within this of ours says that the day is right
_AGREES = timedelta(days=1)
#: under which name the last instant that was vouched for is remembered
_PULSE = "clock"
#: under which name it is remembered since when nothing is cleared
_PUT_OFF = "clearing_put_off"
#: so long a platform has to answer before a person is told
_PATIENCE = timedelta(hours=1)


def vouched(gateway: Gateway) -> datetime:
    """Now, by a clock that may be cleared by, which is remembered. ClockDoubtedError where it may not.

    Since when is in the store: every process that looks for alarms must see the same.
    """
    now = gateway.clock()
    if sentence := doubt(gateway):
        if _put_off_since(gateway) is None:
            gateway.store.beat(_PUT_OFF, now)
        raise ClockDoubtedError(sentence)
    gateway.store.beat(_PULSE, now)
    return now


def lasting(gateway: Gateway) -> str:
    """The doubt once it has put off the clearing for an hour: after a power-off the first reply may end it before."""
    since = _put_off_since(gateway)
    return doubt(gateway) if since and not fresh(since, gateway.clock(), _PATIENCE) else ""


def _put_off_since(gateway: Gateway) -> datetime | None:
    """None if it was for an earlier doubt."""
    since = gateway.store.beaten(_PUT_OFF)
    return since if since and since > _known(gateway) else None


def doubt(gateway: Gateway) -> str:
    """Why nothing may be cleared by the clock; "" if it may."""
    now, known = gateway.clock(), _known(gateway)
    if now - known <= _LONGEST:
        return ""
    return (
        f"本机时间 {_spoken(now)} 比上次确认无误的时间 {_spoken(known)} 晚了 {(now - known).days} 天，可能被改到了将来："
        f"到期的正文、访问记录先不清除。请核对本机的日期和授时；本机无误的，平台一有应答就自动继续，"
        f"平台的应答不带时间的请运行 gateway clock --right"
    )


def lines(gateway: Gateway) -> list[str]:
    """The same as lines of `gateway status`."""
    return [found] if (found := doubt(gateway)) else []


def _known(gateway: Gateway) -> datetime:
    """The last instant at which the clock was right. A store that has just been made was made at such a one."""
    store = gateway.store
    clocks = [store.platform_clock(target) for target in gateway.clients]
    agreed = [clock.measured_at for clock in clocks if clock and _agrees(clock)]
    return max([store.beaten(_PULSE) or store.made()[0], *agreed])


def _agrees(clock: PlatformClock) -> bool:
    """By its latest reply alone: those before may be of a time when ours was another."""
    return abs(clock.ahead[-1]) <= _AGREES


@click.command(cls=Command, help="本机时钟可不可信：改到了将来的时钟会把没到期的也清除，所以先停着；核对无误的加 --right。")
@click.option("--right", is_flag=True, help="本机的日期和时间已核对无误，到期的照常清除")
@click.pass_obj
def clock(path: Path, right: bool) -> None:
    """Exit code 1 while the clock is doubted."""
    with told(), opened(configuration.load(path), _now) as gateway:
        if right:
            gateway.store.beat(_PULSE, gateway.clock())
        found = doubt(gateway)
        click.echo(found or f"本机时间 {_spoken(gateway.clock())}，上次确认无误是 {_spoken(_known(gateway))}；到期的照常清除。")
        for sentence in gateway.clock_lines():
            click.echo(sentence)
    sys.exit(1 if found else 0)


COMMANDS = (clock,)


def _spoken(at: datetime) -> str:
    return wire.encode_datetime(at.astimezone(SHANGHAI))


def _now() -> datetime:
    return datetime.now(SHANGHAI)
