"""What the lines above a table say, as values."""

from __future__ import annotations

from schemas.exchanging.report import Report
from schemas.exchanging.tables import Heading
from schemas.model import Confidence, Source


def read_source(above: Heading, sheet: str, default: Source, report: Report) -> Source:
    """Lines 来源, 来源条款, 可信度, 来源日期; what is not written is as in `default`."""
    if not above.text("来源"):
        return default
    level = above.text("可信度")
    if level and level not in tuple(Confidence):
        report.miss(sheet, above.place("可信度"), level, "可信度只能是 A、B、C、O 之一")
        level = ""
    return Source(
        doc=above.text("来源"),
        ref=above.text("来源条款") or default.ref,
        confidence=Confidence(level) if level else default.confidence,
        dated=above.text("来源日期"),
    )
