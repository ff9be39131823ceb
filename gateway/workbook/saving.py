"""A workbook on its way to its place: afterwards either the whole new file stands there, or the old one untouched."""

from __future__ import annotations

import contextlib
from pathlib import Path
from uuid import uuid4

from openpyxl import Workbook

from gateway.errors import GatewayError
from schemas.errors import file_trouble


def save(book: Workbook, path: Path) -> None:
    """Write beside the target, then replace it in one step. GatewayError says what to do."""
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
