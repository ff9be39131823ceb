"""A CSV or Excel file that a person made -> rows of trimmed text with their row numbers. Nothing is interpreted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compliance.errors import ComplianceError
from schemas import tablefile
from schemas.errors import SpecError

Rows = tuple[tuple[int, tuple[str, ...]], ...]


def read(path: Path) -> Rows:
    """Every row that is not blank, numbered as the person sees it. ComplianceError if the file cannot be read."""
    try:
        rows = ((number, tuple(_text(cell) for cell in cells)) for number, cells in tablefile.rows(path))
        return tuple((number, cells) for number, cells in rows if any(cells))
    except SpecError as error:
        raise ComplianceError(str(error)) from None


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # Excel keeps every number as a float
    return str(cell).strip()
