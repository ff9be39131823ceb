"""Local rows of one data set -> pages of `SourceRow`, with the guards that no source may leave out, whatever it reads from.

A kind of source brings the rows as mappings of column -> value; beside those of the mapping each has `row_ref`, `cursor_key`, if
it can `cursor_time`, `entered_at` and `fixmedins_code`, and lines under `children.place`.
"""

from __future__ import annotations

import operator
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from adapters.conversion import UnreadableError, is_blank, to_key
from adapters.mapping import CURSOR_KEY, CURSOR_TIME, HEADLESS, ROW_REF
from adapters.plan import Parts
from gateway.errors import SourceQueryError
from gateway.model import Cursor, Page, Reading, RowState, SourceRow
from schemas.model import Violation

#: how many keys a source without change times is read again
_KEYS_AGAIN = 1000

_UNTIMED = Violation(
    CURSOR_TIME, "unreadable", f"本地修改时间（查询的 {CURSOR_TIME} 列）为空或不是时间，无法知道这一行何时改过，请在本地改正"
)


class KeyKind(StrEnum):
    """What a cursor key is, and so where counting starts and how two compare."""

    INTEGER = "integer"
    TEXT = "text"  #: ordered by bytes: COLLATE "C" or BINARY where the database orders otherwise
    UUID = "uuid"


LEAST: Mapping[KeyKind, str | int] = {
    KeyKind.INTEGER: -(2**63),
    KeyKind.TEXT: "",
    KeyKind.UUID: "00000000-0000-0000-0000-000000000000",
}


