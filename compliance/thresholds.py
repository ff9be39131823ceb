"""The board's limits: a document decides them, so they are data with source and date (policy/board.yaml)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from schemas import yamlfile
from schemas.yamlfile import Section

_FILE = Path(__file__).parent / "policy" / "board.yaml"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What each means stands in the file."""

    late_after: int  #: intervals
    silent_after: int  #: intervals
    day_coverage: int  #: percent
    clock_seconds: int
    open_declaration_days: int
    keep_beats_days: int
    matrix_days: int


@cache
def shipped() -> Thresholds:
    """Those of the product."""
    return load(_FILE)


def load(path: Path) -> Thresholds:
    """SpecError names file, line and key of what is wrong: a number without source or date is no policy."""
    names = tuple(Thresholds.__dataclass_fields__)
    section = yamlfile.read(path).known(*names)
    found = Thresholds(**{name: _value(section.section(name)) for name in names})
    if found.late_after >= found.silent_after:
        raise section.error("应大于 late_after", "silent_after")
    return found


def _value(section: Section) -> int:
    section.known("value", "source", "dated").need("source", str)
    try:
        date.fromisoformat(section.need("dated", str))
    except ValueError:
        raise section.error('应为加引号的日期，例："2026-01-01"', "dated") from None
    return section.at_least("value", 1)
