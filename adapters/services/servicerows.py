"""The reply of a web service -> rows of a data set, each under its number; what is missing or cannot be told apart stops it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters import children
from adapters.conversion import UnreadableError, is_blank, to_key
from adapters.mapping import CURSOR_KEY, CURSOR_TIME, ENTERED_AT, INSTITUTION, ROW_REF, RowMapping
from adapters.services import replies
from adapters.services.caller import Caller
from adapters.services.replies import Answer
from adapters.services.serviceplan import TIMES, Call, Lines, ServiceEntry, Text, is_bare
from gateway.errors import SourceQueryError

_BETWEEN = "|"
#: a moment of XML that says its zone
_ZONED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})")


class ServiceRows:
    """How one data set's rows are found in a reply. `wrong` makes the error that names source, data set and manifest."""

    def __init__(self, entry: ServiceEntry, mapping: RowMapping, caller: Caller, wrong: Callable[[str], SourceQueryError]) -> None:
        self._entry, self._mapping, self._caller, self._wrong = entry, mapping, caller, wrong

    def records(self, answer: Answer, call: Call) -> tuple[list[dict[str, Any]], int]:
        """The records of a reply, and how many the service counts: each line may be a record, and pages are of whole rows."""
        shape, xml = call.shape, not self._caller.structured or call.shape.text is Text.XML
        declared = answer.below(shape.rows)
        found = replies.rows(answer.tree, shape.rows, xml=xml, declared=answer.declared)
        counted = len(found)
        if shape.pairs:
            found = [replies.paired(row, shape.pairs) for row in found]
        if shape.lines:
            found = self._spread(found, call, declared)
        self._check_columns(found, call, declared)
        if declared or call.shape.text or self._caller.structured:  # else a value kept zeep from holding it against the WSDL
            for name, place in self._entry.children.items():
                self._check_lines(found, place.at, f"children.{name}", call, declared)
        self._check_zone(found, call)
        dressed = [self._dressed(row, call, declared) for row in found]
        self._check_references(dressed, call)
        return dressed, counted

    def _check_references(self, rows: Sequence[Mapping[str, Any]], call: Call) -> None:
        """Two rows of one reply under one number: the first would go without a word. From page to page a row may come again."""
        seen: dict[str, Mapping[str, Any]] = {}
        for row in rows:
            if seen.setdefault(row[ROW_REF], row) != row:
                names = "、".join(self._entry.row_ref)
                raise self._wrong(f"{call.operation} 的应答里有两行的 {names} 相同、内容不同：认不出一行，请在 row_ref 里再加一列")

    def _spread(self, rows: Sequence[Mapping[str, Any]], call: Call, declared: frozenset[str]) -> list[dict[str, Any]]:
        """A record for each line."""
        at = call.shape.lines
        self._check_lines(rows, at, "lines", call, declared)
        return [line for row in rows for line in replies.spread(row, at)]

    def _check_lines(self, rows: Sequence[Mapping[str, Any]], at: str, key: str, call: Call, declared: frozenset[str]) -> None:
        """That no row of a page has lines is told: they may have been renamed, and records would go without them."""
        names = {f"{name}." for row in rows for name in row}
        there = any(name.startswith(f"{at}.") or f"{at}.".startswith(name) for name in names)
        if rows and not there and at not in declared | self._entry.may_omit:
            raise self._wrong(f"{call.operation} 的应答里没有一行有 {at}（{key}）；没有明细时服务不写这一项的，请写进 may_omit")

    def _check_columns(self, rows: Sequence[Mapping[str, Any]], call: Call, declared: frozenset[str]) -> None:
        """A column that no row of a page has is missing; one that some have, or that is declared, is empty in the others."""
        if not rows:
            return
        there = {name for row in rows for name in row} | declared
        if missing := sorted((self._mapping.columns | self._entry.columns) - there - self._entry.may_omit):
            hint = "；服务对空值不写这一项的，请写进 manifest.yaml 的 may_omit"
            raise self._wrong(f"{call.operation} 的应答缺少 {'、'.join(missing)}（{self._mapping.file} 要用）{hint}")

    def _check_zone(self, rows: Sequence[Mapping[str, Any]], call: Call) -> None:
        """A service that says the zone of its moments may take ours, without one, as UTC: eight hours of rows would be missed."""
        moments = self._caller.moments(call)
        bare = [each.name for each in call.arguments if each.name in moments and each.parameter in TIMES and is_bare(each.pattern)]
        if not bare:
            return
        texts = ((name, value) for row in rows for name, value in row.items() if isinstance(value, str))
        zoned = next((name for name, value in texts if _ZONED.fullmatch(value)), "")
        if zoned:
            said = f"{call.operation} 的应答里 {zoned} 带时区，参数 {'、'.join(bare)} 的 format 却没有写"
            raise self._wrong(f"{said}：服务按别的时区读会漏行，请写成 \"yyyy-MM-dd'T'HH:mm:ss'+08:00'\"")

    def _dressed(self, row: dict[str, Any], call: Call, declared: frozenset[str]) -> dict[str, Any]:
        entry = self._entry
        whole: dict[str, Any] = {**dict.fromkeys(self._mapping.columns), **row}
        parts = [whole.get(name) for name in entry.row_ref]
        if any(map(is_blank, parts)):
            raise self._wrong(f"{call.operation} 的应答有一行的 {'、'.join(entry.row_ref)} 为空，认不出是哪一行")
        whole[ROW_REF] = _BETWEEN.join(map(to_key, parts))
        whole[CURSOR_KEY] = whole[entry.cursor_key] if entry.cursor_key else whole[ROW_REF]
        for column, name in ((entry.cursor_time, CURSOR_TIME), (entry.entered_at, ENTERED_AT)):
            if column:
                whole[name] = self._moment(whole.get(column))
        if entry.institution:
            whole[INSTITUTION] = whole.get(entry.institution)
        for name, place in entry.children.items():
            whole[children.place(name)] = self._lines(whole, name, place, call, declared)
        return whole

    def _lines(
        self, row: Mapping[str, Any], name: str, place: Lines, call: Call, declared: frozenset[str]
    ) -> list[Mapping[str, Any]]:
        at, line_key = place.at, place.line_key
        found = replies.lines(row, at)
        needed = self._mapping.children[name].fields.columns | ({line_key} if line_key else set())
        there = {column for line in found for column in line} | Answer(None, declared).below(at)
        missing = sorted(needed - there - self._entry.may_omit) if found else []
        if missing:
            raise self._wrong(
                f"{call.operation} 的应答里 {at} 缺少 {'、'.join(missing)}（{self._mapping.file} 的 children.{name} 要用）"
            )
        whole = [
            {**dict.fromkeys(needed), **line, children.LINE_KEY: line.get(line_key) if line_key else number}
            for number, line in enumerate(found)
        ]
        return children.ordered(whole)

    def _moment(self, value: Any) -> Any:
        """As a moment where the manifest says how it is written; what cannot be read stays, and the row says so."""
        if is_blank(value):
            return None
        if self._entry.times is None:
            return value
        try:
            return self._entry.times.apply(value, {})
        except UnreadableError:
            return value
