"""A bureau's day as tests tell it: sessions of a time, manifests, heartbeats and declarations, through the real receiver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from compliance import board, thresholds
from compliance.board import BoardReport, DayRow, LinkLine
from compliance.days import DayCell
from compliance.model import Institution
from compliance.receiving import Receiver
from compliance.store.archive import StoredArchive
from compliance.store.database import Database
from compliance.store.watch import StoredWatch
from schemas import manifest, wire
from schemas.manifest import Entry
from schemas.model import DayOff, Edition
from support.bureau import INSTITUTION, Maker

PLAN = Institution(1, "测试甲医院", INSTITUTION, False, ("血透",))


def counting_days(edition: Edition) -> Edition:
    """The same edition, whose D+1 is the next day that is no rest day and on which the institution is open."""
    work = replace(edition.cadences["d1"], skip=(DayOff.REST, DayOff.CLOSED))
    return replace(edition, cadences={**edition.cadences, "d1": work})


@dataclass
class Watched:
    """One institution at its bureau."""

    edition: Edition
    store: Database
    institution: Institution = PLAN
    made: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.maker = Maker(self.edition, self.institution.code)
        self._receiver = Receiver(self.edition, StoredArchive(self.store))
        self._number = 0

    def take(self, records: Sequence[dict[str, Any]], code: str, at: datetime) -> None:
        """Receive them; every one must be accepted."""
        answer = self._receiver.receive((self.maker.institution,), self.maker.message(list(records), code, at), "reference", at)
        assert {str(each.status) for each in answer.results} == {"accepted"}, answer.results

    def sessions(self, day: datetime, at: datetime, count: int = 1) -> list[dict[str, Any]]:
        """HD03 of a time, as they came in."""
        self._number += 1
        templates = self.maker.records("HD03", count, seed=self._number)
        times = {
            "begn_time": wire.encode_datetime(day),
            "end_time": wire.encode_datetime(day + timedelta(hours=4)),
            "occurred_at": wire.encode_datetime(day),
        }
        found = [self._keyed(each, "HD03", sess_id=f"S{self._number}-{place}", **times) for place, each in enumerate(templates)]
        self.take(found, "HD03", at)
        return found

    def state(
        self, day: date, at: datetime, live: Iterable[dict[str, Any]] = (), version: int = 1, code: str = "HD03", **figures: int
    ) -> None:
        """OP01: what the gateway says is live at the platform, and what is still on its way."""
        entries = [Entry(each["key"], int(each["version"]), each["content_hash"]) for each in live]
        counts = {"accepted": len(entries), **figures}
        values = {part: str(counts.get(part, 0)) for part in manifest.PARTS}
        (template,) = self.maker.records("OP01")
        record = self._keyed(
            template,
            "OP01",
            dataset=code,
            business_date=day.isoformat(),
            occurred_at=f"{day.isoformat()} 00:00:00",
            snapshot_time=wire.encode_datetime(at),
            read=str(sum(counts.values())),
            digest=manifest.digest(entries),
            version=str(version),
            **values,
        )
        self.take([record], "OP01", at)

    def beat(self, at: datetime, ahead: timedelta = timedelta(), queue: int = 0) -> None:
        """OP02 as it is received at a moment; `ahead`: by so much the sender's clock is fast."""
        self._number += 1
        (template,) = self.maker.records("OP02")
        template.pop("oldest_unsent", None)
        sent = wire.encode_datetime(at + ahead)
        values = {"beat_id": f"B{self._number}", "beat_time": sent, "occurred_at": sent, "queue_depth": str(queue)}
        self.take([self._keyed(template, "OP02", **values)], "OP02", at)

    def beats(self, start: datetime, end: datetime, every: timedelta = timedelta(minutes=5)) -> None:
        """One after the other, up to `end`."""
        while start <= end:
            self.beat(start)
            start += every

    def declare(self, at: datetime, start: datetime, end: datetime | None = None, **values: Any) -> dict[str, Any]:
        """OP03; `declared`: the time it names, where that is not when it came."""
        declared = values.pop("declared", at)
        (template,) = self.maker.records("OP03")
        for name in ("to", "affected", "evidence"):
            template.pop(name, None)
        given = {"declaration_id": f"D{at:%m%d%H%M}", "reason": "机房停电", **values}
        times = {"declared_time": declared, "occurred_at": declared, "from": start, **({"to": end} if end else {})}
        record = self._keyed(template, "OP03", **given, **{name: wire.encode_datetime(each) for name, each in times.items()})
        self.take([record], "OP03", at)
        return record

    def _keyed(self, template: dict[str, Any], code: str, **values: Any) -> dict[str, Any]:
        dataset = self.edition.datasets[code]
        made = {**template, **values}
        return self.maker.changed(made, code, key="|".join(str(made[name]) for name in dataset.key))

    def board(self, now: datetime, day: date | None = None, length: int = 1) -> BoardReport:
        """As of `now`; of the day before it unless told otherwise."""
        asked = board.asked_of(day or now.date() - timedelta(days=1), now, length)
        return board.report(self.edition, (self.institution,), StoredWatch(self.store), thresholds.shipped(), asked, "测试市")

    def link(self, now: datetime, day: date | None = None) -> LinkLine:
        """Its connection."""
        (line,) = self.board(now, day).links
        return line

    def row(self, now: datetime, day: date | None = None, code: str = "HD03", length: int = 1) -> DayRow:
        """One data set of it."""
        return next(row for row in self.board(now, day, length).rows if row.dataset == code)

    def cell(self, now: datetime, day: date | None = None, code: str = "HD03") -> DayCell:
        """One data set of it on one day."""
        return self.row(now, day, code).last
