"""Play the month and print, for each day on which something happened, what was said of it; exit code 0 if all of it is right."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import structlog
from rich.console import Console

from compliance.days import DayState
from demo.month import playing, script, sites, verdict
from demo.month.playing import Said
from gateway.layout import say

_WHY = {
    script.CUT[0].date(): "断网：医院到医保局的线路断了一天，没有人申明",
    script.MOVED[0].date(): "申明停机：康复中心搬服务器，头一晚已申明",
    script.EMPTY: "零日：诊所周五没有病人；两天后才补录一张",
    script.LATE_OF: "补录：医院这一天的一次治疗，周四才录入",
    script.OFF[0].date(): "静默：诊所的网关停了三天，没有人说",
}


def main() -> int:
    """The exit code."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    console = Console(highlight=False, markup=False)
    say(console, f"三家机构的一个月（{script.FIRST} 至 {script.LAST}），先演几周作为平常的样子，约一两分钟……")
    with tempfile.TemporaryDirectory() as folder, sites.running(Path(folder) / "month") as district:
        said = playing.play(district)
        wrong = [*verdict.differences(said), *verdict.charged(district)]
    for day in sorted({day for _, day in said}):
        _tell(console, day, said)
    for sentence in wrong:
        say(console, sentence, style="red")
    say(console, "有不符之处" if wrong else f"{len(said)} 个机构日，清单、看板、告警都与剧本相符。")
    return 1 if wrong else 0


def _tell(console: Console, day: date, said: Mapping[tuple[str, date], Said]) -> None:
    """A line for each institution of which anything but the ordinary was said."""
    if why := _WHY.get(day):
        say(console, f"{day}　{why}", style="bold")
    for code, name in script.NAMES.items():
        each = said[code, day]
        states = {dataset: cell.state for dataset, cell in each.final.items()}
        if set(states.values()) <= {DayState.MATCHED, DayState.ZERO} and not each.alarms and not why:
            continue
        board = "，".join(
            f"{dataset} {each.cells[dataset].state}" + (f"→{state}" if state is not each.cells[dataset].state else "")
            for dataset, state in states.items()
        )
        manifests = "，".join(
            f"{dataset} {'→'.join(str(one.figures['accepted']) for one in sorted(found, key=lambda one: one.version))}"
            for dataset, found in each.manifests.items()
        )
        rang = "、".join(sorted({kind for kind, _ in each.alarms})) or "无"
        say(console, f"  {day} {name}　对接 {each.link}　看板 {board}　清单已收 {manifests}　告警 {rang}")


if __name__ == "__main__":
    sys.exit(main())
