"""The HIS says which rows it has just written: they are looked up, judged and taken in at once, without waiting for the poll.

A push names rows and carries no content, so there is one way into a record: the site's query and mapping. What is pushed too
early, before the HIS has committed, is absent here and found by the next poll; a push that gets lost costs nothing but time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gateway.model import AsideState, Tally
from gateway.tiers import Reader

#: most rows of one push
MOST = 500


@dataclass(frozen=True, slots=True)
class Trouble:
    """A pushed row that will not be reported as it is."""

    ref: str
    state: AsideState
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of the rows of one push."""

    tally: Tally
    absent: tuple[str, ...]  #: not at the site, or not yet
    troubles: tuple[Trouble, ...]


def push(reader: Reader, refs: Collection[str]) -> Pushed:
    """Take in these rows of one data set. SourceError, SourceChangedError or StoreError as of reading."""
    judged, tally = reader.look(refs)
    found = {each.row.ref for each in judged}
    troubles = [
        Trouble(each.row.ref, each.aside, tuple(reason.message for reason in each.reasons)) for each in judged if each.aside
    ]
    return Pushed(tally, tuple(sorted(set(refs) - found)), tuple(troubles))
