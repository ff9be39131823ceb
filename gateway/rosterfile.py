"""Tables that a county keeps in a spreadsheet and no one types into YAML: its institutions, and their keys at a platform."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from schemas import tablefile, yamlfile
from schemas.errors import SpecError
from schemas.yamlfile import Section

#: column of the file -> key of the configuration
INSTITUTION_COLUMNS: Mapping[str, str] = {"机构编号": "code", "机构名称": "name", "医保区划": "admvs", "休业": "closed"}
CREDENTIAL_COLUMNS: Mapping[str, str] = {"机构编号": "code", "应用编号": "paasid", "密钥": "token"}
_OPTIONAL = frozenset({"休业"})
#: keys whose cell holds several values behind each other
_SEVERAL = frozenset({"closed"})
#: of a longer number Excel keeps no more digits
_EXCEL_HOLDS = 10**15
_BETWEEN = re.compile(r"[、,，;；\s]+")


def rows(path: Path, columns: Mapping[str, str]) -> Iterator[Section]:
    """The rows of a CSV or .xlsx with these columns; empty cells and blank rows are left out. SpecError names file and row.

    An institution that stands in it twice is an error: nobody could say which of the rows is meant.
    """
    table = tablefile.rows(path)
    _, first = next(table, (1, ()))
    places = _places(path, [_cell(each) for each in first], columns)
    known: dict[str, int] = {}
    for number, row in table:
        try:
            cells = [_cell(each) for each in row]
        except SpecError as error:
            raise SpecError(str(error), file=path, line=number) from None
        if not any(cells):
            continue
        texts = {key: cells[place] for key, place in places.items() if place < len(cells) and cells[place]}
        values = {key: _BETWEEN.split(text) if key in _SEVERAL else text for key, text in texts.items()}
        code, section = texts.get("code", ""), yamlfile.of_line(values, path, number)
        if code in known:
            raise section.error(f"与第 {known[code]} 行是同一家机构", "code")
        known[code] = number
        yield section


def _places(path: Path, header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    missing = [name for name in columns if name not in header and name not in _OPTIONAL]
    if missing:
        raise SpecError(f"第一行没有列 {'、'.join(missing)}", file=path)
    return {key: header.index(name) for name, key in columns.items() if name in header}


def _cell(value: object) -> str:
    """Excel gives a code of digits alone as a number, and a day as a moment."""
    if value is None:
        return ""
    if isinstance(value, float) and abs(value) >= _EXCEL_HOLDS:
        raise SpecError("号码超过 15 位却存成了数，后面几位已经不对：请把这一列改成文本，重新填写")
    if isinstance(value, date):
        return str(value)[: len("yyyy-MM-dd")]
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
