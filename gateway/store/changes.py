"""One log line for each change of what lets records pass: breakers, brakes, interruptions. Told once it is written."""

from __future__ import annotations

import structlog

from gateway.breaker import Position, Tripped
from gateway.hindrance import Hindrance, Place
from gateway.model import Brake, BrakeKind

_log = structlog.get_logger()


def turned(found: Tripped) -> None:
    """A breaker opened or closed."""
    place = {"target": found.target, "institution": found.institution}
    if found.breaker.position is Position.CLOSED:
        _log.info("breaker_closed", **place)
    else:
        kind = str(found.breaker.kind or "")
        _log.warning("breaker_opened", **place, kind=kind, trips=found.breaker.trips, cause=found.breaker.cause)


def engaged(found: Brake) -> None:
    """A brake was put on."""
    _log.warning("braked", source=found.source, dataset=found.dataset, kind=str(found.kind), cause=found.sentence)


def lifted(source: str, dataset: str, kind: BrakeKind) -> None:
    """A brake was taken off, by a person or because what stopped it is over."""
    _log.info("brake_lifted", source=source, dataset=dataset, kind=str(kind))


def interrupted(place: Place, kind: Hindrance, cause: str) -> None:
    """Something cannot be had."""
    _log.warning("interrupted", subject=str(place.subject), source=place.name, dataset=place.part, kind=str(kind), cause=cause)


def restored(place: Place) -> None:
    """It can be had again."""
    _log.info("restored", subject=str(place.subject), source=place.name, dataset=place.part)
