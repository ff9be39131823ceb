"""What an IT clerk sees in a window of 80 columns: names and numbers unbroken, nothing eaten by markup."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from gateway import console as show
from gateway.breaker import Breaker, Position, Signal, Tripped
from gateway.checking import Cause, CheckReport
from gateway.model import AsideState, Tally
from gateway.outbox import State
from gateway.standing import Awaited, Grievance, Queue, Route, Standing
from schemas.model import Violation
from schemas.wire import SHANGHAI

WHEN = datetime(2026, 11, 25, 8, 5, tzinfo=SHANGHAI)
UUID = "2022e529-ad3b-4e2a-925c-45b9489fd557"
HOSTILE = "a[/b] [red]x [link=y] \\[z"
NOTHING = Queue("bureau", 0, None, {})


def queue(console: Console, waiting: tuple[Queue, Sequence[Awaited], Sequence[Tripped]]) -> None:
    show.queue(console, *waiting, WHEN - timedelta(seconds=30))


def seen(show_it: Callable[..., None], *values: Any, width: int = 80, markup: bool = True) -> str:
    text = io.StringIO()
    show_it(Console(file=text, width=width, highlight=False, markup=markup), *values)
    return text.getvalue()


def lines(output: str) -> list[list[str]]:
    """Words of each line."""
    return [line.split() for line in output.splitlines() if line.strip()]


def standing(dataset: str, read: int, *, source: str = "his", voided: int = 0, outdated: int = 0, **counts: int) -> Standing:
    asides = {state: counts.pop(state.name.lower()) for state in AsideState if state.name.lower() in counts}
    states = {State(name): count for name, count in counts.items()}
    return Standing(Route(source, dataset, "bureau"), read, asides, states, outdated, voided)


def test_columns_that_are_zero_everywhere_are_left_out_and_names_stay_whole() -> None:
    output = seen(show.standings, [standing("HD02", 72, excluded=3, accepted=69), standing("HD03", 50, accepted=43, queued=7)])
    title, headers, _, *rows = lines(output)
    assert title[:2] == ["目标", "bureau"]
    assert headers == ["来源", "数据集", "读到", "排除", "在途", "已收", "核对"]
    assert rows == [["his", "HD02", "72", "3", "0", "69", "平"], ["his", "HD03", "50", "0", "7", "43", "平"]]


def test_what_was_read_is_shown_even_if_it_is_nothing() -> None:
    _, headers, _, row = lines(seen(show.standings, [standing("HD02", 0)]))
    assert (headers, row) == (["来源", "数据集", "读到", "核对"], ["his", "HD02", "0", "平"])


FULL = {
    "excluded": 12345678,
    "not_ready": 23456789,
    "quarantined": 34567891,
    "queued": 45678912,
    "accepted": 56789123,
    "rejected": 67891234,
    "cancelled": 78912345,
}


def test_an_account_too_wide_for_the_window_is_a_sentence_that_adds_up() -> None:
    output = seen(show.standings, [standing("RX01", sum(FULL.values()), source="中心医院信息系统", voided=5, **FULL)])
    (said,) = [line for line in output.splitlines() if "RX01" in line]
    assert "─┼" not in output
    assert said.startswith("中心医院信息系统 RX01：读到 319641972 = 排除 12345678 + 未完成 23456789 + ")
    parts = said.partition("=")[2].partition("（")[0]
    assert sum(map(int, re.findall(r"\d+", parts))) == sum(FULL.values())
    assert said.rstrip().endswith("（其中作废 5）　平")


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_of_a_table_is_wider_than_the_window_and_no_figure_is_cut(width: int) -> None:
    tables = [
        seen(show.standings, [standing("HD02", 319_641, accepted=319_641, excluded=0), standing("RX01", 9, queued=9)], width=width),
        seen(show.intake, [("his", "HD02", Tally(1_234_567, 1, 2, 3, 1_234_561)), ("his", "HD03", Tally(0))], width=width),
        seen(
            show.grievances, [Grievance("RX01", "医疗目录编码（med_list_codg）必填，当前为空：无医保码" * 3, 12, UUID)], width=width
        ),
        seen(show.check, REPORT, width=width),
    ]
    for output in tables:
        assert max(cell_len(line) for line in output.splitlines()) <= width
        assert "…" not in output
    assert "319641" in tables[0]
    assert "1234567" in tables[1]
    assert UUID in tables[2]
    assert UUID in tables[3]


REPORT = CheckReport(
    "his",
    "HD03",
    "透析信息",
    Tally(read=80, not_ready=2, quarantined=1, queued=77),
    [
        Cause(AsideState.NOT_READY, (Violation("", "not_ready", "透析尚未结束"),), 2, [UUID, UUID.replace("2", "3")]),
        Cause(AsideState.QUARANTINED, (Violation("begn_time", "required", "上机时间必填，当前为空：没有上机时间" * 3),), 1, ["7"]),
    ],
)


def test_a_check_says_its_account_in_one_line_and_each_example_on_its_own() -> None:
    output = seen(show.check, REPORT)
    assert "读到 80 = 按规则排除 0 + 未完成 2 + 待改正 1 + 可报送 77　平" in output.splitlines()
    assert [line.split()[-1] for line in output.splitlines() if "-4e" in line] == [UUID, UUID.replace("2", "3")]


def test_an_intake_that_lost_a_row_says_so() -> None:
    assert lines(seen(show.intake, [("his", "HD02", Tally(read=9, queued=8))]))[-1] == ["his", "HD02", "9", "8", "不平"]


def test_no_feed_read_shows_no_empty_table() -> None:
    assert seen(show.intake, []) == ""


@pytest.mark.parametrize("markup", [True, False])
@pytest.mark.parametrize(
    ("show_it", "value"),
    [
        (show.intake, [(HOSTILE, "HD02", Tally(1, queued=1))]),
        (show.standings, [standing("HD02", 1, source=HOSTILE, accepted=1, outdated=1)]),
        (queue, (Queue("bureau", 1, None, {HOSTILE: 1}), [], [])),
        (show.grievances, [Grievance("HD02", HOSTILE, 1, "7")]),
        (show.grievances, [Grievance("HD02", "班次", 1, HOSTILE)]),
        (queue, (NOTHING, [Awaited("HD02", 1, WHEN, HOSTILE)], [])),
        (queue, (NOTHING, [], [Tripped("bureau", "", Breaker(Position.OPEN, Signal.UNREACHABLE, 3, 1, WHEN, HOSTILE))])),
        (show.warnings, [HOSTILE]),
        (show.check, CheckReport(HOSTILE, "HD02", "排班", Tally(1, queued=1), [])),
        (
            show.check,
            CheckReport(
                *("his", "HD02", "排班", Tally(1, quarantined=1)),
                [Cause(AsideState.QUARANTINED, (Violation("shift", "unmapped_code", HOSTILE),), 1, ["7"])],
            ),
        ),
        (
            show.check,
            CheckReport(
                *("his", "HD02", "排班", Tally(1, quarantined=1)),
                [Cause(AsideState.QUARANTINED, (Violation("shift", "unmapped_code", "班次"),), 1, [HOSTILE])],
            ),
        ),
    ],
)
def test_square_brackets_of_a_site_are_shown_as_they_are(show_it: Callable[..., None], value: Any, markup: bool) -> None:
    assert HOSTILE in seen(show_it, value, width=160, markup=markup)


def told(waiting: Queue, held: Sequence[Awaited] = (), stopped: Sequence[Tripped] = ()) -> list[str]:
    return seen(queue, (waiting, held, stopped)).splitlines()[1:]


def test_an_open_breaker_says_whom_it_stops_why_and_until_when() -> None:
    whole = Tripped("bureau", "", Breaker(Position.OPEN, Signal.UNREACHABLE, 3, 1, WHEN, "平台连接不上"))
    one = Tripped("bureau", "H99000100001", Breaker(Position.HALF_OPEN, Signal.REFUSED, 3, 1, None, "签名不对"))
    assert told(NOTHING, stopped=[whole, one]) == [
        "  暂停报送（整个平台）：上次：平台连接不上；2026-11-25 08:05:00 再试一批",
        "  暂停报送（机构 H99000100001）：上次：签名不对；即将再试",
    ]


def test_records_that_wait_for_their_parent_say_which_and_since_when_once() -> None:
    cause = "等待所指的上级 HD02 被平台收下"
    waiting = Queue("bureau", 43, WHEN, {cause: 43})
    assert told(waiting, [Awaited("HD02", 43, WHEN, cause)]) == [f"  43 条：{cause}（最早自 2026-11-25 08:05:00 起）"]


def test_a_queue_says_how_many_wait_by_when_they_were_due_and_what_holds_them_up() -> None:
    waiting = Queue("bureau", 44, WHEN, {"平台还在核实": 44})
    assert seen(queue, (waiting, [], [])).splitlines() == [
        "目标 bureau：还有 44 条未送达，最早应于 2026-11-25 08:05:00 前送达",
        "  44 条：平台还在核实",
    ]
    assert seen(queue, (NOTHING, [], [])) == "目标 bureau：没有未送达的\n"


AGAIN = "再试，或运行 gateway resume --target bureau 立即再试"


def test_what_is_sent_again_tells_its_error_as_the_last_one_and_when_it_is_tried_next() -> None:
    waiting = Queue("bureau", 4, WHEN, {"密钥不对": 4}, {"密钥不对": WHEN})
    assert told(waiting) == [f"  4 条：上次：密钥不对；2026-11-25 08:05:00 {AGAIN}"]
    for past in (None, WHEN - timedelta(minutes=1)):
        assert told(replace(waiting, again={"密钥不对": past})) == ["  4 条：上次：密钥不对；下一轮报送时再试"]


def test_a_breaker_puts_off_the_next_try_and_does_not_repeat_the_cause() -> None:
    later = Breaker(Position.OPEN, Signal.NOT_ADMITTED, 3, 1, WHEN + timedelta(minutes=5), "密钥不对")
    waiting = Queue("bureau", 4, WHEN, {"密钥不对": 4}, {"密钥不对": WHEN})
    assert told(waiting, stopped=[Tripped("bureau", "H99000100001", later)]) == [
        f"  4 条：上次：密钥不对；2026-11-25 08:10:00 {AGAIN}",
        "  暂停报送（机构 H99000100001）：原因同上；2026-11-25 08:10:00 再试一批",
    ]


@pytest.mark.parametrize("width", [80, 20])
def test_what_was_never_read_is_in_no_balance(width: int) -> None:
    found = [standing("HD02", 0), standing("HD03", 5, accepted=5), standing("RX01", 0)]
    output = seen(show.standings, found, {("his", "HD02"), ("his", "HD03")}, width=width)
    assert [line.split("　")[-1].split()[-1] for line in output.splitlines()[-3:]] == ["—", "平", "平"]


def test_a_sentence_is_one_line_however_long() -> None:
    assert seen(show.warnings, ["请核实 " * 50]).count("\n") == 1


LONG = "医疗目录编码（med_list_codg）必填，当前为空：无医保码"


def test_a_reason_stays_to_be_read_in_a_narrow_window() -> None:
    found = [Grievance("RX01", LONG, 12, UUID), Grievance("HD02", "班次不认得", 3, "7")]
    assert seen(show.grievances, found, width=40).splitlines() == [
        f"RX01　行数 12：{LONG}",
        f"  例：{UUID}",
        "HD02　行数 3：班次不认得",
        "  例：7",
    ]
    assert LONG in seen(
        show.check, replace(REPORT, causes=[replace(REPORT.causes[1], reasons=(Violation("", "", LONG),))]), width=40
    )


def test_a_sentence_in_a_table_is_not_broken_inside_a_number_or_a_key() -> None:
    said = "共计三百行里有数量1234567.89大于库存数量7654321.98，药品编码XA00AAA000A000010000001"
    wholes = ("1234567.89", "7654321.98", "XA00AAA000A000010000001")
    for width in range(40, 100):
        text = io.StringIO()
        console = Console(file=text, width=width, force_terminal=True, color_system=None)
        show.grievances(console, [Grievance("RX01", said, 12, "2022e529-ad3b-4e2a-925c")])
        assert [whole for whole in wholes if whole not in text.getvalue()] == []
        assert max(cell_len(line) for line in text.getvalue().splitlines()) <= width


def test_rows_that_turned_bad_after_they_were_sent_are_pointed_out() -> None:
    said = seen(show.standings, [standing("HD02", 2, accepted=2, outdated=1)])
    assert said.splitlines()[-1] == "his HD02：1 行报送后在本地变得不合格，平台仍为旧值"


@pytest.mark.parametrize(
    ("heads", "complete"),
    [(None, True), ((80, 80), True), ((79, 81), True), ((81, 79), True), ((82, 82), False), ((78, 79), False)],
)
def test_a_check_that_did_not_read_every_row_there_is_does_not_balance(heads: tuple[int, int] | None, complete: bool) -> None:
    """Rows that come or go while it reads accuse nobody."""
    report = replace(REPORT, heads=heads)
    output = seen(show.check, report)
    assert report.balanced is complete
    assert ("主表有" not in output) is complete
    assert ("不平" not in output) is complete
