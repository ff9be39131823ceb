"""A draft of one data set: the head table, what must be joined, which columns are read, what each field gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from adapters.databases.sql import KeyKind
from adapters.introspection.contents import Content
from adapters.introspection.shapes import Shape
from adapters.introspection.tables import Column, Kind, Table
from adapters.proposing.idioms import key_kind
from adapters.proposing.labels import listed
from adapters.proposing.proposal import Place, Proposal, chosen
from adapters.proposing.ranking import PROPOSED, Ranking
from adapters.proposing.survey import Survey
from adapters.proposing.vocabulary import Slots, essence, vocabulary
from gateway.errors import ConfigError
from schemas.model import Dataset

HEAD = "h"
OWNER = "机构列"  #: tells whose a row is, where several institutions keep theirs in one table
_MOSTLY = 0.9  #: of the values that were looked at
_RESERVED = frozenset({"row_ref", "cursor_key", "cursor_time", "entered_at", "fixmedins_code", "line_key"})
_UNNAMED = 4  #: columns whose names say nothing, for a field
_WORTH, _TOLD = 0.5, 0.35  #: alternatives below these are not read, not told


@dataclass(frozen=True, slots=True)
class Join:
    """A further table of the query."""

    table: str
    alias: str
    on: str  #: alias of the table that names its rows
    column: str
    target: str
    declared: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A column of the query."""

    alias: str
    column: str
    name: str  #: under which the mapping knows it


@dataclass(frozen=True, slots=True)
class Marked:
    """A column by which rows are withdrawn or left out, and its codes."""

    name: str
    shown: str  #: table and column, as the database has them
    what: str  #: what it tells of a row, in Chinese
    codes: Mapping[str, str]  #: local code -> its word, "" where the comment says none
    gone: tuple[str, ...]  #: codes that surely say so
    sure: bool = True  #: it is of the document itself, and not of what a row may only name


@dataclass
class Draft:
    """Everything that the files of one data set say."""

    dataset: Dataset
    head: Table
    key: Column
    kind: KeyKind
    active: Mapping[str, Proposal]
    others: Mapping[str, tuple[Proposal, ...]]  #: the next best of each field
    entered: str = ""
    joins: list[Join] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    marks: list[Marked] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    single: str = ""  #: the field of the line's number, where a row of the head table is a whole document
    _aliases: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    def name_of(self, proposal: Proposal, *, clock: bool = False) -> str:
        """Under which name the query yields the proposal's column; "" if it does not."""
        offered = proposal.clock if clock and proposal.clock else proposal.offered
        alias = self._aliases.get(_steps(proposal.place), "")
        return next((each.name for each in self.reads if (each.alias, each.column) == (alias, offered.column.name)), "")

    @property
    def occurred(self) -> Proposal | None:
        """Where the business time comes from."""
        return self.active.get(self.dataset.occurred)

    def alias(self, place: Place) -> str:
        """That of a place in the query, which is joined if it is not yet."""
        for length in range(len(place.path) + 1):
            steps = (place.head, tuple(link.column for link in place.path[:length]))
            if steps in self._aliases:
                continue
            before = self._aliases.get((place.head, steps[1][:-1]), "")
            self._aliases[steps] = HEAD if not length else f"t{len(self.joins) + 1}"
            if length:
                link = place.path[length - 1]
                self.joins.append(Join(link.table, self._aliases[steps], before, link.column, link.target, link.declared))
        return self._aliases[_steps(place)]

    def read(self, place: Place, column: str, *, joined: bool = True) -> None:
        """Let the query yield a column; `joined=False`: only if no further table is needed for it."""
        if not joined and _steps(place) not in self._aliases:
            return
        alias = self.alias(place)
        if any((each.alias, each.column) == (alias, column) for each in self.reads):
            return
        name = column.lower() if column.isidentifier() else f"c{len(self.reads) + 1}"
        if name in _RESERVED or any(each.name == name for each in self.reads):
            name = f"{place.table.lower()}_{name}" if place.table.isidentifier() else f"{alias}_{name}"
        while any(each.name == name for each in self.reads):
            name = f"{name}_{alias}"
        self.reads.append(Read(alias, column, name))


