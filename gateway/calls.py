"""One request to a platform and what it came to: exactly one log line each, and what figures are made of. Pure but for the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

_log = structlog.get_logger()


class CameTo(StrEnum):
    """What a request came to; also the event of its log line."""

    ANSWERED = "answered"  #: with a result per record, whatever the results are
    NOT_DELIVERED = "not_delivered"  #: later again
    OUTCOME_UNKNOWN = "outcome_unknown"  #: sent, no usable answer
    NOT_ADMITTED = "not_admitted"  #: key, address or edition
    REFUSED = "refused"  #: the whole message


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    target: str
    institution: str
    infno: str
    msgid: str
    records: int
    seconds: float
    came_to: CameTo
    counts: Mapping[str, int] = field(default_factory=dict)  #: result -> records
    cause: str = ""  #: Chinese; "" if it was answered


#: is told of every request once it is over
Watch = Callable[[Call], None]


def log(call: Call) -> None:
    """The one line of a request."""
    line = {
        "target": call.target,
        "institution": call.institution,
        "infno": call.infno,
        "msgid": call.msgid,
        "records": call.records,
        "ms": round(call.seconds * 1000),
        **call.counts,
    }
    if call.came_to is CameTo.ANSWERED:
        _log.info(str(call.came_to), **line)
    else:
        _log.warning(str(call.came_to), **line, cause=call.cause)
