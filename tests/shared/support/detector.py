"""Finds persons and secrets in whatever text the programs emit: by what was put in, and by the form of numbers of persons.

It knows nothing of the code that masks; digits of full width and blanks inside a number hide nothing from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

_FULL_WIDTH = str.maketrans("０１２３４５６７８９", "0123456789")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
#: seldom surnames and given names, so that no sentence of ours has them by chance
_SURNAMES = ("欧阳", "司徒", "令狐", "皇甫", "尉迟", "澹台", "濮阳", "宇文")
_GIVEN = ("霁", "翀", "葳", "骞", "璟", "懿", "翯", "芃", "嵘", "彧", "赟", "翾")


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist: region 990000 is none."""

    name: str
    id_number: str
    phone: str
    card: str

    @property
    def told(self) -> str:
        """As somebody may write it into a free text."""
        return f"{self.name} {self.id_number} 电话{self.phone} 卡{self.card}"


def persons(count: int, seed: int = 7) -> list[Person]:
    """Different ones; the same for the same seed."""
    random = Random(seed)
    names = [surname + first + second for surname in _SURNAMES for first in _GIVEN for second in _GIVEN if first != second]
    return [
        Person(
            name=name,
            id_number=_identity(random, number),
            phone=f"199{random.randrange(10**8):08d}",
            card=_luhn(f"990000{random.randrange(10**12):012d}"),
        )
        for number, name in enumerate(random.sample(names, count))
    ]


@dataclass(frozen=True)
class Detector:
    """`people` and `secrets` must be nowhere; nor may anything that looks like a number of a person."""

    people: tuple[Person, ...]
    secrets: tuple[str, ...] = ()

    def findings(self, text: str) -> list[str]:
        """What was found, each with a little of what stands around it."""
        plain = text.translate(_FULL_WIDTH)
        squeezed = re.sub(r"(?<=\d)[ -](?=\d)", "", plain)
        found = [f"{what}: …{plain[max(at - 40, 0) : at + 20]}…" for what, at in self._known(plain)]
        return found + [f"{what}: {number}" for what, number in _formed(squeezed)]

    def _known(self, text: str) -> Iterator[tuple[str, int]]:
        marks: list[tuple[str, Iterable[str]]] = [("secret", self.secrets)]
        marks += [(kind, [getattr(each, kind) for each in self.people]) for kind in ("name", "id_number", "phone", "card")]
        for kind, values in marks:
            for value in values:
                at = text.find(value)
                if at >= 0:
                    yield kind, at


def _formed(text: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r"(?<![0-9A-Za-z.])\d{17}[\dXx](?![0-9A-Za-z])", text):
        if _check_of(match[0][:17]) == match[0][17].upper():
            yield "looks like an ID number", match[0]
    for match in re.finditer(r"(?<![0-9A-Za-z.])1[3-9]\d{9}(?![0-9A-Za-z.])", text):
        yield "looks like a phone", match[0]
    for match in re.finditer(r"(?<![0-9A-Za-z.])\d{16,19}(?![0-9A-Za-z])", text):
        if _luhn(match[0][:-1]) == match[0]:
            yield "looks like a card", match[0]


def _identity(random: Random, number: int) -> str:
    head = f"990000{1930 + random.randrange(80)}{random.randrange(1, 13):02d}{random.randrange(1, 29):02d}{number:03d}"
    return head + _check_of(head)


def _check_of(head: str) -> str:
    """GB 11643: ISO 7064 MOD 11-2."""
    return _CHECK[sum(int(digit) * weight for digit, weight in zip(head, _WEIGHTS, strict=True)) % 11]


def _luhn(head: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(head)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return f"{head}{-total % 10}"