def draft(ranking: Ranking, head: str = "") -> Draft:
    """The best table, or the one that is named; the best proposal of each field, the next two beside it."""
    table = _head(ranking, head)
    found = ranking.fields(table.name)
    active = chosen(ranking.dataset, found)
    key, remark = _key(ranking.survey, table)
    made = Draft(
        dataset=ranking.dataset,
        head=table,
        key=key,
        kind=key_kind(key),
        active=active,
        others={
            name: tuple(each for each in proposals if each is not active.get(name) and each.score.value >= _TOLD)[: PROPOSED - 1]
            for name, proposals in found.items()
        },
        remarks=[remark] if remark else [],
    )
    made.alias(Place(table.name, table.name))
    _number_line(made)
    _read(made)
    _offer_unnamed(ranking, made)
    made.entered = _entered(table, ranking.survey.contents(table.name))
    made.marks = list(_marks(ranking, made))
    return made


def _number_line(made: Draft) -> None:
    """Where the number of the document is the key of its row, a document has one line."""
    keyed = [name for name, each in made.active.items() if not each.place.path and each.offered.column.name == made.key.name]
    lines = [
        name for name in made.dataset.key if "line" in frozenset().union(*vocabulary().of_text(made.dataset.field(name).label))
    ]
    if lines and set(made.dataset.key) - set(lines) <= set(keyed):
        made.single = lines[0]
        made.active = {name: each for name, each in made.active.items() if name != made.single}


def _head(ranking: Ranking, name: str) -> Table:
    tables = ranking.survey.tables
    if name:
        found = {each.lower(): each for each in tables}.get(name.lower())
        if found is None:
            raise ConfigError(f"库里没有表或视图 {name}")
        return tables[found]
    proposed = ranking.tables()
    if not proposed or not proposed[0].covered:
        raise ConfigError(f"没有找到像 {ranking.dataset.code} {ranking.dataset.name} 的表，请用 --table 指明主表")
    return proposed[0].table


def _steps(place: Place) -> tuple[str, tuple[str, ...]]:
    return place.head, tuple(link.column for link in place.path)


def _read(made: Draft) -> None:
    """The active columns, then the alternatives that cost no further table."""
    for each in made.active.values():
        for offered in (each.offered, each.clock):
            if offered:
                made.read(each.place, offered.column.name)
    for others in made.others.values():
        for each in others:
            if each.score.value >= _WORTH:
                for offered in (each.offered, each.clock):
                    if offered:
                        made.read(each.place, offered.column.name, joined=False)


def _offer_unnamed(ranking: Ranking, made: Draft) -> None:
    """A required field that no name answers: the columns that nothing else takes and whose content could be it, read already."""
    taken = {each.shown for each in made.active.values()} | {each.clock.shown for each in made.active.values() if each.clock}
    others = dict(made.others)
    for spec in made.dataset.fields:
        if spec.required and spec.name not in made.active and spec.name != made.single:
            told = {each.shown for each in others.get(spec.name, ())}
            left = [each for each in ranking.unnamed(made.head.name, spec) if each.shown not in taken | told][:_UNNAMED]
            others[spec.name] = (*others.get(spec.name, ()), *left)
            for each in left:
                made.read(each.place, each.offered.column.name)
    made.others = others


