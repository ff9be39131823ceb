"""The `.sql` files of a draft (their contract: adapters/databases/sql.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.databases.sql import KeyKind
from adapters.introspection.tables import Kind
from adapters.proposing.drafting import HEAD, Draft
from adapters.proposing.idioms import Idioms, bound_of


@dataclass(frozen=True, slots=True)
class Queries:
    """Writes them."""

    draft: Draft
    idioms: Idioms
    schema: str = ""

    def files(self) -> dict[str, str]:
        """What the manifest calls it -> the text."""
        found = {"query": self._main(), "count": self._count(), "mark": self._mark()}
        if self.sweeps:
            found |= {"window": self._window(), "lookup": self._lookup()}
        return found

    @property
    def sweeps(self) -> bool:
        """Whether rows can be found by business time: its column holds a day or a moment, as it is."""
        occurred = self.draft.occurred
        if occurred is None or occurred.offered.path:
            return False
        return occurred.offered.column.kind in (Kind.DATE, Kind.DATETIME) or (
            occurred.offered.column.kind is Kind.TEXT and not occurred.offered.content.notations and occurred.clock is None
        )

    @property
    def _title(self) -> str:
        return self.draft.dataset.name

    @property
    def _key(self) -> str:
        return f"{HEAD}.{self.idioms.quoted(self.draft.key.name)}"

    def _main(self) -> str:
        told = f"-- {self._title}：草稿。全部左连接，查不到的行也要读到；不在这里筛选，该排除的写在映射里\n"
        where = f"WHERE {self.idioms.after(self._key, self.draft.kind)}\n"
        return told + self._selected() + where + self._paged()

    def _window(self) -> str:
        occurred = self.draft.occurred
        if occurred is None:
            return ""
        column = f"{self.draft.alias(occurred.place)}.{self.idioms.quoted(occurred.offered.column.name)}"
        told = f"-- {self._title}：业务时间在一段之内的全部行，用于核对与补读；列与主查询相同\n"
        span = self.idioms.within(column, bound_of(occurred.offered.column))
        return told + self._selected() + f"WHERE {span}\n    AND {self.idioms.after(self._key, self.draft.kind)}\n" + self._paged()

    def _lookup(self) -> str:
        return f"-- {self._title}：按行号查，确认一行是否还在；列与主查询相同\n{self._selected()}WHERE {self._key} IN :keys\n"

    def _count(self) -> str:
        told = f"-- {self._title}：主表有多少行，不带任何连接；gateway check 用它核对查询没有丢行\n"
        return f"{told}SELECT COUNT(*) AS row_count\nFROM {self._table(self.draft.head.name)}\n"

    def _mark(self) -> str:
        told = f"-- {self._title}：最新的行号和总行数，用来认出换过库或恢复过备份\n"
        newest = "NULL" if self.draft.kind is KeyKind.UUID else f"MAX({self.idioms.quoted(self.draft.key.name)})"
        return f"{told}SELECT {newest} AS newest_key, COUNT(*) AS row_count\nFROM {self._table(self.draft.head.name)}\n"

    def _selected(self) -> str:
        columns = [f"{self._key} AS row_ref", f"{self._key} AS cursor_key"]
        if self.draft.entered:
            columns.append(f"{HEAD}.{self.idioms.quoted(self.draft.entered)} AS entered_at")
        columns += [
            f"{each.alias}.{self.idioms.quoted(each.column)} AS {self.idioms.quoted(each.name)}" for each in self.draft.reads
        ]
        return (
            "SELECT " + ",\n       ".join(columns) + f"\nFROM {self._table(self.draft.head.name)} {HEAD}\n" + "".join(self._joins())
        )

    def _joins(self) -> Iterator[str]:
        for each in self.draft.joins:
            on = f"{each.alias}.{self.idioms.quoted(each.target)} = {each.on}.{self.idioms.quoted(each.column)}"
            doubt = "" if each.declared else "  -- 按名称推断，请核对"
            yield f"LEFT JOIN {self._table(each.table)} {each.alias} ON {on}{doubt}\n"

    def _paged(self) -> str:
        return f"ORDER BY {self.idioms.ordered(self._key, self.draft.kind)}\n{self.idioms.page}\n"

    def _table(self, name: str) -> str:
        return (f"{self.idioms.quoted(self.schema)}." if self.schema else "") + self.idioms.quoted(name)
