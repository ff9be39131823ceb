"""A sheet -> blocks: the lines above a table, which column is what, and its rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.exchanging import layout
from schemas.exchanging.grid import Cell, Row, Sheet
from schemas.exchanging.layout import Role

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NODE = re.compile(r"节点(?:标识|名称|名)?\s*[:=]?\s*([A-Za-z_]\w*)")
_ENCODING = re.compile(r"形式\s*[:=]?\s*([^;)\s]+)")
_OUTPUT = re.compile(r"输出|出参|响应|返回")
_INPUT = re.compile(r"输入|入参|请求")
_LEADERS = re.compile(r"^[\s└├│─>·.+\-—]+")


@dataclass(slots=True)
class Heading:
    """The lines above a table."""

    facts: dict[str, list[tuple[Cell, ...]]] = field(default_factory=dict)
    title: Cell | None = None
    node: str = ""
    encoding: str = ""
    output: bool | None = None  #: None: not said
    unread: list[Cell] = field(default_factory=list)

    def text(self, fact: str) -> str:
        """The first cell of a fact; "" if there is none."""
        cells = self.facts.get(fact, [()])[0]
        return cells[0].text if cells else ""

    def place(self, fact: str) -> str:
        """The cell of a fact."""
        cells = self.facts.get(fact, [()])[0]
        return cells[0].place if cells else "A1"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table by role."""

    cells: dict[Role, Cell]
    place: str  #: of its first cell with a text

    def text(self, role: Role) -> str:
        """The text of that column; "" without it."""
        cell = self.cells.get(role)
        return cell.text if cell else ""

    def texts(self) -> list[str]:
        """What stands in the row's own cells."""
        return [cell.text for cell in self.cells.values() if cell.text and not cell.filled]

    def place_of(self, role: Role) -> str:
        """The cell of that column, else where the row begins."""
        cell = self.cells.get(role)
        return cell.place if cell else self.place


@dataclass(frozen=True, slots=True)
class Block:
    """One table of a sheet."""

    sheet: str
    heading: Heading
    roles: frozenset[Role]
    lines: tuple[Line, ...]
    strange: tuple[Cell, ...]  #: headings of columns nobody knows
    swapped: bool = False  #: names and labels were told apart by what stands in them

    @property
    def of_codes(self) -> bool:
        """Whether it lists codes and not fields."""
        return Role.CODE in self.roles


def blocks(sheet: Sheet, *, ours: bool) -> tuple[Block, ...]:
    """The tables of a sheet; none if no heading row is found. `ours`: we wrote it, so a line above a table is key and values."""
    found = ((index, _roles(row, ours=ours)) for index, row in enumerate(sheet.rows))
    headers = [(index, roles) for index, roles in found if roles]
    starts = [_start(sheet.rows, index, headers[at - 1] if at else None) for at, (index, _) in enumerate(headers)]
    ends = [*starts[1:], len(sheet.rows)]
    return tuple(
        _block(sheet, heading(sheet.rows[start:index], ours=ours), (index, roles), sheet.rows[index + 1 : end])
        for (index, roles), start, end in zip(headers, starts, ends, strict=False)
    )


def _roles(row: Row, *, ours: bool) -> dict[int, Role] | None:
    if ours and row[0].text not in (Role.NUMBER, Role.CODE):
        return None
    return layout.roles([cell.text for cell in row])


def _start(rows: Sequence[Row], header: int, before: tuple[int, dict[int, Role]] | None) -> int:
    """Where the lines above the table begin: after the last row of the table before it."""
    first = before[0] + 1 if before else 0
    found = before[1] if before else {}
    start = header
    while start > first and not (before and _rowlike(rows[start - 1], found)):
        start -= 1
    return start


def _rowlike(row: Row, found: dict[int, Role]) -> bool:
    """Whether it belongs to the table above: it has a name or a code where that table has its own."""
    if any(layout.fact_word(cell.text) for cell in row[:1]):
        return False
    wanted = {Role.NAME, Role.CODE, Role.TYPE, Role.CODE_LABEL}
    texts = [row[index].text for index, role in found.items() if role in wanted and index < len(row)]
    first = next(cell.text for cell in row if cell.text)
    return any(texts) and not _NODE.search(layout.plain(first)) and sum(bool(cell.text) for cell in row) > 1


