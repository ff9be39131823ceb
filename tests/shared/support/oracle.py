"""The judge of a fault run: the source and the receiver, row by row and field by field.

It knows nothing of the gateway. `history` is everything the source ever said of a key, oldest first, with `GONE` where the row
was deleted or declared void; `held` is what the receiver keeps, in version order, with `GONE` for a withdrawal. Three numbers
come out, and each must be zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Content = Mapping[str, str]

#: what the source says of a row that is no more, and the receiver of one that was withdrawn
GONE: Content = {"vali_flag": "0"}


@dataclass(frozen=True)
class Verdict:
    """What a run came to; each tuple names the keys at fault."""

    rows: int  #: at the source
    versions: int  #: at the receiver
    withdrawn: int  #: keys that are gone at the source and withdrawn at the receiver
    missing: tuple[str, ...]  #: owed to the receiver, and not there or withdrawn
    duplicate: tuple[str, ...]  #: a version that says nothing the source said next; named once per version too many
    wrong: tuple[str, ...]  #: the newest version is not what the source says; so is one that lives on after its row is gone

    @property
    def zeros(self) -> tuple[int, int, int]:
        """missing, duplicate effect, wrong version."""
        return len(self.missing), len(self.duplicate), len(self.wrong)

    def __str__(self) -> str:
        missing, duplicate, wrong = self.zeros
        told = f"rows {self.rows}, versions {self.versions}, withdrawn {self.withdrawn}: "
        told += f"missing {missing}, duplicate effect {duplicate}, wrong version {wrong}"
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
    live = {key for key, versions in held.items() if versions[-1] != GONE}
    missing = source.keys() - live - excused
    duplicate = [key for key, versions in held.items() for _ in range(_beyond(versions, history.get(key, ())))]
    judged = held.keys() - excused - missing
    wrong = {key for key in judged if not _right(key, held[key][-1], source, history.get(key, ()))}
    withdrawn = sum(_ended(history.get(key, ())) for key in held.keys() - live)
    counted = len(source), sum(map(len, held.values())), withdrawn
    return Verdict(*counted, tuple(sorted(missing)), tuple(sorted(duplicate)), tuple(sorted(wrong)))


def _beyond(versions: Sequence[Content], said: Sequence[Content]) -> int:
    """How many versions are no step of the source's history: the rest follow it in order, each step once."""
    place = beyond = 0
    for version in versions:
        if version in said[place:]:
            place = said.index(version, place) + 1
        else:
            beyond += 1
    return beyond


def _right(key: str, newest: Content, source: Mapping[str, Content], said: Sequence[Content]) -> bool:
    """A row that went bad at the source stays as it last was; only what it never said is wrong then."""
    if key in source:
        return newest == source[key]
    return newest == GONE if _ended(said) else newest in said


def _ended(said: Sequence[Content]) -> bool:
    return bool(said) and said[-1] == GONE
