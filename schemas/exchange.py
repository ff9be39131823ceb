"""Edition <-> the Excel field table in which a bureau issues it and an institution reads it.

What `write` wrote, `read` reads back without loss, except blanks around a text. What others wrote is read as far as it can
be understood; the report names every guess and everything left out with its cell, and accounts for every field.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from schemas.errors import SpecError, file_trouble
from schemas.exchanging import reading, writing
from schemas.exchanging.report import Kind, Remark, Report
from schemas.model import Edition

__all__ = ["Kind", "Remark", "Report", "read", "write"]


def write(edition: Edition, path: Path, only: frozenset[str] | None = None) -> None:
    """Write the field tables of the edition, or of the data sets in `only`, to an .xlsx. SpecError if that cannot be done."""
    strange = sorted((only or frozenset()) - edition.datasets.keys())
    if strange:
        raise SpecError(f"{edition.id} 没有数据集 {'、'.join(strange)}")
    book = writing.workbook(edition, only)
    try:
        book.save(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise SpecError(f"文件写不下：{file_trouble(error)}", file=path) from None


def read(path: Path, base: Edition) -> tuple[Edition, Report]:
    """The edition an .xlsx describes; `base` fills in what a foreign table never says. SpecError if it is no field table."""
    return reading.read(path, base)
