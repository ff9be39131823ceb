"""Two gateways for one institution are seen at once and told to a person; only one of them may report (DATASETS §0 rid).

Each installation has its own rid. The first one is taken silently; a second one while the first is at work is refused
whole until a person approves it, because two of them would overwrite each other's versions of the same rows. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from compliance.errors import ComplianceError
from compliance.model import Epoch, EpochState
from schemas import wire

#: a gateway that has been silent so long was replaced; before that a second one is a mistake
WINDOW = timedelta(days=7)
#: last seen is written at most so often: once a message would be a write without use
_TOUCH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which epochs changed, and why the message is refused; "" when it is not."""

    changed: tuple[Epoch, ...] = ()
    refused: str = ""


def judge(known: Sequence[Epoch], rids: Collection[str], now: datetime, window: timedelta) -> Verdict:
    """Whether a message of records made by `rids` may be taken, given what was seen of the institution."""
    active = next((each for each in known if each.state is EpochState.ACTIVE), None)
    others = sorted(set(rids) - {active.rid if active else ""})
    if not others:
        stale = active is not None and rids and now - active.last_seen >= _TOUCH
        return Verdict((replace(active, last_seen=now),)) if active and stale else Verdict()
    seen = {each.rid: each for each in known}
    other = others[0]
    if len(set(rids)) == 1 and _may_follow(active, seen.get(other), now, window):
        fenced = (replace(active, state=EpochState.FENCED),) if active else ()
        return Verdict((*fenced, _seen(seen.get(other), other, EpochState.ACTIVE, now)))
    told = tuple(_seen(seen.get(rid), rid, EpochState.WAITING, now) for rid in others)
    return Verdict(told, _sentence(active, other))


def approve(known: Sequence[Epoch], rid: str, now: datetime) -> tuple[Epoch, ...]:
    """What changes when a person decides for `rid`: it reports from now on, every other one is fenced."""
    if rid not in {each.rid for each in known}:
        raise ComplianceError(f"这家机构没有安装号为 {rid} 的网关来报送过，请用 compliance epoch list 查看")
    # the silence that fences counts from the decision, however long ago the new one last knocked
    chosen = (replace(each, state=EpochState.ACTIVE, last_seen=now) for each in known if each.rid == rid)
    return (*(replace(each, state=EpochState.FENCED) for each in known if each.rid != rid), *chosen)


def _may_follow(active: Epoch | None, other: Epoch | None, now: datetime, window: timedelta) -> bool:
    """The first one, or one after a long silence; never one that was fenced, that is a person's to undo."""
    if other is not None and other.state is EpochState.FENCED:
        return False
    return active is None or now - active.last_seen > window


def _seen(epoch: Epoch | None, rid: str, state: EpochState, now: datetime) -> Epoch:
    if epoch is None:
        return Epoch(rid, state, now, now)
    kept = epoch.state if state is EpochState.WAITING and epoch.state is EpochState.FENCED else state
    return replace(epoch, state=kept, last_seen=now)


def _sentence(active: Epoch | None, other: str) -> str:
    if active is None:
        return f"一个报文里有几套网关的记录（安装号 {other} 等），请只由一套报送"
    when = wire.encode_datetime(active.last_seen)
    first = f"本机构已由另一套网关报送（安装号 {active.rid}，最近一次 {when}）"
    return f"{first}，本套（安装号 {other}）须经医保局批准后才能报送"
