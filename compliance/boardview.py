"""`compliance board`: the board on the screen, what somebody has to ask about first, and as a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import click

from compliance import connection, days, serving, thresholds
from compliance.board import Asked, BoardReport, DayRow, LinkLine, asked_of
from compliance.connection import Link
from compliance.days import DayCell, DayState
from compliance.telling import opened, told
from compliance.workbook import board as workbook
from schemas.commandline import CalendarDay, Command
from schemas.wire import SHANGHAI

_DAY = timedelta(days=1)
_FILE = click.Path(path_type=Path, dir_okay=False)
_HOUR = 60


@click.command(cls=Command, help="看板：谁在线、谁静默，哪天的哪些数据没有到齐、与清单不符。")
@click.option("--date", "day", type=CalendarDay(), help="哪个业务日，默认昨天")
@click.option("--institution", default="", help="只看这家机构（编码），各数据集都列出")
@click.option("--out", type=_FILE, help="另写成 Excel 工作簿")
@click.pass_obj
def board(path: Path, day: datetime | None, institution: str, out: Path | None) -> None:
    """Exit code 1 when somebody has to be asked."""
    with told(path), opened(path) as (config, store):
        length = thresholds.shipped().matrix_days if out else 1  # the screen shows one day only
        report = serving.board(config, store, asked(day.date() if day else None, serving.now(), length), institution)
        for sentence in lines(report, everything=bool(institution)):
            click.echo(sentence)
        if out:
            workbook.write(report, out)
            click.echo(f"已写出 {out}")
        well = report.well
    raise SystemExit(0 if well else 1)


COMMANDS = (board,)


def asked(day: date | None, now: datetime, length: int) -> Asked:
    """Connections as they are now; figures of the day, and of those before it, with whatever has come of them until now."""
    yesterday = now.astimezone(SHANGHAI).date() - _DAY
    return asked_of(day or yesterday, now, length)


def lines(report: BoardReport, *, everything: bool) -> Iterator[str]:
    """What the screen says; `everything`: what is well too."""
    yield f"{report.district}看板　状态截至 {report.as_of:%Y-%m-%d %H:%M}，数字为业务日 {report.asked.day}"
    if report.links:
        counts = report.link_counts
        yield "对接：" + "，".join(f"{state} {counts[state]} 家" for state in Link if counts[state])
    else:
        yield "对接：这一版接口规范没有心跳（OP02），不能判断"
    for line in report.links:
        if everything or (line.state in connection.UNEXPLAINED and not line.deferred):
            yield f"  {line.state}　{_who(line.name, line.code)}　{link_words(line, report.as_of)}"
    states = report.day_counts
    yield "报送：" + ("，".join(f"{state} {states[state]}" for state in DayState if states[state]) or "名册里没有要报送的机构")
    for row in report.rows:
        if everything or row.last.state in days.WANTING:
            yield f"  {row.last.state}　{_who(row.institution, row.code)}　{row.dataset} {row.dataset_name}　{_day_words(row)}"


def link_words(line: LinkLine, now: datetime) -> str:
    """When the last heartbeat came, and how much of the day was covered."""
    if line.last_at is None:
        return "；".join(("没有收到过心跳", *line.remarks))
    age = (now - line.last_at) // timedelta(minutes=1)
    said = f"最近心跳 {line.last_at:%m-%d %H:%M}（{spoken(age)}前）"
    share = line.coverage.share
    covered = f"当日覆盖 {share:.1%}，最长中断 {spoken(line.coverage.gap)}" if share is not None else ""
    waiting = f"待报 {line.newest.queue_depth} 条" if line.newest else ""
    return "；".join(filter(None, (said, covered, waiting, *line.remarks)))


def spoken(minutes: int) -> str:
    """A stretch of time as a person reads it."""
    parts = ((minutes // (24 * _HOUR), "天"), (minutes // _HOUR % 24, "小时"), (minutes % _HOUR, "分钟"))
    shown = [f"{count} {word}" for count, word in parts if count]
    return " ".join(shown[:2]) or "不到 1 分钟"


def _day_words(row: DayRow) -> str:
    cell = row.last
    return "，".join(
        filter(
            None,
            (
                f"有效 {cell.live} 条" if cell.live or cell.stated else "",
                f"清单 {cell.stated} 条" if cell.stated is not None else "没有清单",
                f"迟报 {cell.late} 条" if cell.late else "",
                f"还缺 {cell.missing} 条" if cell.missing else "",
                "零报后又有数据" if cell.revoked else "",
                _due(cell),
            ),
        )
    )


def _due(cell: DayCell) -> str:
    """24:00 of a day is how a person reads the midnight after it."""
    local = cell.due_at.astimezone(SHANGHAI)
    if local.time() == time():
        return f"时限 {(local - _DAY):%m-%d} 24:00"
    return f"时限 {local:%m-%d %H:%M}"


def _who(name: str, code: str) -> str:
    return f"{name}（{code}）" if code else name
