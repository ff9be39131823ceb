"""Fillers: values that stand in a field only because it must not be empty. A lint with a share per field, never a verdict.

Three habits are counted: a value of the list (无, 1900-01-01, 000000 …), one constant in almost every record, and a field
that repeats another one. What counts as which, and from which share on it is told, is data (`rules/placeholders.yaml`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from schemas.loader import REFERENCE, read_decimal, read_source
from schemas.model import Edition, Field, FieldType, Source
from schemas.rulefile import PLACEHOLDERS
from schemas.yamlfile import Section, read

_PERSON = ("patn_id", "psn_no", "certno")  #: the first of these that a data set has tells its patients apart
_SEEN_ENOUGH = 1000  #: patients; more need not be told apart


class Habit(StrEnum):
    """How a field was filled without saying anything."""

    FILLER = "filler"
    CONSTANT = "constant"
    COPIED = "copied"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a share is told."""

    rows: int
    patients: int
    distinct: int
    least: Mapping[Habit, Decimal]


@dataclass(frozen=True, slots=True)
class Lists:
    """What counts as a filler, and what is innocent."""

    texts: Mapping[FieldType, frozenset[str]]
    exempt: Mapping[tuple[str, str], frozenset[str]]  #: (data set, field) -> values that mean something there
    constant_expected: frozenset[str]
    copies_expected: frozenset[frozenset[str]]
    thresholds: Thresholds
    source: Source

    def fillers(self, edition: Edition, dataset: str, spec: Field, path: str = "") -> frozenset[str]:
        """What says nothing in one field; `path` is that of a child's field. Small letters, of a time the day."""
        listed = self.texts.get(spec.type, frozenset()) - self.exempt.get((dataset, path or spec.name), frozenset())
        codes = edition.codes[spec.codes].values if spec.codes else {}  # a code of its table means what the table says
        return listed - {code.casefold() for code in codes}


@dataclass(frozen=True, slots=True)
class Share:
    """How often one field shows one habit."""

    dataset: str
    field: str  #: `rows[].field` for a child row
    label: str
    habit: Habit
    rows: int  #: records in which the field has a value
    count: int
    told: bool  #: above the threshold
    other: str = ""  #: the field it repeats

    @property
    def share(self) -> Decimal:
        """Between 0 and 1, rounded to four places."""
        return (Decimal(self.count) / self.rows).quantize(Decimal("0.0001")) if self.rows else Decimal(0)


@cache
def reference() -> Lists:
    """The lists that ship with the reference edition."""
    return load(REFERENCE / "rules" / PLACEHOLDERS)


def load(path: Path) -> Lists:
    """Read the lists. SpecError says what is wrong and where."""
    section = read(path).known("source", "values", "exempt", "thresholds", "constant_expected", "copies_expected")
    return Lists(
        texts=_texts(section),
        exempt=dict(_exempt(each) for each in section.sections("exempt")),
        constant_expected=frozenset(section.texts("constant_expected")),
        copies_expected=_copies(section),
        thresholds=_thresholds(section.section("thresholds")),
        source=read_source(section),
    )


def shares(edition: Edition, dataset: str, records: Iterable[Mapping[str, Any]], lists: Lists | None = None) -> tuple[Share, ...]:
    """Each field's share of each habit over these wire records; the order of the records does not matter."""
    census = Census(edition, dataset, lists)
    for record in records:
        census.add(record)
    return census.shares()


@dataclass(slots=True)
class _Column:
    """The counts of one field. `values` is given up when there are too many: such a field is no constant."""

    spec: Field
    path: str
    listed: frozenset[str]  #: its fillers
    children: tuple[_Column, ...] = ()
    rows: int = 0
    fillers: int = 0
    values: dict[int, int] | None = field(default_factory=dict)

    @property
    def by_day(self) -> bool:
        """Of a time only the day is looked at."""
        return self.spec.type in {FieldType.DATE, FieldType.DATETIME}

    @property
    def free(self) -> bool:
        """A text that says something of its own, so that two of them should not be the same."""
        return self.spec.type is FieldType.TEXT and not self.spec.codes

    def count(self, value: str, distinct: int) -> bool:
        """Count one value; whether it is a filler."""
        self.rows += 1
        if self.values is not None:
            digest = hash(value)
            self.values[digest] = self.values.get(digest, 0) + 1
            if len(self.values) > distinct:
                self.values = None
        filler = (value[:10] if self.by_day else value).strip().casefold() in self.listed
        self.fillers += filler
        return filler


