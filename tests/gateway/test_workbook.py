"""What a department gets: a workbook it can read, print and filter, and into which no local text brings a formula."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from gateway import workbook
from gateway.errors import GatewayError
from gateway.quality import Quality
from gateway.standing import Route
from gateway.workbook.tasks import NOBODYS
from gateway.worklist import LocalRow, Reason, Stack, Task, TaskKind
from schemas.wire import SHANGHAI

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)
NAMES = {"RX01": "门诊处方信息"}
_REASON = Reason(
    "precision", "数量（cnt）超出精度", "cnt", "数量", ("quantity",), "1.123456", "数的位数超出规范：在本地程序里改好并保存"
)


def task(number: int, **changes: Any) -> Task:
    """A task that ends at the end of today."""
    made = Task(
        row=LocalRow("his", "RX01", str(number)),
        kind=TaskKind.MEND,
        institution="H99000100001",
        key=f"RX{number:04d}|1",
        document=f"CF{number:04d}",
        department="内科门诊",
        occurred_at=NOW - timedelta(days=8),
        since=NOW - timedelta(days=7),
        deadline=datetime(2026, 11, 26, tzinfo=SHANGHAI),
        reasons=(_REASON,),
    )
    return replace(made, **changes)


def stacked(*tasks: Task) -> list[Stack]:
    """By department, each to be read once."""
    found: dict[str, list[Task]] = {}
    for each in tasks:
        found.setdefault(each.department, []).append(each)
    late = {name: sum(each.deadline is not None and each.deadline <= NOW for each in of) for name, of in found.items()}
    return [Stack(name, Counter(each.kind for each in of), late[name], iter(of)) for name, of in found.items()]


def written(tmp_path: Path, *tasks: Task) -> Any:
    assert workbook.write_tasks(stacked(*tasks), NAMES, NOW, tmp_path / "待改正.xlsx") == len(tasks)
    return load_workbook(tmp_path / "待改正.xlsx")


def column(sheet: Any, title: str) -> list[Any]:
    """The cells below a header."""
    (number,) = (cell.column for cell in sheet[3] if cell.value == title)
    return [sheet.cell(row, number) for row in range(4, sheet.max_row + 1)]


def test_each_department_has_its_sheet_behind_an_explaining_one(tmp_path: Path) -> None:
    book = written(tmp_path, task(1), task(2, department="外科"), task(3, department=""))
    assert book.sheetnames == ["说明", "内科门诊", "外科", NOBODYS]
    cover = "\n".join(str(cell.value) for row in book["说明"] for cell in row if cell.value)
    assert "共 3 件，其中已超期 0 件" in cover
    assert "内科门诊 1 件" in cover
    for word in ("待改正", "平台退回", "平台仍为旧值"):
        assert word in cover


def test_the_header_stays_in_sight_and_filters_and_is_printed_on_every_page(tmp_path: Path) -> None:
    sheet = written(tmp_path, task(1), task(2))["内科门诊"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("C4", "A3:N5")
    assert (sheet.print_title_rows, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == ("$3:$3", 1, 0)
    assert all(dimension.width >= 6 for dimension in sheet.column_dimensions.values())


def test_dates_are_dates_and_everything_else_is_text(tmp_path: Path) -> None:
    sheet = written(tmp_path, task(1))["内科门诊"]
    for title, day in (("业务日期", 17), ("首次不合格", 18), ("最迟改好", 25)):
        (cell,) = column(sheet, title)
        assert (cell.is_date, cell.value) == (True, datetime(2026, 11, day))  # noqa: DTZ001  Excel knows no zones
    (told,) = column(sheet, "哪里不对")
    assert told.value == "数量（cnt）超出精度〔本地列 quantity，现在的值 1.123456〕"
    assert [cell.value for cell in column(sheet, "数据")] == ["门诊处方信息"]


def test_several_reasons_are_numbered_and_the_same_advice_stands_once(tmp_path: Path) -> None:
    second = replace(_REASON, message="天数（days）超出精度", columns=(), value="", target="bureau")
    sheet = written(tmp_path, task(1, reasons=(_REASON, second), rival="来源 his 的 7"))["内科门诊"]
    (told,) = column(sheet, "哪里不对")
    assert told.value.split("\n")[1:] == ["2. 平台 bureau：天数（days）超出精度", "另一行：来源 his 的 7"]
    (advice,) = column(sheet, "怎么改")
    assert "\n" not in advice.value


def test_what_is_late_or_nearly_so_is_coloured_and_said_in_words(tmp_path: Path) -> None:
    days = [task(n, deadline=datetime(2026, 11, 24, tzinfo=SHANGHAI) + timedelta(days=2 * n)) for n in range(3)]
    sheet = written(tmp_path, *days)["内科门诊"]
    assert [cell.value for cell in column(sheet, "剩余")] == ["已超期 2 天", "今天到期", "还剩 2 天"]
    fills = [cell.fill.start_color.rgb if cell.fill.patternType else None for cell in column(sheet, "最迟改好")]
    assert fills == ["00F8D7DA", "00FFF2CC", None]


@pytest.mark.parametrize("text", ['=HYPERLINK("http://example.invalid","x")', "+1+1", "-1+1", "@SUM(A1)", "#N/A"])
def test_no_text_of_the_site_becomes_a_formula(tmp_path: Path, text: str) -> None:
    reasons = (replace(_REASON, message=text),)
    dangerous = task(
        1, document=text, note=text, owner=text, key=text, department=text, reasons=reasons, row=LocalRow("his", "X", text)
    )
    book = written(tmp_path, dangerous)
    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    begun = [cell for cell in cells if isinstance(cell.value, str) and cell.value[0] in "=+-@"]
    assert all(cell.quotePrefix for cell in begun)
    assert len(begun) == (7 if text[0] != "#" else 0)


@pytest.mark.parametrize(
    ("names", "tabs"),
    [
        (["内科/一病区", "内科:一病区"], ["内科_一病区", "内科_一病区~2"]),
        (["长" * 40, "长" * 41], ["长" * 31, "长" * 27 + "~2"]),
        (["ICU", "icu"], ["ICU", "icu~2"]),
        (["说明"], ["说明~2"]),
    ],
)
def test_a_department_may_be_called_what_no_tab_may(tmp_path: Path, names: list[str], tabs: list[str]) -> None:
    book = written(tmp_path, *(task(number, department=name) for number, name in enumerate(names)))
    assert sorted(book.sheetnames[1:]) == sorted(tabs)


class Number(str):
    """A text of which it can be told whether anybody holds it."""


def test_tasks_are_written_as_they_come_and_none_is_held(tmp_path: Path) -> None:
    alive: weakref.WeakSet[Number] = weakref.WeakSet()
    most = 0

    def stream() -> Iterator[Task]:
        nonlocal most
        for number in range(200):
            document = Number(f"CF{number:04d}")
            alive.add(document)
            yield task(number, document=document)
            most = max(most, len(alive))

    stack = Stack("内科门诊", Counter({TaskKind.MEND: 200}), 0, stream())
    assert workbook.write_tasks([stack], NAMES, NOW, tmp_path / "a.xlsx") == 200
    assert most < 5
    sheet = load_workbook(tmp_path / "a.xlsx")["内科门诊"]
    assert [cell.value for cell in column(sheet, "单据号")][-1] == "CF0199"


def test_without_tasks_it_says_so(tmp_path: Path) -> None:
    book = written(tmp_path)
    assert book.sheetnames == ["说明"]
    assert any(cell.value == "没有要改正的数据" for row in book["说明"] for cell in row)


def test_a_file_that_cannot_be_written_is_told_and_the_old_one_stays(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="没有这个文件或文件夹"):
        workbook.write_tasks(stacked(task(1)), NAMES, NOW, tmp_path / "nowhere" / "a.xlsx")
    (tmp_path / "folder.xlsx").mkdir()
    with pytest.raises(GatewayError, match="是文件夹"):
        workbook.write_tasks(stacked(task(1)), NAMES, NOW, tmp_path / "folder.xlsx")
    assert [each.name for each in tmp_path.iterdir()] == ["folder.xlsx"]


def test_rates_are_numbers_and_the_sum_stands_last(tmp_path: Path) -> None:
    route = Route("his", "RX01", "bureau")
    days = [Quality(route, date(2026, 11, 24), first=3, mended=1), Quality(route, date(2026, 11, 25), underway=2)]
    workbook.write_qualities(days, NAMES, (date(2026, 11, 24), date(2026, 11, 25)), NOW, tmp_path / "q.xlsx")
    sheet = load_workbook(tmp_path / "q.xlsx")["合格率"]
    rates = [(cell.value, cell.number_format) for cell in column(sheet, "首次合格率")]
    assert rates == [(0.75, "0.00%"), ("—", "@"), (0.75, "0.00%")]
    assert [cell.value for cell in column(sheet, "业务日期")][-1] == "合计"
    assert [Decimal(cell.value) for cell in column(sheet, "条数")] == [4, 2, 6]


def test_a_local_number_that_is_a_persons_is_in_no_workbook(tmp_path: Path) -> None:
    book = written(tmp_path, task(1, row=LocalRow("his", "RX01", "990000199001010015|2")))
    (cell,) = column(book["内科门诊"], "本地行号")
    assert cell.value == "his ***|2"
