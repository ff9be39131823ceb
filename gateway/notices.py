"""Which alarms are told now: once when raised, again while they last, once when over. Pure: the store keeps, channels carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.freshness import coming, fresh
from gateway.windows import Allowance, Hours
from schemas import wire

#: an alarm that no look found for so long is over; what comes and goes within it is one alarm
SETTLED = timedelta(minutes=5)
#: so long one worker has a notice for itself while it is sent
CLAIM = timedelta(minutes=5)
#: the wait after a channel's first failure; it doubles with each
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
#: matters named in one message; the others are counted
MOST = 40


class News(StrEnum):
    """Why a notice is told."""

    RAISED = "新"
    LASTING = "仍在"
    OVER = "解除"


@dataclass(frozen=True, slots=True)
class Notice:
    """An alarm as the store keeps it."""

    kind: str
    place: str
    sentence: str
    advice: str
    urgent: bool
    raised_at: datetime
    seen_at: datetime
    told_at: datetime | None = None  #: None: not told since it was raised
    next_at: datetime | None = None  #: being told by another worker, or to be tried again then
    cleared_at: datetime | None = None
    known_at: datetime | None = None  #: a person said so

    @property
    def lasts(self) -> bool:
        """Whether it is not over."""
        return self.cleared_at is None


@dataclass(frozen=True, slots=True)
class Manners:
    """When people are told."""

    repeat: timedelta = timedelta(hours=4)
    quiet: tuple[Hours, ...] = ()  #: in them only what is urgent is told
    name: str = ""  #: how the messages call this gateway

    def is_quiet(self, now: datetime) -> bool:
        """Whether only what is urgent is told."""
        return bool(self.quiet) and not Allowance(self.quiet).closed(now, now + timedelta(seconds=1))


def news(notice: Notice, manners: Manners, now: datetime) -> News | None:
    """Why it is told now; None: it is not."""
    if coming(notice.next_at, now, LONGEST_WAIT):
        return None
    if not notice.lasts:
        told_since = notice.told_at is not None and notice.cleared_at is not None and notice.told_at < notice.cleared_at
        return News.OVER if told_since and _speaks(notice, manners, now) else None
    if notice.told_at is None:
        return News.RAISED if _speaks(notice, manners, now) else None
    again = notice.known_at is None and not fresh(notice.told_at, now, manners.repeat)
    return News.LASTING if again and _speaks(notice, manners, now) else None


def _speaks(notice: Notice, manners: Manners, now: datetime) -> bool:
    return (notice.urgent and notice.lasts) or not manners.is_quiet(now)


@dataclass(frozen=True, slots=True)
class Digest:
    """One message about several matters."""

    title: str
    body: str
    matters: Sequence[tuple[News, Notice]] = field(default=())


def wait(failures: int) -> timedelta:
    """How long a channel that failed so often in a row is left alone."""
    return min(FIRST_WAIT * int(2 ** min(max(failures - 1, 0), 10)), LONGEST_WAIT)


def digest(matters: Sequence[tuple[News, Notice]], manners: Manners, now: datetime) -> Digest:
    """The urgent and the new ones first; each with what to do. Nothing of a person is in an alarm's sentence."""
    order = {News.RAISED: 0, News.LASTING: 1, News.OVER: 2}
    ordered = sorted(matters, key=lambda each: (order[each[0]], not each[1].urgent, each[1].raised_at))
    lines = [line for reason, notice in ordered[:MOST] for line in _lines(reason, notice)]
    if len(ordered) > MOST:
        lines.append(f"另有 {len(ordered) - MOST} 项，请运行 gateway alert list 查看。")
    counts = [(reason, sum(each is reason for each, _ in ordered)) for reason in order]
    told = "、".join(f"{reason} {count} 项" for reason, count in counts if count)
    urgent = "【紧急】" if any(notice.urgent and notice.lasts for _, notice in ordered) else ""
    title = f"{urgent}两定网关 {manners.name}：{told}"
    return Digest(title, "\n".join([f"{wire.encode_datetime(now)}", "", *lines]), ordered)


def _lines(reason: News, notice: Notice) -> list[str]:
    since = wire.encode_datetime(notice.raised_at)
    if reason is News.OVER:
        return [f"［解除］{notice.kind}：{notice.sentence}（自 {since} 起，现已解除）", ""]
    return [f"［{reason}］{notice.kind}：{notice.sentence}（自 {since} 起）", f"怎么办：{notice.advice}。", ""]
