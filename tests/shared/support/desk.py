"""A source in memory whose rows go wrong, and a platform that rejects the keys it is told to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway import worklist
from gateway.intake import accept
from gateway.judging import Judge
from gateway.model import SourceRow
from gateway.store import Store
from gateway.uploading import upload
from gateway.worklist import Finding, LocalRow, Task, TaskFilter, TaskKind
from schemas.envelope import Result, Status
from schemas.model import Edition, Violation
from support.delivery import Clock, Platform, Rows, prescription

_UNREGISTERED = Violation("dr_codg", "register", "医师编码（dr_codg）未登记")


class Desk:
    """One data set of one source on its way to one target."""

    def __init__(self, store: Store, edition: Edition, clock: Clock) -> None:
        self.store, self.edition, self.clock, self.platform = store, edition, clock, Platform()
        self.refused: set[str] = set()
        self.platform.answer = self.answer

    def answer(self, turn: int, bodies: Any) -> list[Result]:
        keys = self.platform.requests[-1]
        held = dict(zip(keys, bodies, strict=True))
        return [self._one(key, held[key]) for key in keys]

    def _one(self, key: str, body: bytes) -> Result:
        version = int(body.split(b'"version":"')[1].split(b'"')[0])
        if key in self.refused:
            return Result(key, version, Status.REJECTED, (_UNREGISTERED,))
        self.platform.held[key, version] = body
        return Result(key, version, Status.ACCEPTED, accepted_at="2026-11-25 08:00:00")

    def take_in(self, *rows: SourceRow) -> None:
        judge = Judge(self.edition, "RX01", self.store.rid)
        accept(Rows(list(rows)), judge, self.store, targets=("bureau",), clock=self.clock, from_start=True)

    def send(self) -> None:
        upload(self.store, self.platform, "bureau", clock=self.clock, lease=timedelta(seconds=120))

    def find(self, **wanted: Any) -> list[Finding]:
        return sorted(self.store.findings(TaskFilter(**wanted)), key=lambda each: each.row)

    def kinds(self) -> dict[str, TaskKind]:
        return {each.row.ref: each.kind for each in self.find()}

    def task(self, ref: str) -> Task:
        (found,) = self.find(row=LocalRow("his", "RX01", ref))
        due = worklist.deadline(self.edition, found.since)
        said = self.store.complaints([found.row])[found.row]
        columns = {"cnt": ("quantity",), "dr_codg": ("doctor",)}
        return worklist.task(found, due, said, self.edition.datasets["RX01"], lambda source, dataset, path: columns.get(path, ()))


def wrong(number: int, **changes: Any) -> SourceRow:
    return prescription(number, **{"cnt": None, **changes})


def found_by(number: int) -> dict[str, Any]:
    return {"row_document": f"D{number:04d}", "row_department": "内科门诊"}
