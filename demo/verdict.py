"""Does it add up? Each gateway's account, the bureau's, and what the story knows must agree, row for row in number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from compliance.coverage import CoverageReport
from demo import story
from demo.dirt import Fate
from demo.district import DISTRICT
from demo.simulation import SEED, Sites
from gateway.outbox import State
from gateway.standing import Standing


@dataclass(frozen=True, slots=True)
class Account:
    """One data set of one institution, seen from three sides."""

    institution: str
    standing: Standing  #: the gateway's
    received: int  #: the bureau's distinct keys
    late: int
    expected: Counter[Fate]  #: the generator's own knowledge

    @property
    def accepted(self) -> int:
        """Rows whose newest version the platform holds, as the gateway knows it."""
        return self.standing.states.get(State.ACCEPTED, 0)

    @property
    def aside(self) -> int:
        """Rows that must not be live at the platform; withdrawn or cancelled ones are not."""
        cancelled = self.standing.states.get(State.CANCELLED, 0)
        return sum(self.standing.asides.values()) + self.standing.outdated + self.standing.voided + cancelled

    @property
    def balanced(self) -> bool:
        """The identity of the gateway; the same number at the bureau; and both as the story tells it."""
        return (
            self.standing.balanced
            and self.accepted == self.received
            and self.standing.read == sum(self.expected.values())
            and self.accepted - self.standing.outdated - self.standing.voided == self.expected[Fate.CLEAN]
            and self.aside == sum(self.expected.values()) - self.expected[Fate.CLEAN]
        )


def accounts(sites: Sites, report: CoverageReport, start: date, days: int) -> list[Account]:
    """Every data set of every connected institution."""
    uploads = {(line.code, line.dataset): line for line in report.uploads}
    expected = story.expected(SEED, start, days)
    found: list[Account] = []
    for each in DISTRICT.connected:
        gateway = sites.gateways[each.database]
        for standing in gateway.store.standings(gateway.routes):
            place = (each.code, standing.route.dataset)
            line = uploads.get(place)
            received, late = (line.received, line.late) if line else (0, 0)
            found.append(Account(each.name, standing, received, late, expected.get(place, Counter())))
    return found
