"""How long a fault run is, and what every one ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: called with the line at the end of a run: `conclude(line, detail, excused)`
Conclude = Callable[..., None]


@dataclass(frozen=True)
class Cuts:
    """How often the power goes, and how many rows flow meanwhile."""

    kills: int
    rows: int


@dataclass(frozen=True)
class Size:
    """How much of everything; the long form exceeds every buffer by far more."""

    full: bool
    cuts: Mapping[str, Cuts]  #: by the kind of database under the gateway's store
    rows: int  #: of a run in one process
    passings: int  #: of every failpoint: the first, the second, a later one
