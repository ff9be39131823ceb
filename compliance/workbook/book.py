"""A workbook on its way to its place: either the whole new file stands there afterwards, or the old one untouched."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from uuid import uuid4

from openpyxl import Workbook

from compliance.workbook.errors import WorkbookError
from compliance.workbook.page import Column, Page
from compliance.workbook.results import put_results
from compliance.workbook.style import named_styles


class Book:
    """Pages in the order they were added."""

    def __init__(self, title: str) -> None:
        self._workbook = Workbook()
        self._workbook.remove(self._workbook.worksheets[0])
        self._workbook.properties.title = title
        self._workbook.properties.creator = "智能场景监控合规平台"
        for style in named_styles():
            self._workbook.add_named_style(style)
        self._pages: list[Page] = []

    def add_page(self, name: str, columns: Sequence[Column]) -> Page:
        """A sheet with that name on its tab."""
        page = Page(self._workbook.create_sheet(name), columns)
        self._pages.append(page)
        return page

    def save(self, path: Path) -> None:
        """Write beside the target, then replace it in one step. WorkbookError says what the clerk must do."""
        draft = BytesIO()
        self._workbook.save(draft)
        beside = path.with_name(f".{uuid4().hex}.tmp")
        try:
            put_results(draft, beside, [page.results for page in self._pages])
            _replace(beside, path)
        except FileNotFoundError:
            raise WorkbookError(f"文件夹 {path.parent} 不存在，请先建立文件夹，再导出 {path.name}") from None
        except OSError as error:
            raise WorkbookError(f"无法写入 {beside.parent}：{error.strerror or error}，请检查磁盘空间和文件夹权限") from error
        finally:
            _discard(beside)


def _replace(beside: Path, path: Path) -> None:
    try:
        beside.replace(path)
    except PermissionError:  # Windows: Excel or WPS holds the file
        raise WorkbookError(f"文件 {path} 正被打开或没有写入权限，请先在 Excel 或 WPS 中关闭它，再重新导出") from None
    except IsADirectoryError:
        raise WorkbookError(f"{path} 是文件夹，请换一个文件名") from None


def _discard(beside: Path) -> None:
    """After success the draft has moved away. NotADirectoryError: the "folder" is a file, so no draft was made."""
    try:
        beside.unlink(missing_ok=True)
    except NotADirectoryError:
        return
