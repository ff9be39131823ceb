"""Records that the gateway makes itself (OP01, OP03): judged, queued, sent and versioned like any row of a site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import GatewayError
from gateway.intake import Look, take_in
from gateway.judging import Judge
from gateway.model import Cursor, Page, Reading, SourceRow
from gateway.restraint import Restraint
from gateway.wiring import Gateway


@dataclass(frozen=True, slots=True)
class Own:
    """A RecordSource of what was just made."""

    name: str  #: under which the store keeps them; no name that a site would give a source of its own
    dataset: str
    rows: tuple[SourceRow, ...]
    reading: Reading = Reading.RESCAN
    digest: str = ""

    def earlier(self, position: Cursor, by: Any) -> Cursor:
        """It has no order."""
        return position

    def pages(self, after: Cursor | None, size: int) -> Iterator[Page]:
        """All of them."""
        yield Page(self.rows, self.rows[-1].cursor)


def queue(gateway: Gateway, own: Own, targets: Sequence[str], what: str) -> None:
    """Take them in. GatewayError if the edition does not let one pass; `what` says in Chinese what it was to be."""
    judge = Judge(gateway.edition, own.dataset, gateway.store.rid, gateway.closures)
    look = Look(tuple(targets), Restraint(gateway.store, own.name, own.dataset))
    now = gateway.clock()
    for row in own.rows:
        if reasons := judge.judge(row, now).reasons:
            raise GatewayError(f"{what}不合规范：" + "；".join(f"{each.field} {each.message}" for each in reasons))
    take_in(own, judge, gateway.store, own.rows, None, look, now)
