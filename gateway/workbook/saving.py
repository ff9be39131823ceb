"""A workbook on its way to its place: afterwards either the whole new file stands there, or the old one untouched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from openpyxl import Workbook

from gateway.errors import GatewayError
from schemas.errors import file_trouble


@contextmanager
def filling(title: str, path: Path) -> Iterator[Workbook]:
    """A book that is written as it is filled, sheet by sheet, and stands at `path` once it is. GatewayError says what to do."""
    book = Workbook(write_only=True)
    book.properties.title, book.properties.creator = title, "两定接口前置网关"
    try:
        yield book
        _save(book, path)
    finally:
        for sheet in book.worksheets:
            _close(sheet)


def _save(book: Workbook, path: Path) -> None:
    """Write beside the target, then replace it in one step."""
    beside = path.with_name(f".{uuid4().hex}.tmp")
    try:
        book.save(beside)
        beside.replace(path)
    except OSError as error:
        opened = "；正在 Excel 或 WPS 里打开着的，请先关闭它" if isinstance(error, PermissionError) else ""
        raise GatewayError(f"文件 {path} 写不出来：{file_trouble(error)}{opened}，原来的文件没有改动") from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _close(sheet: Any) -> None:
    """Also of a book that came to nothing: what is half written complains when it is forgotten."""
    if not sheet.closed:
        sheet.close()
