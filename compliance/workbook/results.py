"""Puts the result beside each formula of a saved workbook.

openpyxl writes formulas without their results. Excel then calculates, but its protected view (every downloaded file),
the previews of telephones and mail, and programs that import the file do not: they show an empty cell or 0.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

Result = int | float | str
Results = Mapping[str, Result]  #: by coordinate, e.g. "D7"

# What openpyxl writes for a formula: the last part is <v/>, <v /> or <v></v>, by the XML library in use.
_FORMULA = re.compile(r'<c r="([A-Z]+[0-9]+)"([^>]*)><f>([^<]*)</f><v ?(?:/>|></v>)</c>')


def put_results(source: IO[bytes], target: Path, sheets: Sequence[Results]) -> None:
    """Copy the workbook in `source` to `target` with results filled in; `sheets` is in the order of the workbook."""
    by_part = {f"xl/worksheets/sheet{number}.xml": results for number, results in enumerate(sheets, start=1)}
    with zipfile.ZipFile(source) as read, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written:
        for part in read.infolist():
            content = read.read(part)
            if part.filename in by_part:
                content = _fill(content.decode("utf-8"), by_part[part.filename]).encode("utf-8")
            written.writestr(part, content)


def _fill(sheet: str, results: Results) -> str:
    return _FORMULA.sub(lambda found: _cell(found, results[found[1]]), sheet)


def _cell(found: re.Match[str], result: Result) -> str:
    where, attributes, formula = found.groups()
    kind = ' t="str"' if isinstance(result, str) else ""
    return f'<c r="{where}"{attributes}{kind}><f>{formula}</f><v>{escape(str(result))}</v></c>'