class LocalSource:
    """What every source of a profile is: it knows its name and reading, maps rows, and refuses an order that loses rows."""

    def __init__(self, parts: Parts, dataset: str, file: str, reading: Reading, key: KeyKind) -> None:
        """`file` is what a person mends when its rows are wrong: the query, or the manifest."""
        self._name, self._dataset, self._file, self._reading, self._kind = parts.name, dataset, file, reading, key
        self.mapping, self.facts, self.bounds = parts.mapping, parts.facts, parts.bounds
        self._digest, self._swift = parts.digest, parts.swift

    @property
    def name(self) -> str:
        """The source's name in the site's configuration."""
        return self._name

    @property
    def dataset(self) -> str:
        """Code of the data set it yields."""
        return self._dataset

    @property
    def reading(self) -> Reading:
        """Whether reading goes on after the cursor or starts over."""
        return self._reading

    @property
    def digest(self) -> str:
        """Of everything that decides what a row becomes: another one means that rows read before must be read again."""
        return self._digest

    def earlier(self, position: Cursor, by: timedelta) -> Cursor:
        """A position so far before `position`; the same one where there is no telling."""
        if position.time is not None:
            return Cursor(_before(position.time, by), self._least())
        return Cursor(None, position.key - _KEYS_AGAIN) if isinstance(position.key, int) else position

    def filled_by(self, path: str) -> tuple[str, ...]:
        """The local columns that fill a field."""
        return self.mapping.origin_of(path)

    def _check_start(self, after: Cursor | None) -> None:
        """A stored cursor of another kind would make some databases answer that there is nothing new."""
        if after and isinstance(after.key, int) is not (self._kind is KeyKind.INTEGER):
            raise self.wrong("存下的游标不是 manifest.yaml 所说的类型；若改过 manifest.yaml，请从头重读")

    def _least(self) -> str | int:
        """Below every key."""
        return LEAST[self._kind]

    def _as_key(self, ref: str) -> Any:
        """A row_ref in the database's own type: PostgreSQL compares no number and no uuid with a text."""
        try:
            return {KeyKind.INTEGER: int, KeyKind.UUID: uuid.UUID, KeyKind.TEXT: str}[self._kind](ref)
        except ValueError:
            return ref

    def _local(self, moment: datetime) -> datetime:
        """The site's own clock, as its columns hold it."""
        return moment.astimezone(self.mapping.zone).replace(tzinfo=None)

    def _page(self, rows: Sequence[Mapping[str, Any]], after: Cursor | None, *, timed: bool, known: set[str] | None = None) -> Page:
        """The rows and the last position among them that is sure. Rows without one that are `known` already are left out."""
        cursors = [self._cursor(row, timed=timed) for row in rows]
        sure = [cursor for cursor in cursors if cursor.time] if timed else cursors
        self._check_order(sure, after)
        position = sure[-1] if sure else after
        if position is None:
            raise self.wrong(f"每一行的 {CURSOR_TIME} 都为空或不是时间，例如 {to_key(rows[0][ROW_REF])} 这一行")
        mapped = [self._mapped(row, cursor, timed=timed) for row, cursor in zip(rows, cursors, strict=True)]
        if known is None or len(sure) == len(rows):
            return Page(tuple(mapped), position)
        kept = tuple(row for row in mapped if row.cursor.time or row.ref not in known)
        known.update(row.ref for row in kept if not row.cursor.time)
        return Page(kept, position)

    def _mapped(self, row: Mapping[str, Any], cursor: Cursor, *, timed: bool) -> SourceRow:
        """The row with its change time, by which its delay is told; without one that can be read, its edits would be missed."""
        changed_at = self._changed_at(row, cursor)
        astray = changed_at is None and (timed or not is_blank(row.get(CURSOR_TIME)))
        content = None if astray or HEADLESS in row else self._swift(row)
        if content is None:
            mapped = replace(self.mapping.source_row(row, cursor, self.facts), changed_at=changed_at)
        else:
            mapped = self.mapping.ready_row(row, cursor, self.facts, content, changed_at)
        if astray and mapped.state is RowState.READY:
            mapped = replace(mapped, faults=(*mapped.faults, _UNTIMED))
        return self._bounded(mapped) if self.bounds.narrow else mapped

    def _changed_at(self, row: Mapping[str, Any], cursor: Cursor) -> datetime | None:
        time = cursor.time or self._time(row)
        return time if time is None or time.tzinfo else time.replace(tzinfo=self.mapping.zone)

    def _bounded(self, row: SourceRow) -> SourceRow:
        """A row outside the time that the site reports is excluded by that; what was withdrawn is withdrawn all the same."""
        if row.state not in (RowState.READY, RowState.NOT_READY):
            return row
        reason = self.bounds.refusal(row.values.get(self.mapping.dataset.occurred))
        return replace(row, state=RowState.EXCLUDED, reason=reason, faults=(), content=None) if reason else row

    def _cursor(self, row: Mapping[str, Any], *, timed: bool) -> Cursor:
        ref, key = row[ROW_REF], row[CURSOR_KEY]
        if (type(ref) is not int and is_blank(ref)) or (type(key) is not int and is_blank(key)):
            raise self.wrong(f"有一行的 {ROW_REF} 或 {CURSOR_KEY} 为空")
        return Cursor(self._time(row) if timed else None, self._key(key))

    def _key(self, value: Any) -> str | int:
        integer = self._kind is KeyKind.INTEGER
        if integer and type(value) is int:  # what nearly every driver gives
            return value
        try:
            return int(to_key(value)) if integer else to_key(value)
        except (UnreadableError, ValueError):
            raise self.wrong(f"{CURSOR_KEY} 不是 manifest.yaml 所说的 {self._kind}") from None

    def _time(self, row: Mapping[str, Any]) -> datetime | None:
        """The row's change time; None if it has none, or one that cannot be read."""
        value = row.get(CURSOR_TIME)
        try:
            return value if value is None or isinstance(value, datetime) else datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return None

    def _check_order(self, cursors: Sequence[Cursor], after: Cursor | None) -> None:
        """A query that ignores the cursor would loop for ever; rows out of order would be skipped on the next page."""
        last = after
        for cursor in () if self._ascend(cursors, after) else cursors:
            if last and not self._follows(cursor, last):
                told = "没有越过 :after_key 给出的位置" if last is after else "没有按游标（cursor_time、cursor_key）升序返回"
                hint = '；文本键须按字节次序，可用 COLLATE "C" 或 BINARY' if self._kind is KeyKind.TEXT else ""
                raise self.wrong(told + hint)
            last = cursor

    def _ascend(self, cursors: Sequence[Cursor], after: Cursor | None) -> bool:
        """Whether they surely do; False says nothing."""
        if not cursors or (after and not self._follows(cursors[0], after)):
            return False
        positions = [(cursor.time, cursor.key) for cursor in cursors]
        try:
            return all(map(operator.lt, positions, positions[1:]))
        except TypeError:
            return False

    def _follows(self, one: Cursor, other: Cursor) -> bool:
        try:
            if one.time and other.time and one.time != other.time:
                return one.time > other.time
            return one.key > other.key  # type: ignore[operator]  # both are of the manifest's kind
        except TypeError:
            raise self.wrong(f"{CURSOR_TIME} 有的带时区、有的不带") from None

    def wrong(self, sentence: str, file: str = "") -> SourceQueryError:
        """The site's query, service or file is at fault: names source, data set and what is to be mended."""
        return SourceQueryError(f"数据源 {self._name} 的 {self._dataset}（{file or self._file}）：{sentence}")


def _before(moment: datetime, by: timedelta) -> datetime:
    """So long before; never before the calendar begins, with 0001-01-01, by which .NET programs mean "never"."""
    try:
        return moment - by
    except OverflowError:
        return moment
