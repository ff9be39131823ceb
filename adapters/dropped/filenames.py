"""The names of a data set's dropped files: one star stands for the date and number, by which two files belong together."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch

_WILD = frozenset("?[")


@dataclass(frozen=True, slots=True)
class Naming:
    """The files of one pattern."""

    pattern: str
    narrower: tuple[str, ...] = ()  #: others of the profile, whose files this one's star would take too

    def takes(self, name: str) -> bool:
        """Whether a file of that name is one of these."""
        return fnmatch(name, self.pattern) and not any(fnmatch(name, each) for each in self.narrower)

    def part(self, name: str) -> str:
        """What stands in place of the star, as this machine compares names."""
        before, _, after = self.pattern.partition("*")
        return os.path.normcase(name[len(before) : len(name) - len(after)])

    def named(self, part: str) -> str:
        """The file that has this in place of the star."""
        return self.pattern.replace("*", part, 1)


def naming(pattern: str, others: Iterable[str]) -> Naming:
    """`HD03_*.csv` takes no file of `HD03_yy_*.csv`: whose name says more, its files they are."""
    return Naming(pattern, tuple(sorted({each for each in others if each != pattern and _within(each, pattern)})))


def plain(pattern: str) -> bool:
    """Whether what stands in place of the star can be told from the name."""
    return not _WILD & set(pattern) and pattern.count("*") <= 1


def muddled(one: str, other: str) -> bool:
    """Whether a file could be both's, and neither name says more. Both are plain."""
    if _within(one, other) or _within(other, one):
        return one == other
    if "*" not in one + other:
        return False
    (before, _, after), (begin, _, end) = one.partition("*"), other.partition("*")
    return (before.startswith(begin) or begin.startswith(before)) and (after.endswith(end) or end.endswith(after))


def _within(inner: str, outer: str) -> bool:
    """Whether every name of the inner is one of the outer, which has one star."""
    if inner == outer:
        return True
    if "*" not in outer or not plain(outer):
        return False
    before, _, after = outer.partition("*")
    return len(inner) >= len(before) + len(after) and inner.startswith(before) and inner.endswith(after)
