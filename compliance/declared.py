"""申明 (OP03): what an institution said it could not report, and whether it said so before the deadline. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, takewhile
from typing import Any

from schemas import wire

_VOID = "0"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a declaration as it was received."""

    institution: str
    key: str
    version: int
    live: bool
    declared_at: datetime  #: as its sender says
    received_at: datetime
    due_at: datetime  #: until when the declaration itself was to be here
    start: datetime
    end: datetime | None  #: None: not known yet
    datasets: frozenset[str]  #: empty: all
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """All versions of one declaration, oldest first; the newest is what it says."""

    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        """What it says now."""
        return self.versions[-1]

    @property
    def arrived_late(self) -> bool:
        """Whether its first version came after its own limit: then only its sender says when it was made."""
        return self.versions[0].received_at > self.versions[0].due_at

    def told_at(self, dataset: str, begin: datetime, end: datetime, open_for: timedelta) -> datetime | None:
        """Since when it has said that this stretch of this data set cannot be reported; None if it does not say so now.

        A later version may say more than the first one; what it adds was said when it came, whatever time it still names. So
        was what had been taken back meanwhile.
        """
        said = list(takewhile(lambda each: _covers(each, dataset, begin, end, open_for), reversed(self.versions)))
        if not said:
            return None
        return said[-1].declared_at if said[-1] is self.versions[0] else said[-1].received_at

    def excuses(self, moment: datetime, open_for: timedelta, datasets: Collection[str]) -> bool:
        """Whether it says that at that moment none of these data sets can be reported: less is no reason to be silent."""
        said = self.newest
        end = said.end or said.start + open_for
        return said.live and said.start <= moment <= end and (not said.datasets or said.datasets.issuperset(datasets))


def read(rows: Iterable[tuple[Mapping[str, Any], datetime, datetime]]) -> tuple[Declaration, ...]:
    """From (body, received, due) of every version, in the order of institution, key and version."""
    versions = [_version(*row) for row in rows]
    return tuple(Declaration(tuple(found)) for _, found in groupby(versions, key=lambda each: (each.institution, each.key)))


def _version(body: Mapping[str, Any], received_at: datetime, due_at: datetime) -> Version:
    return Version(
        institution=body["fixmedins_code"],
        key=body["key"],
        version=int(body["version"]),
        live=body["vali_flag"] != _VOID,
        declared_at=wire.decode_datetime(body["declared_time"]),
        received_at=received_at,
        due_at=due_at,
        start=wire.decode_datetime(body["from"]),
        end=wire.decode_datetime(body["to"]) if body.get("to") else None,
        datasets=frozenset(each["dataset"] for each in body.get("affected", ())),
        reason=body["reason"],
        evidence=body.get("evidence", ""),
    )


def _covers(said: Version, dataset: str, begin: datetime, end: datetime, open_for: timedelta) -> bool:
    """Whether it speaks of a part of [begin, end)."""
    if not said.live or (said.datasets and dataset not in said.datasets):
        return False
    return said.start < end and (said.end or said.start + open_for) > begin
