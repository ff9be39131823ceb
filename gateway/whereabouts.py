"""The whole way of one row: from the site's database through every version of it to each platform. Values, no I/O.

Who asks has a number in the hand: the row's own number at the site, a document number, or the business key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.model import AsideState
from gateway.outbox import State
from schemas import wire
from schemas.model import Violation

#: rows that one number finds; whoever sees as many has to say it more exactly
MOST = 50

_ON_THE_WAY = {
    State.QUEUED: "{version}在队列里，等着发往平台 {target}",
    State.LEASED: "{version}刚取出，正要发往平台 {target}",
    State.SENDING: "{version}正在发往平台 {target}",
    State.UNKNOWN: "{version}已发往平台 {target}，没有等到应答，正在核实，不会重复报送",
    State.CONFLICT: "平台 {target} 上的内容或版本与{version}不同，正在按平台重建",
    State.HELD: "{version}暂缓，还没有发往平台 {target}",
    State.ACCEPTED: "平台 {target} 已收{version}",
    State.REJECTED: "平台 {target} 退回了{version}",
    State.SUPERSEDED: "{version}发往平台 {target} 之前已被新版取代",
    State.CANCELLED: "{version}不必发往平台 {target}",
}
_SET_ASIDE = {
    AsideState.EXCLUDED: "按规则不报送",
    AsideState.NOT_READY: "在本地还没有完成，完成后自动报送",
    AsideState.QUARANTINED: "不合规范，待改正",
}


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for, and where."""

    number: str
    rows: tuple[tuple[str, str], ...]  #: (source, data set) that are read
    keys: tuple[tuple[str, str], ...]  #: (institution, data set) that are reported


@dataclass(frozen=True, slots=True)
class Shipment:
    """One version on its way to one target."""

    target: str
    state: State
    cause: str  #: Chinese: what holds it up, or was last said
    reasons: tuple[Violation, ...]  #: the platform's
    attempts: int  #: that came to nothing since it was queued
    msgid: str
    sent_at: datetime | None
    settled_at: datetime | None  #: by the platform's clock where it told
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class VersionTrail:
    """One version of a record, with its clocks."""

    version: int
    live: bool  #: False: it withdraws the record
    occurred_at: datetime
    entered_at: datetime | None  #: None: the site keeps no such time
    seen_at: datetime
    due_at: datetime
    content_hash: str
    shredded: bool  #: its body is gone
    shipments: tuple[Shipment, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordTrail:
    """A record that the row became; one whose key was edited became several."""

    institution: str
    key: str
    live: bool
    versions: tuple[VersionTrail, ...]  #: the newest first

    @property
    def newest(self) -> VersionTrail | None:
        """None where it was shredded down to the ledger."""
        return self.versions[0] if self.versions else None


@dataclass(frozen=True, slots=True)
class SetAside:
    """Why the row, as it is now, does not go."""

    state: AsideState
    reasons: tuple[Violation, ...]
    since: datetime
    last_seen: datetime
    rival: str


@dataclass(frozen=True, slots=True)
class RowTrail:
    """All that is known of one local row."""

    source: str
    dataset: str
    ref: str
    institution: str
    document: str  #: its number in the site's own program; "" where the profile names none
    department: str
    first_seen: datetime | None
    replaced: bool  #: it is gone, and another row has its key
    aside: SetAside | None
    records: tuple[RecordTrail, ...]
    missed: int = 0  #: looks in a row that did not find it any more

    @property
    def verdict(self) -> tuple[str, ...]:
        """Where it is now, in Chinese, the most telling sentence first."""
        return tuple(self._told())

    def _told(self) -> Iterator[str]:
        held = [each for each in self.records if each.newest]
        if self.replaced:
            yield "这一行在本地已没有，它的业务主键由另一行接着用"
        if self.aside:
            old = "；平台上仍是以前报的内容" if held and self.aside.state is AsideState.QUARANTINED else ""
            yield f"{_SET_ASIDE[self.aside.state]}{old}"
        for each in held:
            yield from _record_told(each)
        if self.missed:
            yield f"本地连续 {self.missed} 次没有查到这一行"
        if not self.aside and not self.records and not self.replaced:
            yield "读到过，没有去向：请把这一行的行号和日志交给实施人员"


def _record_told(record: RecordTrail) -> Iterator[str]:
    newest = record.newest
    if newest is None:
        return
    what = f"第 {newest.version} 版" if newest.live else f"作废（第 {newest.version} 版）"
    groups: dict[State, list[Shipment]] = {}
    for each in newest.shipments:
        groups.setdefault(each.state, []).append(each)
    if not groups:
        yield f"{what}还没有派给任何平台"  # a target that was added since
    for state, found in groups.items():
        told = _ON_THE_WAY[state].format(version=what, target="、".join(each.target for each in found))
        at = max((each.settled_at for each in found if each.settled_at), default=None)
        yield f"{told}{f'（{wire.encode_datetime(at)}）' if at and state in (State.ACCEPTED, State.REJECTED) else ''}"


def reasons_of(found: RowTrail) -> Mapping[str, tuple[Violation, ...]]:
    """Who says what is wrong: "" is us."""
    said: dict[str, tuple[Violation, ...]] = {"": found.aside.reasons} if found.aside and found.aside.reasons else {}
    for record in found.records:
        for each in record.newest.shipments if record.newest else ():
            if each.state is State.REJECTED:
                said[each.target] = (*said.get(each.target, ()), *each.reasons)
    return said
