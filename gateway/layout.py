"""How rows and sentences are laid out in a window: names and numbers unbroken, however narrow it is.

A table where its sentences have room; else each row as a sentence of its own, with its examples on lines of their own. In a
file nothing is wrapped but the sentences inside a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

Cell = str | Text
#: columns of words and names; all others are numbers
_NAMES = frozenset(
    {"字段名", "取自", "结果", "项目", "来源", "数据集", "去向", "核对", "规则", "结论"}
    | {"期限", "类别", "单据号", "科室", "负责人", "业务日期"}
)
#: columns of sentences, which give way to the names beside them
_SENTENCES = frozenset({"备选", "情况", "本地值", "报送值", "原因", "说明（第一例）", "字段", "现象"})
#: of these, those whose sentences do not say themselves what they are
_TITLED = frozenset({"备选"})
#: columns of keys at the site, one a line
_EXAMPLES = frozenset({"例：本地行号", "例", "例：业务主键"})
#: a column of sentences that is narrower than this is not read any more
_NARROWEST = 20
#: between two columns
_GAP = 2
#: what is never broken: a number with its point and unit of time, a key, a word of letters; anything else breaks anywhere
_TOKENS = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.:/|%+-]*[，。；：、）]?|.[，。；：、）]?", re.DOTALL)


def say(console: Console, *parts: Cell, style: str = "") -> None:
    """A sentence on one line; the window wraps it, a file keeps it whole."""
    console.print(Text.assemble(*parts, style=style), soft_wrap=True)


def show(console: Console, headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """A table, or a sentence for each row."""
    widths = _widths(headers, rows, console.width)
    if widths is not None:
        console.print(_drawn(headers, rows, widths))
        return
    for row in rows:
        _tell(console, headers, row)


def table(headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    """A table of names and numbers, as wide as it must be."""
    return _drawn(headers, rows, [_longest(headers, rows, number) for number in range(len(headers))])


def wrapped(text: str, width: int) -> str:
    """Lines of at most that many cells, no number or key broken that is not longer than a line."""
    return "\n".join(line for each in text.splitlines() for line in _lines(each, width))


def _lines(text: str, width: int) -> Iterator[str]:
    line = ""
    for token in _TOKENS.findall(text):
        if line and cell_len(line) + cell_len(token.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += token if line else token.lstrip()
        while cell_len(line) > width:
            yield line[:width]
            line = line[width:]
    yield line.rstrip()


def _widths(headers: Sequence[str], rows: Sequence[Sequence[Cell]], room: int) -> list[int] | None:
    """Of each column, the shorter sentences first; None if there is not enough for the names, or too little for a sentence."""
    widths = [_longest(headers, rows, number) for number in range(len(headers))]
    sentences = sorted((number for number, header in enumerate(headers) if header in _SENTENCES), key=lambda each: widths[each])
    left = room - _GAP * (len(headers) - 1) - sum(width for number, width in enumerate(widths) if number not in sentences)
    for done, number in enumerate(sentences):
        share = left // (len(sentences) - done)
        if share < max(min(widths[number], _NARROWEST), _unbroken(rows, number)):
            return None
        widths[number] = min(widths[number], share)
        left -= widths[number]
    return widths if left >= 0 else None


def _longest(headers: Sequence[str], rows: Sequence[Sequence[Cell]], number: int) -> int:
    lines = (line for row in rows for line in str(row[number]).splitlines())
    return max(map(cell_len, (headers[number], *lines)))


def _unbroken(rows: Sequence[Sequence[Cell]], number: int) -> int:
    """The longest number or key in a column of sentences."""
    return max((cell_len(token) for row in rows for token in _TOKENS.findall(str(row[number]))), default=0)


def _drawn(headers: Sequence[str], rows: Sequence[Sequence[Cell]], widths: Sequence[int]) -> Table:
    drawn = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for header in headers:
        words = header in _NAMES | _SENTENCES | _EXAMPLES
        drawn.add_column(header, justify="left" if words else "right", overflow="fold", no_wrap=True)
    for row in rows:
        cells = zip(headers, row, widths, strict=True)
        drawn.add_row(*(_cell(cell, width if header in _SENTENCES else None) for header, cell, width in cells))
    return drawn


def _cell(cell: Cell, width: int | None) -> Text:
    if isinstance(cell, Text):
        return cell
    return Text(cell if width is None else wrapped(cell, width))


def _tell(console: Console, headers: Sequence[str], row: Sequence[Cell]) -> None:
    """Names and numbers, then what is said of them, then the examples."""
    cells = [(header, str(cell)) for header, cell in zip(headers, row, strict=True)]
    head = [cell if header in _NAMES else f"{header} {cell}" for header, cell in cells if header not in _SENTENCES | _EXAMPLES]
    told = [(header, cell.replace("\n", "；")) for header, cell in cells if header in _SENTENCES and cell]
    said = "；".join(f"{header} {cell}" if header in _TITLED else cell for header, cell in told)
    sentence = "：".join(each for each in ("　".join(head), said) if each)
    say(console, wrapped(sentence, console.width) if console.is_terminal else sentence)
    for header, cell in cells:
        for line in cell.splitlines() if header in _EXAMPLES else ():
            say(console, f"  例：{line}")