def _block(sheet: Sheet, above: Heading, header: tuple[int, dict[int, Role]], rows: Sequence[Row]) -> Block:
    index, found = header
    settled, swapped = _settled(found, rows)
    titles = sheet.rows[index]
    strange = tuple(cell for column, cell in enumerate(titles) if column not in settled and _used(column, cell, rows))
    lines = tuple(_line(row, settled) for row in rows)
    return Block(sheet.name, above, frozenset(settled.values()), lines, strange, swapped)


def _used(column: int, title: Cell, rows: Sequence[Row]) -> bool:
    return bool(title.text) or any(row[column].text for row in rows if column < len(row))


def _settled(found: dict[int, Role], rows: Sequence[Row]) -> tuple[dict[int, Role], bool]:
    """Each role once; names and labels told apart by what stands in them, because both are called 字段名."""
    once: dict[int, Role] = {}
    spare: list[int] = []
    for column, role in found.items():
        if role not in once.values():
            once[column] = role
        elif role in (Role.NAME, Role.LABEL):
            spare.append(column)
    texts = {role: column for column, role in once.items()}
    name, label = texts.get(Role.NAME), texts.get(Role.LABEL)
    for column in spare:
        if name is None:
            name = column
        elif label is None:
            label = column
    swapped = label is not None and _latin(label, rows) > (_latin(name, rows) if name is not None else 0)
    if swapped:
        name, label = label, name
    others = {column: role for column, role in once.items() if role not in (Role.NAME, Role.LABEL)}
    pair = ((name, Role.NAME), (label, Role.LABEL))
    return others | {column: role for column, role in pair if column is not None}, swapped


def _latin(column: int, rows: Sequence[Row]) -> int:
    return sum(bool(NAME.fullmatch(bare_name(row[column].text))) for row in rows if column < len(row))


def bare_name(text: str) -> str:
    """A field name without brackets, indents and tree signs: `└ drugs[].dose` is drugs.dose."""
    return re.sub(r"\[\d*\]|[*\s]", "", _LEADERS.sub("", layout.plain(text)))


def depth(cell: Cell) -> int:
    """How far a name is indented; any sign of a tree counts as one more."""
    return cell.indent + len((_LEADERS.match(layout.plain(cell.text)) or [""])[0])


def _line(row: Row, settled: dict[int, Role]) -> Line:
    cells = {role: row[column] for column, role in settled.items()}
    for role in (Role.NAME, Role.CODE):  # a merged name is one field, not several
        if role in cells and cells[role].filled:
            cells[role] = Cell("", cells[role].place)
    return Line(cells, next(cell.place for cell in row if cell.text))


def heading(rows: Sequence[Row], *, ours: bool) -> Heading:
    """What the lines above a table say."""
    found = Heading()
    for row in rows:
        fact = layout.fact_word(row[0].text) if ours else None
        if fact:
            found.facts.setdefault(fact, []).append(row[1:])
        else:
            _read_line(found, [cell for cell in row if cell.text and not cell.filled])
    return found


def _read_line(found: Heading, cells: list[Cell]) -> None:
    """One line above a table: `交易编号：3505`, or key and values in cells of their own, or several of these in a row."""
    if not cells:
        return None
    fact = layout.fact_word(cells[0].text)
    if fact and len(cells) > 1 and not layout.fact_word(cells[1].text) and not _inline(cells[1]):
        found.facts.setdefault(fact, []).append((cells[1],))
        return _read_line(found, cells[2:])
    if not fact:
        _read_text(found, cells[0])
    return _read_line(found, cells[1:])


def _inline(cell: Cell) -> tuple[str, str] | None:
    key, sign, value = layout.plain(cell.text).partition(":")
    fact = layout.fact_word(key) if sign else None
    return (fact, value.strip()) if fact and value.strip() else None


def _read_text(found: Heading, cell: Cell) -> None:
    plain = layout.plain(cell.text)
    inline = _inline(cell)
    node, way = _NODE.search(plain), bool(_OUTPUT.search(plain)) or bool(_INPUT.search(plain))
    if inline:
        found.facts.setdefault(inline[0], []).append((Cell(inline[1], cell.place),))
    elif node or (way and len(plain) <= 20):
        found.node = node[1] if node else found.node
        found.output = bool(_OUTPUT.search(plain)) if way else found.output
        form = _ENCODING.search(plain)
        found.encoding = form[1] if form else ""
    elif found.title is None:
        found.title = cell
    else:
        found.unread.append(cell)
