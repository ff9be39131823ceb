"""The quality workbook: a line for each target, data set and business date, and one over all days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from gateway.quality import Quality, total
from gateway.workbook.saving import filling
from gateway.workbook.sheet import TOTAL, Column, Sheet, Value
from schemas.wire import SHANGHAI

_TITLE = "首次合格率与最终合格率"
_NOTE = "首次合格：第一次判断就合格，且没被退回过就收下；最终合格：现在合格并已收下。两率的分母是已有结论的条数（不含在途、作废）。"
_COLUMNS = (
    Column("目标", 14),
    Column("来源", 14),
    Column("数据集", 26),
    Column("业务日期", 12, centred=True),
    Column("条数", 9),
    Column("已有结论", 9),
    Column("首次合格", 9),
    Column("首次合格率", 11),
    Column("最终合格", 9),
    Column("最终合格率", 11),
    Column("待改正", 9),
    Column("平台退回", 9),
    Column("平台仍为旧值", 12),
    Column("在途", 9),
    Column("作废", 9),
)


def write(found: Sequence[Quality], names: Mapping[str, str], span: tuple[date, date], now: datetime, path: Path) -> None:
    """Write both qualities as a workbook at `path`. GatewayError if it fails."""
    first, last = span
    made = f"导出于 {now.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    with filling(_TITLE, path) as book:
        sheet = Sheet(book, "合格率", f"{_TITLE}（{first} 至 {last}）　{made}", _COLUMNS, _NOTE, frozen=4)
        for each in found:
            sheet.add(_row(each, names))
        for each in total(found):
            sheet.add(_row(each, names), [TOTAL] * len(_COLUMNS))
        sheet.finish()


def _row(each: Quality, names: Mapping[str, str]) -> list[Value]:
    route = each.route
    dataset = f"{route.dataset} {names[route.dataset]}" if route.dataset in names else route.dataset
    return [
        route.target,
        route.source,
        dataset,
        each.day or "合计",
        each.records,
        each.judged,
        each.first_right,
        _rate(each.first_rate),
        each.final,
        _rate(each.final_rate),
        each.quarantined,
        each.rejected,
        each.outdated,
        each.underway,
        each.withdrawn,
    ]


def _rate(rate: Decimal | None) -> Value:
    return "—" if rate is None else rate
