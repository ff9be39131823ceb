"""A dropped file -> its rows, read whole before the first of them is handed on: CSV, Excel or dBase.

A file of which one line is not what its head says is refused whole: half a file must not be sent.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from adapters.conversion import visible
from adapters.dropped import filexls
from adapters.dropped.filetext import BadFileError, Encoding, decode
from schemas import tablefile
from schemas.errors import SpecError

LocalRow = dict[str, Any]
_CODEPAGE = {Encoding.GBK: "gbk", Encoding.GB18030: "gb18030", Encoding.UTF8: "utf-8"}


class Form(StrEnum):
    """What kind of file it is."""

    CSV = "csv"
    XLSX = "xlsx"
    XLS = "xls"
    DBF = "dbf"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the files of a data set are written."""

    form: Form
    encoding: Encoding = Encoding.UTF8
    delimiter: str = ","
    quote: str = '"'
    columns: tuple[str, ...] = field(default=())  #: of files without a line of names


def read(path: Path, content: bytes, layout: Layout) -> list[LocalRow]:
    """Every row, by column. BadFileError says what is wrong with the file, with the line where there is one."""
    if layout.form is Form.DBF:
        return list(_dbase(path, layout))
    try:
        return list(_named(_cells(path, content, layout), layout.columns))
    except SpecError as error:
        raise BadFileError(str(error).removeprefix(f"{path}：")) from None


def _cells(path: Path, content: bytes, layout: Layout) -> Iterable[tuple[int, Sequence[Any]]]:
    match layout.form:
        case Form.CSV:
            return _csv(content, layout)
        case Form.XLS:
            return filexls.rows(content, layout.encoding)
    return tablefile.parsed(path, content)


def _csv(content: bytes, layout: Layout) -> Iterator[tuple[int, Sequence[Any]]]:
    text = io.StringIO(decode(content, layout.encoding), newline="")
    reader = csv.reader(text, delimiter=layout.delimiter, quotechar=layout.quote, strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            line = next(reader, None)
        except csv.Error:
            raise BadFileError(f"第 {begins} 行的引号不成对，或文件没有写完") from None
        if line is None:
            return
        if line:
            yield begins, line


def _named(lines: Iterable[tuple[int, Sequence[Any]]], columns: tuple[str, ...]) -> Iterator[LocalRow]:
    names: Sequence[str] = columns
    for number, cells in lines:
        if all(cell is None for cell in cells):
            continue
        if not names:
            names = _head(cells)
            continue
        filled = list(cells)
        while len(filled) > len(names) and filled[-1] is None:  # empty cells of a sheet beside the table
            filled.pop()
        if len(filled) != len(names):
            raise BadFileError(
                f"第 {number} 行有 {len(filled)} 列，应为 {len(names)} 列：文件没有写完，或某一格里有没加引号的分隔符"
            )
        yield dict(zip(names, filled, strict=True))
    if not names:
        raise BadFileError("文件是空的，连列名也没有")


def _head(cells: Sequence[Any]) -> list[str]:
    names = [visible(str(cell)) if cell is not None else "" for cell in cells]
    while names and not names[-1]:
        names.pop()
    if "" in names:
        raise BadFileError("第 1 行有一列没有列名")
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise BadFileError(f"第 1 行的列名重复：{'、'.join(doubled)}")
    return names


def _dbase(path: Path, layout: Layout) -> Iterator[LocalRow]:
    """Deleted records, which dBase keeps until the table is packed, are not there."""
    import dbfread  # only who has such files needs it; the opener has looked

    try:
        table = dbfread.DBF(str(path), encoding=_CODEPAGE.get(layout.encoding), char_decode_errors="strict")
        head = table.header
        if path.stat().st_size < head.headerlen + head.numrecords * head.recordlen:  # the library would end without a word
            raise BadFileError("文件没有写完：记录比文件头写的少")
        for record in table:
            yield {name: _plain(value) for name, value in record.items()}
    except UnicodeDecodeError:
        raise BadFileError(f"有不是 {layout.encoding} 的字节：字符集不对，或文件已损坏") from None
    except dbfread.MissingMemoFile:
        raise BadFileError("缺少它的备注文件（.dbt 或 .fpt）") from None
    except (BadFileError, OSError):
        raise
    except Exception:  # at the edge: the library raises whatever its parsers trip over
        raise BadFileError("不是 dBase 文件（.dbf），或已损坏、没有写完") from None


def _plain(value: Any) -> Any:
    """Texts without the blanks that fill their column; what the mapping does not know is left out by the library's own types."""
    if isinstance(value, str):
        text = value.rstrip()
        if "\ufffd" in text:
            raise BadFileError("有被替换掉的字（乱码）：导出时字符集就弄错了，请重新导出")
        return text
    if value is None or isinstance(value, bool | int | float | Decimal | date | datetime | time):
        return value
    return str(value)
