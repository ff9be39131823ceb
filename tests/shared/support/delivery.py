"""A clock that is moved by hand, a source in memory, and a platform that answers as told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from gateway.model import Cursor, Page, Reading, SourceRow
from schemas.envelope import Result, Status
from schemas.holdings import Answer, Asked, Fate, Holding, Question
from schemas.wire import SHANGHAI

INSTITUTION = "H99000100001"
START = datetime(2026, 11, 25, 8, 0, tzinfo=SHANGHAI)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Rows:
    """A RecordSource over a list; rows are (ref, values, details)."""

    rows: list[SourceRow]
    dataset: str = "RX01"
    name: str = "his"
    reading: Reading = Reading.INCREMENTAL
    digest: str = "profile"

    def earlier(self, position: Cursor, by: timedelta) -> Cursor:
        """It keeps no change times, so it is not read again."""
        return position

    def pages(self, after: Cursor | None, size: int) -> Iterator[Page]:
        fresh = [row for row in self.rows if after is None or row.cursor.key > after.key]  # type: ignore[operator]
        for start in range(0, len(fresh), size):
            chunk = tuple(fresh[start : start + size])
            yield Page(chunk, chunk[-1].cursor)


def prescription(number: int, *, cursor: int | None = None, **changes: Any) -> SourceRow:
    """A valid RX01 row; `changes` replaces values, `row_*` replaces parts of the row."""
    parts = {key.removeprefix("row_"): changes.pop(key) for key in list(changes) if key.startswith("row_")}
    values = {
        "rx_id": f"RX{number:05d}",
        "line_no": "1",
        "patn_id": f"P{number:05d}",
        "med_list_codg": "XA00AAA000A000010000001",
        "med_list_name": "示例片",
        "cnt": Decimal(2),
        "rx_time": START - timedelta(minutes=number % 600),
        **changes,
    }
    given = {name: value for name, value in values.items() if value is not None}
    return SourceRow(
        **{"ref": f"id={number}", "cursor": Cursor(None, cursor or number), "institution": INSTITUTION, "values": given, **parts}
    )


@dataclass
class Platform:
    """A Bureau that holds what it is sent, and can be told to answer otherwise."""

    answer: Callable[[int, Sequence[bytes]], Sequence[Result] | Exception] | None = None
    held: dict[tuple[str, int], bytes] = field(default_factory=dict)
    requests: list[list[str]] = field(default_factory=list)
    msgids: list[str] = field(default_factory=list)
    answers_queries: bool = False
    asked: list[Question] = field(default_factory=list)
    away: Exception | None = None  #: what a question meets

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        records = [orjson.loads(body) for body in bodies]
        self.requests.append([record["key"] for record in records])
        self.msgids.append(msgid)
        if self.answer:
            reply = self.answer(len(self.requests), bodies)
            if isinstance(reply, Exception):
                raise reply
            if reply:
                return reply
        return [self._hold(record, body) for record, body in zip(records, bodies, strict=True)]

    def holdings(self, institution: str, question: Question) -> Answer:
        """What is held, as the real platform would answer."""
        self.asked.append(question)
        if self.away:
            raise self.away
        return Answer(tuple(map(self._holding, question.asked)))

    def withdraws(self, dataset: str) -> bool:
        return False

    def withdraw(self, institution: str, dataset: str, body: bytes) -> None:
        raise AssertionError("nothing can be taken back here")

    def _holding(self, asked: Asked) -> Holding:
        versions = {version: orjson.loads(body) for (key, version), body in self.held.items() if key == asked.key}
        newest = max(versions, default=0)
        here = versions.get(asked.version)
        return Holding(
            asked.key,
            newest,
            versions[newest]["content_hash"] if newest else "",
            asked_version=asked.version,
            fate=Fate.ACCEPTED if here else Fate.NEVER,
            asked_hash=here["content_hash"] if here else "",
        )

    def _hold(self, record: dict[str, Any], body: bytes) -> Result:
        place = (record["key"], int(record["version"]))
        status = Status.DUPLICATE if place in self.held else Status.ACCEPTED
        self.held[place] = body
        return Result(record["key"], int(record["version"]), status, accepted_at="2026-11-25 08:00:00")
