"""The last lines of every sheet: cut-off, edition and 校验码, by which a printed copy finds its data again."""

from __future__ import annotations

from compliance.board import BoardReport
from compliance.coverage import CoverageReport
from compliance.workbook.digest import LENGTH, digest
from compliance.workbook.page import wall_clock


def imprint(report: CoverageReport | BoardReport, of: str = "本工作簿") -> tuple[str, str]:
    """Two sentences; `of` are the sheets that the report fills."""
    as_of = wall_clock(report.as_of)
    cut_off = f"{as_of.year}年{as_of.month}月{as_of.day}日 {as_of:%H:%M:%S}"
    identity = f"数据截止时间：{cut_off}（北京时间）。接口规范版本：{report.edition}。校验码：{digest(report)}。"
    meaning = (
        f"校验码是{of}全部数据（含截止时间和版本）规范文本的SHA-256值的前{LENGTH}位。文件无法包含自身的校验值，"
        "所以校验码对应数据而不对应文件：同一份数据重新导出，校验码不变；数据有任何变动，校验码随之改变。"
    )
    return identity, meaning
