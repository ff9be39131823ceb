"""What is doubtful in what a draft takes: told beside the rule, on the screen and by `gateway check`, until a person has looked.

A figure near 1 says that a name fits, not that it is meant: these are the cases in which good names were wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.proposing.drafting import Draft
from adapters.proposing.proposal import Proposal
from schemas.model import Field

_SURE = 0.7  #: below this a name only resembles
_NEAR = 0.1  #: two that lie so near each other are equally likely


def of(draft: Draft, spec: Field) -> Iterator[str]:
    """Why the column of a field must be looked at, in Chinese; nothing of one that is as sure as a name can be."""
    active = draft.active.get(spec.name)
    if active is None:
        return
    if active.score.value < _SURE:
        yield f"只是有些像（{active.score.value:.2f}）"
    longest = active.offered.content.longest
    if spec.length and not spec.codes and longest > spec.length:
        yield f"取值最长 {longest} 个字符，字段最多 {spec.length} 个：是 UUID 的，查询里取前 {spec.length} 位"
    if not active.offered.content.filled:
        yield "抽样里这一列一个值也没有，看不出它存的是什么"
    yield from _rivals(draft, spec, active)
    yield from _twice(draft, spec, active)


def _rivals(draft: Draft, spec: Field, active: Proposal) -> Iterator[str]:
    """A column of the same name, farther away, is what the record was made of: its own is the nearer truth."""
    others = [each for each in draft.others.get(spec.name, ()) if round(active.score.value - each.score.value, 4) <= _NEAR]
    if near := [each for each in others if not _farther(each, active)]:
        told = "、".join(f"{each.shown}（{each.score.value:.2f}）" for each in near)
        yield f"{told} 几乎一样像（所取的 {active.score.value:.2f}）"


def _farther(other: Proposal, active: Proposal) -> bool:
    same = other.offered.column.name == active.offered.column.name
    return same and len(other.place.path) > len(active.place.path)


def _twice(draft: Draft, spec: Field, active: Proposal) -> Iterator[str]:
    """A column seldom is two things: where another field takes it with as good a figure, this one is doubtful."""
    for name, other in draft.active.items():
        if name != spec.name and other.shown == active.shown and other.score.value >= active.score.value:
            yield f"{active.shown} 也取作{draft.dataset.field(name).label}（{name}），两个字段多半只有一个对"
