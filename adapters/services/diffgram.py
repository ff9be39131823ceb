"""DataSet and DataTable of .NET as a reply: the schema that travels before the rows says which columns there are.

A column without a value is not written, nor is a table without rows: both would look as if they had been renamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: what holds the rows of a DataTable, whatever the schema calls its set
_OF_TABLE = "DocumentElement"


def declared(tree: Any) -> frozenset[str]:
    """The dotted paths of the set, every table and every column that the schema of such a reply names; none of another reply."""
    if not isinstance(tree, Mapping) or not {"schema", "diffgram"} <= tree.keys():
        return frozenset()
    found: set[str] = set()
    for whole in _elements(tree["schema"]):
        for table in _elements(_held(whole)):
            for root in (whole.get("@name"), _OF_TABLE):
                place = f"diffgram.{root}.{table.get('@name')}"
                found |= {f"diffgram.{root}", place, *(f"{place}.{column.get('@name')}" for column in _elements(_held(table)))}
    return frozenset(found)


def _held(element: Mapping[str, Any]) -> Any:
    """The choice of tables, or the sequence of columns."""
    kind = element.get("complexType")
    return (kind.get("choice") or kind.get("sequence")) if isinstance(kind, Mapping) else None


def _elements(holder: Any) -> Iterator[Mapping[str, Any]]:
    found = holder.get("element", []) if isinstance(holder, Mapping) else []
    yield from (each for each in (found if isinstance(found, list) else [found]) if isinstance(each, Mapping))
