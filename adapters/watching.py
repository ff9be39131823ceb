"""A mapping that shows each local row beside what became of it, for a person who looks at single rows. Otherwise the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from adapters.mapping import RowMapping
from adapters.origins import Row, SiteFacts
from gateway.model import Cursor, SourceRow

#: takes the mapping, the local row, and what it became
Watch = Callable[[RowMapping, Row, SourceRow], None]


@dataclass(frozen=True, slots=True)
class WatchedMapping(RowMapping):
    """Every row goes through `source_row`; the compiled way is left out."""

    watch: Watch = lambda mapping, row, became: None

    def source_row(self, row: Row, cursor: Cursor, facts: SiteFacts) -> SourceRow:
        """See RowMapping."""
        became = RowMapping.source_row(self, row, cursor, facts)
        self.watch(self, row, became)
        return became


def watching(mapping: RowMapping, watch: Watch) -> RowMapping:
    """The same rules, watched."""
    return WatchedMapping(**{each.name: getattr(mapping, each.name) for each in fields(mapping) if each.init}, watch=watch)