def _key(survey: Survey, table: Table) -> tuple[Column, str]:
    """What tells the rows apart: the primary key, else a column that is filled and never twice the same where it was looked at."""
    if len(table.key) == 1:
        return table.column(table.key[0]), ""
    contents = survey.contents(table.name)
    among = table.key or tuple(each.name for each in table.columns)
    for name in sorted(among, key=lambda each: table.column(each).kind is not Kind.INTEGER):
        content = contents.get(name, Content())
        if content.filled and content.filled == content.distinct == content.rows:
            what = "主键不止一列" if table.key else "没有主键"
            return table.column(name), f"{table.name} {what}，用 {name} 区分每一行：抽样没有重复，请确认它全表唯一，且有索引"
    raise ConfigError(f"{table.name} 没有单列主键，抽样也找不到不重复的列：请用 --table 换一张表，或请厂商提供带唯一行号的视图")


def _entered(table: Table, contents: Mapping[str, Content]) -> str:
    """The column of when the row was written, in its own table."""
    known = vocabulary()
    for each in table.columns:
        slots = (*known.of_name(each.name), *known.of_text(essence(each.comment)))
        timed = each.kind is Kind.DATETIME or contents.get(each.name, Content()).share(Shape.MOMENT) > _MOSTLY
        if timed and any(slot == {"created"} for slot in slots):
            return each.name
    return ""


def _marks(ranking: Ranking, made: Draft) -> Iterator[Marked]:
    """Columns of the head table and of its other half that say what became of a row, or whose it is.

    Not those of what a row only names: goods that are no longer sold were sold all the same. Where the names alone leave open
    which of both a table is, nothing is withdrawn by it before a person has said so.
    """
    known, survey = vocabulary(), ranking.survey
    head = made.head.name
    linked = [each.place for each in made.active.values() if len(each.place.path) == 1]
    halves = [each for each in linked if ranking.halves(each.table, head)]
    for place in {_steps(each): each for each in (Place(head, head), *halves)}.values():
        table, sure = survey.tables[place.table], not place.path or ranking.lined(place.table, head)
        for column in table.columns:
            slots = (*known.of_name(column.name), *known.of_text(essence(column.comment)))
            deleting = any(slot == {"deleted"} for slot in slots)
            what = "作废标志" if deleting else _sorting(made, place, column.name, slots)
            if not what:
                continue
            content = survey.contents(table.name).get(column.name, Content())
            said = listed(column.comment)
            codes = {**dict.fromkeys(content.codes, ""), **said}
            if (what == OWNER and content.filled) or (codes and content.distinct <= max(len(codes), 1)):
                made.read(place, column.name)
                name = next(each.name for each in made.reads if (each.alias, each.column) == (made.alias(place), column.name))
                gone = _gone(codes, deleting=deleting, slots=slots) if sure else ()
                yield Marked(name, f"{table.name}.{column.name}", what, codes, gone, sure)


def _sorting(made: Draft, place: Place, column: str, slots: Slots) -> str:
    """What a column of the document sorts its rows by; "" if by nothing, or by what a field already tells of them."""
    if any(slot == {"status"} for slot in slots):
        return "状态列"
    whose = [slot for slot in slots if not slot or not slot <= {"id", "code"}]
    if whose and not place.path and all(slot == {"tenant"} for slot in whose):
        return OWNER
    taken = any(each.place == place and each.offered.column.name == column for each in made.active.values())
    return "种类列" if not taken and any(slot == {"type"} for slot in slots) else ""


#: what says yes in a column that is called after deleting
_YES = ("1", "true", "Y", "T", "是")


def _gone(codes: Mapping[str, str], *, deleting: bool, slots: Slots) -> tuple[str, ...]:
    known = vocabulary()
    told = tuple(
        code for code, label in codes.items() if "未" not in label and any("deleted" in slot for slot in known.of_text(label))
    )
    spoken = tuple(code for code in codes if not code.isdigit() and any("deleted" in slot for slot in known.of_name(code)))
    if told or spoken:
        return told or spoken
    plain = set(codes) <= {*_YES, "0", "false", "N", "F", "否"}
    return tuple(code for code in _YES if code in codes) or ("1",) if deleting and plain else ()
