"""The judge of a fault run: the source and the receiver, row by row and field by field.

It knows nothing of the gateway. `history` is everything the source ever said of a key, oldest first; `held` is what the receiver
keeps, in version order. Three numbers come out, and each must be zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Content = Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """What a run came to; each tuple names the keys at fault."""

    rows: int  #: at the source
    versions: int  #: at the receiver
    missing: tuple[str, ...]  #: owed to the receiver, and not there
    duplicate: tuple[str, ...]  #: a version that says nothing the source said next; named once per version too many
    wrong: tuple[str, ...]  #: the newest version is not what the source says

    @property
    def zeros(self) -> tuple[int, int, int]:
        """missing, duplicate effect, wrong version."""
        return len(self.missing), len(self.duplicate), len(self.wrong)

    def __str__(self) -> str:
        missing, duplicate, wrong = self.zeros
        told = f"rows {self.rows}, versions {self.versions}: missing {missing}, duplicate effect {duplicate}, wrong version {wrong}"
        examples = [f"{name} e.g. {', '.join(keys[:3])}" for name, keys in self._named() if keys]
        return "; ".join([told, *examples])

    def _named(self) -> Iterable[tuple[str, tuple[str, ...]]]:
        return ("missing", self.missing), ("duplicate", self.duplicate), ("wrong", self.wrong)


def judge(
    source: Mapping[str, Content],
    history: Mapping[str, Sequence[Content]],
    held: Mapping[str, Sequence[Content]],
    excused: frozenset[str] = frozenset(),
) -> Verdict:
    """Compare. `source` are the rows owed as they read now; `excused` are keys the receiver refused, with a person's knowledge."""
    missing = sorted(source.keys() - held.keys() - excused)
    duplicate = [key for key, versions in held.items() for _ in range(_beyond(versions, history.get(key, ())))]
    wrong = sorted(key for key, versions in held.items() if key not in excused and not _right(key, versions[-1], source, history))
    return Verdict(len(source), sum(map(len, held.values())), tuple(missing), tuple(sorted(duplicate)), tuple(wrong))


def _beyond(versions: Sequence[Content], said: Sequence[Content]) -> int:
    """How many versions are no step of the source's history: the rest follow it in order, each step once."""
    place = beyond = 0
    for version in versions:
        if version in said[place:]:
            place = said.index(version, place) + 1
        else:
            beyond += 1
    return beyond


def _right(key: str, newest: Content, source: Mapping[str, Content], history: Mapping[str, Sequence[Content]]) -> bool:
    """A row that went bad at the source stays as it last was; only what it never said is wrong then."""
    return newest == source[key] if key in source else newest in history.get(key, ())
