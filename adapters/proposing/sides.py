"""The two sides that are held against each other: a field that asks, a column that may answer. Each is taken apart once."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.introspection.contents import Content
from adapters.introspection.tables import Column
from adapters.proposing.vocabulary import Slots, Vocabulary, essence, spelt, words
from schemas.model import CodeTable, Field


@dataclass(frozen=True, slots=True)
class Score:
    """Between 0 and 1, and why."""

    value: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field, taken apart once."""

    spec: Field
    slots: Slots
    meaning: Slots  #: of the first clause of its explanation
    table: CodeTable | None
    names: frozenset[str]  #: its own words as they are written in the interface
    spellings: frozenset[str]  #: of its label

    @property
    def concepts(self) -> frozenset[str]:
        """All that any of its words may mean."""
        return frozenset().union(*self.slots) if self.slots else frozenset()


@dataclass(frozen=True, slots=True)
class Offered:
    """A column, or a value inside a JSON column, taken apart once."""

    table: str
    column: Column
    content: Content
    by_name: Slots
    by_comment: Slots
    by_table: frozenset[str]
    names: frozenset[str]
    key: bool = False  #: the table's own primary key
    link: bool = False  #: names a row of another table
    path: str = ""  #: inside a JSON column
    by_aside: Slots = ()  #: what its comment says in brackets
    labels: tuple[str, ...] = field(default=())  #: of the codes that its comment lists

    @property
    def shown(self) -> str:
        """How a person names it."""
        return f"{self.table}.{self.column.name}" + (f" 的 {self.path}" if self.path else "")


def wanted(spec: Field, table: CodeTable | None, known: Vocabulary) -> Wanted:
    """Take a field apart: by its label, and by its name where the label has no known word."""
    slots = known.of_text(spec.label) or known.of_name(spec.name)
    whole, initials = spelt(spec.label)
    meaning = known.of_text(essence(spec.meaning))
    return Wanted(
        spec, slots, meaning, table, frozenset(words(spec.name)), frozenset(each for each in (whole, initials) if len(each) > 1)
    )
