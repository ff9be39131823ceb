"""Files as a HIS exports them for the template adapters/templates/files: generated persons, a treatment a line."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import xlwt
from xlwt.CompoundDoc import XlsDoc

import adapters
from adapters.dropped.files import FileSource
from gateway.model import Cursor
from schemas.wire import SHANGHAI

AFTER = Cursor(None, "")  #: a gateway that has read before
_ERRORS = ("#N/A", "#DIV/0!")
FOLDER = Path(adapters.__path__[0]) / "templates" / "files"
#: within the look-back of a sweep
BEGAN = datetime.now(SHANGHAI).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=1)


def treatment(number: int, **more: Any) -> dict[str, Any]:
    """A line of the export; `more` replaces cells."""
    ended = BEGAN + timedelta(hours=4)
    return {
        "治疗号": f"S{number:05d}",
        "排班号": f"P{number:05d}",
        "医嘱号": f"R{number:05d}",
        "病案号": f"A{number:05d}",
        "人员编号": f"9900{number:08d}",
        "透析号": f"D{number:03d}",
        "机器号": f"M{number % 7}",
        "上机时间": written(BEGAN),
        "下机时间": written(ended),
        "时长": "240",
        "医保码": "001203000010000-120300001",
        "透前体重": "65.5",
        "透后体重": "63.2",
        "干体重": "63",
        "脱水量": "2300",
        "透析器": "聚砜膜透析器，1.4 平方",
        "抗凝剂": "低分子肝素",
        "护士代码": "N990000000001",
        "作废": "否",
        "录入时间": f"{written(BEGAN)}:10",
        "修改时间": f"{written(ended)}:30",
        **more,
    }


def written(moment: datetime) -> str:
    """As a Chinese spreadsheet writes it: 2026/1/5 8:00."""
    return f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment.minute:02d}"


def table(rows: Iterable[Mapping[str, Any]], encoding: str = "gbk") -> bytes:
    """A CSV of these rows."""
    lines = list(rows)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode(encoding)


def workbook(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """An .xlsx of these rows."""
    lines = list(rows)
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(lines[0]))
    for line in lines:
        sheet.append(list(line.values()))
    book.save(path)


def dbase_bytes(fields: Mapping[str, int], rows: Sequence[Sequence[str]], deleted: str = "") -> bytes:
    """A dBase III table of texts in GBK; the row whose first text is `deleted` is marked so."""
    width = 1 + sum(fields.values())
    head = struct.pack("<B3BLHH20x", 3, 126, 11, 25, len(rows), 33 + 32 * len(fields), width)
    described = b"".join(struct.pack("<11sc4xB15x", name.encode(), b"C", length) for name, length in fields.items())
    lines = [
        (b"*" if row[0] == deleted else b" ")
        + b"".join(text.encode("gbk").ljust(length) for text, length in zip(row, fields.values(), strict=True))
        for row in rows
    ]
    return head + described + b"\r" + b"".join(lines) + b"\x1a"


def dbase(path: Path, fields: Mapping[str, int], rows: Sequence[Sequence[str]], deleted: str = "") -> None:
    """The same as a file."""
    path.write_bytes(dbase_bytes(fields, rows, deleted))


def old_workbook(rows: Sequence[Mapping[str, Any]], formats: Mapping[str, str] = {}) -> bytes:
    """An .xls of these rows; `formats`: how the cells of a column are shown, by which Excel knows a day from a number."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("数据")
    for column, name in enumerate(rows[0]):
        sheet.write(0, column, name)
        style = xlwt.easyxf(num_format_str=formats[name]) if name in formats else xlwt.Style.default_style
        for line, row in enumerate(rows, start=1):
            if row[name] in _ERRORS:
                sheet.row(line).set_cell_error(column, row[name])
            elif row[name] is not None:
                sheet.write(line, column, row[name], style)
    found = io.BytesIO()
    book.save(found)
    return found.getvalue()


def oldest_workbook(rows: Sequence[Mapping[str, Any]], charset: str, codepage: int | None, *, boxed: bool = True) -> bytes:
    """The same as Excel 5 and 95 wrote it: texts are bytes, in the code page that stands before them or not. `boxed`: as OLE."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def cell(line: int, column: int, value: Any) -> bytes:
        place = struct.pack("<HHH", line, column, 0)
        if isinstance(value, str):
            text = value.encode(charset)
            return record(0x0204, place + struct.pack("<H", len(text)) + text)
        return record(0x0203, place + struct.pack("<d", value))

    end, sheet = record(0x000A, b""), b"data"
    table = [list(rows[0]), *(list(row.values()) for row in rows)]
    cells = b"".join(cell(line, column, value) for line, row in enumerate(table) for column, value in enumerate(row))
    begin = record(0x0809, struct.pack("<HHHH", 0x0500, 0x0005, 0, 1995))
    begin += record(0x0042, struct.pack("<H", codepage)) if codepage else b""
    at = len(begin) + len(record(0x0085, bytes(7) + sheet)) + len(end)
    book = begin + record(0x0085, struct.pack("<IHB", at, 0, len(sheet)) + sheet) + end
    book += record(0x0809, struct.pack("<HHHH", 0x0500, 0x0010, 0, 1995)) + cells + end
    if not boxed:
        return book
    found = io.BytesIO()
    XlsDoc().save(found, book)
    return found.getvalue()


def drop(inbox: Path, name: str, content: bytes) -> Path:
    """As a careful HIS does it: written under another name, then renamed."""
    (inbox / "being-written").write_bytes(content)
    return (inbox / "being-written").rename(inbox / name)


def refs(source: FileSource, after: Cursor | None = AFTER, size: int = 2) -> list[str]:
    """What it yields."""
    return [row.ref for page in source.pages(after, size) for row in page.rows]