class Census:
    """Counts while the records pass. Keeps no value of a record, only in-process digests of them to compare."""

    def __init__(self, edition: Edition, dataset: str, lists: Lists | None = None) -> None:
        self._lists = lists or reference()
        self._edition, self._dataset = edition, edition.datasets[dataset]
        self._person = next((name for name in _PERSON if any(spec.name == name for spec in self._dataset.fields)), "")
        self._people: set[int] = set()
        self._columns = tuple(self._column(spec, "") for spec in self._dataset.fields)
        self._copies: Counter[tuple[str, str]] = Counter()

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one wire record."""
        person = record.get(self._person) if self._person else record.get("key")
        if person is not None and len(self._people) < _SEEN_ENOUGH:
            self._people.add(hash(person))
        self._row(self._columns, record)

    def _column(self, spec: Field, prefix: str) -> _Column:
        path = prefix + spec.name
        listed = self._lists.fillers(self._edition, self._dataset.code, spec, path)
        return _Column(spec, path, listed, tuple(self._column(child, f"{path}[].") for child in spec.fields))

    def _row(self, columns: tuple[_Column, ...], row: Mapping[str, Any]) -> None:
        first: dict[str, list[str]] = {}
        for column in columns:
            value = row.get(column.spec.name)
            if isinstance(value, list):
                for child in value:
                    if isinstance(child, dict):
                        self._row(column.children, child)
            elif isinstance(value, str) and not value.isspace() and value:
                filler = column.count(value, self._lists.thresholds.distinct)
                if column.free and not filler:
                    first.setdefault(value, []).append(column.path)
        for paths in first.values():
            if len(paths) > 1:
                self._copies.update((later, earlier) for index, earlier in enumerate(paths) for later in paths[index + 1 :])

    def _filled(self) -> Iterator[_Column]:
        """Every column that has at least one value, child columns too."""
        for column in self._columns:
            yield from (each for each in (column, *column.children) if each.rows)

    def shares(self) -> tuple[Share, ...]:
        """By habit, the largest share first."""
        found = (*self._fillers(), *self._constants(), *self._copied())
        return tuple(sorted(found, key=lambda each: (list(Habit).index(each.habit), -each.share, each.field, each.other)))

    def _fillers(self) -> Iterator[Share]:
        for column in self._filled():
            yield self._share(column, Habit.FILLER, column.fillers)

    def _constants(self) -> Iterator[Share]:
        """Not of key fields, codes, nor where a site may well have only one."""
        for column in self._filled():
            spec = column.spec
            innocent = spec.codes or spec.name in self._dataset.key or spec.name in self._lists.constant_expected
            if column.values and not innocent:
                yield self._share(column, Habit.CONSTANT, max(column.values.values()))

    def _copied(self) -> Iterator[Share]:
        columns = {column.path: column for column in self._filled()}
        for (later, first), count in self._copies.items():
            names = frozenset(path.rpartition(".")[2] for path in (later, first))
            if names not in self._lists.copies_expected:
                yield self._share(columns[later], Habit.COPIED, count, first)

    def _share(self, column: _Column, habit: Habit, count: int, other: str = "") -> Share:
        thresholds = self._lists.thresholds
        many = column.rows >= thresholds.rows and (habit is not Habit.CONSTANT or len(self._people) >= thresholds.patients)
        told = many and Decimal(count) >= thresholds.least[habit] * column.rows
        return Share(self._dataset.code, column.path, column.spec.label, habit, column.rows, count, told, other)


def _texts(section: Section) -> dict[FieldType, frozenset[str]]:
    found: dict[FieldType, set[str]] = defaultdict(set)
    for each in section.sections("values"):
        texts = {text.strip().casefold() for text in each.known("types", "texts").texts("texts")}
        for name in each.texts("types"):
            if name not in {FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.DATETIME}:
                raise each.error("只能是 C、N、D、DT", "types")
            found[FieldType(name)] |= texts
    return {kind: frozenset(texts) for kind, texts in found.items()}


def _exempt(section: Section) -> tuple[tuple[str, str], frozenset[str]]:
    section.known("dataset", "field", "texts", "why").need("why", str)
    texts = frozenset(text.casefold() for text in section.texts("texts"))
    return (section.need("dataset", str), section.need("field", str)), texts


def _copies(section: Section) -> frozenset[frozenset[str]]:
    pairs = section.get("copies_expected", list, []) or []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(name, str) for name in pair):
            raise section.error("每项应为两个字段名", "copies_expected")
    return frozenset(frozenset(pair) for pair in pairs)


def _thresholds(section: Section) -> Thresholds:
    section.known("rows", "patients", "distinct", *Habit)
    return Thresholds(
        rows=section.at_least("rows", 1),
        patients=section.at_least("patients", 1),
        distinct=section.at_least("distinct", 2),
        least={habit: _part(section, habit) for habit in Habit},
    )


def _part(section: Section, habit: Habit) -> Decimal:
    section.need(habit, str)
    part = read_decimal(section, habit)
    if part is None or not 0 < part <= 1:
        raise section.error("应大于 0 且不超过 1", habit)
    return part
