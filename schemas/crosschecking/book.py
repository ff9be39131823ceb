"""What is kept of the records while they pass, so that they can be compared when all have been seen.

Memory is bounded by keys, not by bodies: of each (institution, data set, key) only the newest version is held, and of it
only the fields that some rule reads. A void version removes the record from comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from schemas import wire
from schemas.checks import Term
from schemas.errors import WireError
from schemas.model import Condition, Edition, Field
from schemas.record import business_key
from schemas.rulelint import find, misfits
from schemas.rules import Rule

_VOID = "0"
Value = str | Decimal | date | datetime | tuple[str, ...] | None


class Slip:
    """The fields of one record that some rule reads. A value that is absent, blank or unreadable is None."""

    __slots__ = ("_index", "_values", "dataset", "institution", "key")

    def __init__(self, dataset: str, institution: str, key: str, index: Mapping[str, int], values: tuple[Value, ...]) -> None:
        self.dataset, self.institution, self.key = dataset, institution, key
        self._index, self._values = index, values

    @property
    def values(self) -> tuple[Value, ...]:
        """Every kept value, in the order of the columns."""
        return self._values

    def get(self, name: str) -> Value:
        """The value of a field; None if there is nothing to compare."""
        return self._values[self._index[name]]

    def number(self, name: str) -> Decimal | None:
        """The value of an N field."""
        value = self.get(name)
        return value if isinstance(value, Decimal) else None

    def clock(self, name: str) -> datetime | None:
        """The value of a DT field."""
        value = self.get(name)
        return value if isinstance(value, datetime) else None

    def day(self, name: str, begins: timedelta = timedelta()) -> date | None:
        """The day of a D or DT field; a time before `begins` belongs to the day before."""
        value = self.get(name)
        if isinstance(value, datetime):
            return (value - begins).date()
        return value if isinstance(value, date) else None

    def group(self, names: Iterable[str]) -> tuple[str, ...] | None:
        """Institution and these fields, to compare across data sets; None if one of them is missing."""
        values = [self.get(name) for name in names]
        if any(value is None for value in values):
            return None
        return (self.institution, *(str(value) for value in values))

    def meets(self, condition: Condition | None) -> bool:
        """Whether the condition, if any, holds."""
        return condition is None or self.get(condition.field) in condition.values


@dataclass(slots=True)
class _Held:
    """The newest version of one key."""

    version: int
    void: bool
    slip: Slip
    copies: int = 1

    @property
    def rank(self) -> tuple[bool, str]:
        """Chooses among copies of one version, so that the order of reading does not. Equal ranks say the same."""
        return self.void, repr(self.slip.values)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Which fields of one data set are kept, and how each is read."""

    index: Mapping[str, int]
    readers: tuple[Callable[[Mapping[str, Any]], Value], ...]


class Book:
    """Takes records in any order; afterwards gives the live ones of each data set."""

    def __init__(self, edition: Edition, rules: Iterable[Rule]) -> None:
        fits = [(rule, misfits(edition, rule)) for rule in rules]
        self.edition = edition
        self.rules = tuple(rule for rule, why in fits if not why)
        self.skipped = {rule.id: why for rule, why in fits if why}  #: rules that do not fit the edition
        self._sheets = _sheets(edition, self.rules)
        self._held: dict[str, dict[tuple[str, str], _Held]] = {code: {} for code in self._sheets}
        self._live: dict[str, list[Slip]] = {}  #: sorted once, when all has been taken in

    def add(self, code: str, record: Mapping[str, Any]) -> None:
        """Keep what the rules need of one wire record; a data set that no rule reads leaves nothing behind."""
        sheet = self._sheets.get(code)
        if sheet is None:
            return
        institution = str(record.get("fixmedins_code") or "")
        key = str(record.get("key") or business_key(self.edition.datasets[code], record))
        values = tuple(reader(record) for reader in sheet.readers)
        slip = Slip(code, institution, key, sheet.index, values)
        self._live.pop(code, None)
        self._keep(code, _Held(_version(record), record.get("vali_flag") == _VOID, slip))

    def _keep(self, code: str, new: _Held) -> None:
        held = self._held[code].setdefault((new.slip.institution, new.slip.key), new)
        if held is new or new.version < held.version:
            return
        if new.version == held.version:
            new.copies = held.copies + 1
            if new.rank < held.rank:
                held.copies = new.copies
                return
        self._held[code][new.slip.institution, new.slip.key] = new

    def live(self, code: str) -> Iterator[Slip]:
        """The newest version of every record that is not void, by institution and key."""
        if code not in self._live:
            self._live[code] = [held.slip for _, held in sorted(self._held[code].items(), key=_first) if not held.void]
        return iter(self._live[code])

    def of(self, term: Term) -> Iterator[tuple[tuple[str, ...], Slip]]:
        """The live records of a term with the group each belongs to; one without its group is left out."""
        for slip in self.live(term.dataset):
            group = slip.group(term.group) if slip.meets(term.where) else None
            if group is not None:
                yield group, slip

    def doubled(self, code: str) -> Iterator[tuple[Slip, int]]:
        """Records whose newest version came more than once, and how often."""
        return ((held.slip, held.copies) for _, held in sorted(self._held[code].items(), key=_first) if held.copies > 1)

    def institutions(self, code: str) -> frozenset[str]:
        """Institutions of which at least one record of the data set was read, void ones included."""
        return frozenset(institution for institution, _ in self._held[code])

    @property
    def codes(self) -> tuple[str, ...]:
        """The data sets that are kept."""
        return tuple(self._sheets)


def _sheets(edition: Edition, rules: Iterable[Rule]) -> dict[str, _Sheet]:
    """Every uploaded data set, for its keys at least, with the fields the rules read."""
    paths: dict[str, dict[str, None]] = {code: {} for code, dataset in edition.datasets.items() if dataset.uploaded}
    for rule in rules:
        for ref in rule.check.refs():
            paths.setdefault(ref.dataset, {})[ref.field] = None
    return {code: _sheet(edition, code, tuple(names)) for code, names in paths.items()}


def _sheet(edition: Edition, code: str, names: tuple[str, ...]) -> _Sheet:
    return _Sheet({name: place for place, name in enumerate(names)}, tuple(_reader(edition, code, name) for name in names))


def _reader(edition: Edition, code: str, path: str) -> Callable[[Mapping[str, Any]], Value]:
    spec = find(edition.datasets[code], path)
    if spec is None:
        raise AssertionError(f"{code} {path}: a rule that does not fit the edition was not left out")
    rows, _, child = path.partition(".")
    if child:
        return lambda record: _codes(record.get(rows), child)
    return lambda record: _value(spec, record.get(path))


def _value(spec: Field, text: Any) -> Value:
    """A malformed value is validation's business; here there is just nothing to compare."""
    try:
        value = wire.decode(spec, text) if text is not None else None
    except WireError:
        return None
    return value or None if isinstance(value, str) else value


def _codes(rows: Any, child: str) -> Value:
    """The texts of one field of the child rows, sorted."""
    if not isinstance(rows, list):
        return None
    found = (row.get(child) for row in rows if isinstance(row, dict))
    return tuple(sorted(text for text in found if isinstance(text, str) and text)) or None


def _first(item: tuple[tuple[str, str], _Held]) -> tuple[str, str]:
    return item[0]


def _version(record: Mapping[str, Any]) -> int:
    text = record.get("version")
    return int(text) if isinstance(text, str) and text.isdecimal() else 0
