"""What the tables of a site offer: each column taken apart once, and how a product names its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from adapters.introspection.contents import Content
from adapters.introspection.tables import Column, Kind, Table
from adapters.proposing import labels
from adapters.proposing.sides import Offered
from adapters.proposing.survey import Survey
from adapters.proposing.vocabulary import Slots, Vocabulary, aside, essence, words


class Offers:
    """The columns of a survey."""

    def __init__(self, survey: Survey, known: Vocabulary) -> None:
        self._survey, self._known = survey, known
        self._found: dict[tuple[str, bool], tuple[Offered, ...]] = {}
        self._common = _common(survey.tables)

    def of(self, table: Table, *, looked: bool) -> tuple[Offered, ...]:
        """Every column, and every value inside a JSON column; `looked`: with what its rows hold."""
        if (table.name, looked) not in self._found:
            contents: Mapping[str, Content] = self._survey.contents(table.name) if looked else {}
            self._found[table.name, looked] = tuple(self._take_apart(table, contents))
        return self._found[table.name, looked]

    def _take_apart(self, table: Table, contents: Mapping[str, Content]) -> Iterator[Offered]:
        about = frozenset().union(*self.called(table), *self._known.of_text(essence(table.comment)))
        for column in table.columns:
            content = contents.get(column.name, Content())
            yield self._offer(table, column, content, about, looked=bool(contents))
            for path, inner in content.paths.items():
                yield self._offer(table, column, inner, about, path, looked=True)

    def _offer(
        self, table: Table, column: Column, content: Content, about: frozenset[str], path: str = "", *, looked: bool
    ) -> Offered:
        name = path or column.name
        return Offered(
            table=table.name,
            column=replace(column, kind=Kind.TEXT, comment="") if path else column,
            content=content,
            by_name=self._known.of_name(name),
            by_comment=() if path else self._known.of_text(essence(column.comment)),
            by_table=about,
            by_aside=() if path else self._known.of_text(aside(column.comment)),
            names=frozenset(words(name)),
            key=column.name in table.key,
            link=looked and any(each.column == column.name for each in self._survey.links(table.name)),
            path=path,
            labels=() if path else tuple(labels.listed(column.comment).values()),
        )

    def called(self, table: Table) -> Slots:
        """The words of its name, without what the product puts before every name."""
        return self._known.of_name("_".join(word for word in words(table.name) if word not in self._common))

    def halves(self, one: str, other: str) -> bool:
        """Whether two tables are one document: order and order_item, depot_head and depot_item."""
        left, right = ([word for word in words(each) if word not in self._common] for each in (one, other))
        shorter = min(len(left), len(right))
        shared = next((at for at in range(shorter) if left[at] != right[at]), shorter)
        return shared > 0 and (shared == shorter or shared == len(left) - 1 == len(right) - 1)

    def lined(self, one: str, other: str) -> bool:
        """Whether one of two halves is called the lines: order and order_item. medication and medication_request are none."""
        left, right = words(one), words(other)
        ends = self._known.of_name("_".join(word for word in (*left, *right) if word not in left or word not in right))
        return any("line" in slot for slot in ends)

    def kin(self, one: str, other: str) -> bool:
        """Whether two tables are called after the same thing, as the head and the lines of a document are."""
        return bool((frozenset(words(one)) & frozenset(words(other))) - self._common)


def _common(tables: Iterable[str]) -> frozenset[str]:
    """The word that a product puts before most of its tables' names; none where there is no such word."""
    first = Counter(words(each)[0] for each in tables if len(words(each)) > 1)
    most = first.most_common(1)
    return frozenset({most[0][0]}) if most and most[0][1] * 2 > len(first) and most[0][1] * 2 > sum(first.values()) else frozenset()
