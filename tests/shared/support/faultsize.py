"""How long a fault run is, and what every one ends with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: called with the line at the end of a run: `conclude(line, detail, excused)`
Conclude = Callable[..., None]


@dataclass(frozen=True)
class Size:
    """How much of everything; the long form exceeds every buffer by far more."""

    full: bool
    kills: int
    rows: int
    stores: tuple[str, ...]  #: kinds of database under the gateway's store
    passings: int  #: of every failpoint: the first, the second, a later one
