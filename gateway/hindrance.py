"""What keeps a record from going on: one word for each cause, kept while it lasts, so that lateness can be charged later.

Two kinds of notes: an `Interruption` of a target, a source or the gateway itself, and the delays of single deliveries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Hindrance(StrEnum):
    """Why something did not go on."""

    UNREACHABLE = "unreachable"  #: the platform could not be connected to
    NO_ANSWER = "no_answer"  #: sent, and whether it arrived is unknown
    BUSY = "busy"  #: the platform asked us to wait
    REFUSED = "refused"  #: the platform refused the whole message
    NOT_ADMITTED = "not_admitted"  #: key, address or edition is wrong
    CRASHED = "crashed"  #: we died while sending
    REJECTED = "rejected"  #: the platform sent the record back
    PARENT = "parent"  #: the record it names was not accepted yet
    UNREADABLE = "unreadable"  #: the site's database could not be read
    STOPPED = "stopped"  #: the gateway did not run
    LOST = "lost"  #: the platform had accepted the record, and did not hold it any more
    SHUT = "shut"  #: the platform may not be called at that time of day


class Subject(StrEnum):
    """What was interrupted."""

    TARGET = "target"
    SOURCE = "source"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Place:
    """What exactly was interrupted."""

    subject: Subject
    name: str = ""  #: of the target or source
    part: str = ""  #: institution at a target, data set of a source; "": all of it


@dataclass(frozen=True, slots=True)
class Interruption:
    """A stretch in which it was not to be had."""

    place: Place
    kind: Hindrance
    began_at: datetime
    ended_at: datetime | None  #: None: it lasts
    tries: int  #: that failed meanwhile
    cause: str  #: Chinese, of the last one

    def covers(self, at: datetime) -> bool:
        """Whether it lasted at that moment."""
        return self.began_at <= at and (self.ended_at is None or at < self.ended_at)


#: the gateway itself
GATEWAY = Place(Subject.GATEWAY)
