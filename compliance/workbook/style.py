"""How every workbook looks: fonts, borders, number formats and paper. A new workbook chooses looks, it invents none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.worksheet.header_footer import HeaderFooterItem
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

TEXT_FORMAT = "@"
COUNT_FORMAT = "#,##0"
RATE_FORMAT = "0.00%"
DATE_FORMAT = 'yyyy"年"m"月"d"日"'
MOMENT_FORMAT = 'yyyy"年"m"月"d"日" hh:mm'

A4 = 9  #: paper code of the file format
CM = 1 / 2.54  #: in inches, the file format's unit
LINE_HEIGHT = 15.0  #: points for one line of 11-point body text


class Look(StrEnum):
    """Named styles; the Chinese names are what a clerk sees in Excel's style list."""

    TITLE = "统计表 标题"
    NOTE = "统计表 说明"
    NOTE_RIGHT = "统计表 说明靠右"
    NOTE_DATE = "统计表 说明日期"
    HEADER = "统计表 表头"
    TEXT = "统计表 文字"
    CENTRED = "统计表 居中"
    CODE = "统计表 编码"
    COUNT = "统计表 数量"
    RATE = "统计表 比率"
    DATE = "统计表 日期"
    MOMENT = "统计表 时间"
    TOTAL = "统计表 合计"
    TOTAL_COUNT = "统计表 合计数量"
    TOTAL_RATE = "统计表 合计比率"
    STATE_GOOD = "统计表 状态已达到"
    STATE_OPEN = "统计表 状态未达到"
    STATE_ASIDE = "统计表 状态不考核"
    STATE_NONE = "统计表 状态不适用"


@dataclass(frozen=True, slots=True)
class _Format:
    """What distinguishes one look; wrapping and vertical centre are common to all."""

    horizontal: str
    number_format: str = "General"
    font: str = "宋体"
    size: int = 11
    bold: bool = False
    colour: str = "000000"
    fill: str = ""
    ruled: bool = True


# Colours only repeat what symbol and words already say: most copies are printed in black and white.
_HEADER_FILL = "E7EDF4"
_TOTAL_FILL = "F2F2F2"
_FORMATS = {
    Look.TITLE: _Format("center", font="黑体", size=20, ruled=False),
    Look.NOTE: _Format("left", font="仿宋", ruled=False),
    Look.NOTE_RIGHT: _Format("right", font="仿宋", ruled=False),
    Look.NOTE_DATE: _Format("left", DATE_FORMAT, font="仿宋", ruled=False),
    Look.HEADER: _Format("center", bold=True, fill=_HEADER_FILL),
    Look.TEXT: _Format("left", TEXT_FORMAT),
    Look.CENTRED: _Format("center"),
    Look.CODE: _Format("center", TEXT_FORMAT),
    Look.COUNT: _Format("right", COUNT_FORMAT),
    Look.RATE: _Format("right", RATE_FORMAT),
    Look.DATE: _Format("center", DATE_FORMAT),
    Look.MOMENT: _Format("center", MOMENT_FORMAT),
    Look.TOTAL: _Format("center", bold=True, fill=_TOTAL_FILL),
    Look.TOTAL_COUNT: _Format("right", COUNT_FORMAT, bold=True, fill=_TOTAL_FILL),
    Look.TOTAL_RATE: _Format("right", RATE_FORMAT, bold=True, fill=_TOTAL_FILL),
    Look.STATE_GOOD: _Format("center", TEXT_FORMAT, bold=True, colour="1E5B2E", fill="E2F0D9"),
    Look.STATE_OPEN: _Format("center", TEXT_FORMAT, fill="FFF4D6"),
    Look.STATE_ASIDE: _Format("center", TEXT_FORMAT, fill="EDEDED"),
    Look.STATE_NONE: _Format("center", TEXT_FORMAT, colour="595959"),
}


def named_styles() -> list[NamedStyle]:
    """A fresh set: openpyxl binds a style to the workbook it is added to."""
    return [_named_style(look, look_format) for look, look_format in _FORMATS.items()]


def _named_style(look: Look, wanted: _Format) -> NamedStyle:
    side = Side(style="thin", color="000000") if wanted.ruled else Side()
    return NamedStyle(
        name=look.value,
        font=Font(name=wanted.font, size=wanted.size, bold=wanted.bold, color=wanted.colour),
        fill=PatternFill("solid", start_color=wanted.fill) if wanted.fill else PatternFill(),
        border=Border(left=side, right=side, top=side, bottom=side),
        alignment=Alignment(horizontal=wanted.horizontal, vertical="center", wrap_text=True),
        number_format=wanted.number_format,
    )


def set_up_print(sheet: Worksheet, header_rows: int) -> None:
    """A4 landscape, one page wide and as many long as it takes; the first rows repeat on each page."""
    sheet.page_setup.paperSize = A4
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    margins = sheet.page_margins
    margins.left = margins.right = margins.top = margins.bottom = 2 * CM
    margins.header = margins.footer = 1 * CM
    sheet.print_options.horizontalCentered = True
    sheet.print_options.gridLines = False
    sheet.print_title_rows = f"1:{header_rows}"
    footer = HeaderFooterItem()
    footer.center.text = "第 &P 页 共 &N 页"
    sheet.oddFooter = footer
