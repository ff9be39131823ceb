"""What of the site cannot be read: one sentence for each cause, however many data sets of a source it stops."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.hindrance import Subject
from gateway.wiring import Gateway
from schemas import wire


@dataclass(frozen=True, slots=True)
class Unread:
    """A data set of a source, and why it cannot be read."""

    source: str
    dataset: str
    cause: str  #: names source, data set and query at its head, as adapters say it
    since: datetime | None = None

    @property
    def split(self) -> tuple[str, str]:
        """The query at fault, "" if none is, and the cause by itself."""
        head = rf"(?:数据源|来源) {re.escape(self.source)} 的 {re.escape(self.dataset)}(（[^）]*）)?：(.*)"
        found = re.fullmatch(head, self.cause, re.DOTALL)
        return (found[1] or "", found[2]) if found else ("", self.cause)


def lasting(gateway: Gateway) -> list[Unread]:
    """What could not be read when it was tried last, of what is configured."""
    now = gateway.clock()
    known = {(feed.source.name, feed.source.dataset) for feed in gateway.feeds}
    return [
        Unread(each.place.name, each.place.part, each.cause, each.began_at)
        for each in gateway.store.interruptions(now, now + timedelta(days=1))
        if each.place.subject is Subject.SOURCE and each.ended_at is None and (each.place.name, each.place.part) in known
    ]


def so_far(gateway: Gateway, found: Collection[Unread]) -> set[tuple[str, str]]:
    """(source, data set) of what was never read, or cannot be now."""
    places = {(feed.source.name, feed.source.dataset) for feed in gateway.feeds}
    return {(each.source, each.dataset) for each in found} | {place for place in places if gateway.store.mark(*place) is None}


def sentences(found: Iterable[Unread]) -> list[str]:
    """Each cause once."""
    groups: dict[tuple[str, str, str], list[Unread]] = defaultdict(list)
    for each in found:
        groups[each.source, *each.split].append(each)
    return [_sentence(source, query, cause, alike) for (source, query, cause), alike in groups.items()]


def _sentence(source: str, query: str, cause: str, alike: list[Unread]) -> str:
    began = min((each.since for each in alike if each.since), default=None)
    since = f"读不到，自 {wire.encode_datetime(began)} 起：" if began else ""
    return f"数据源 {source} 的 {'、'.join(each.dataset for each in alike)}{query}：{since}{cause}"
