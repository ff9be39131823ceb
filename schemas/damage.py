"""Records that are wrong in any way and in several at once, where `schemas.faults` breaks one rule at a time.

They show that two judges agree; what is wrong with one of them only the authority knows. The same chance gives the same damage.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from schemas.model import Dataset, Edition, FieldType
from schemas.record import business_key, content_hash

#: texts and other values near the borders of every rule
_TEXTS = (
    *("", " ", "\u3000", "\x1c", "NULL", "~", "|", "a|b", "\\", '"', "\t\n", "a\x00", "a\x0b", "\ud800", "\u200b", "é", "😀", "无"),
    *(
        "0",
        "-0",
        "00",
        "0.0",
        "1",
        "-1",
        "01",
        "1.",
        ".5",
        "1.50",
        "0.5",
        "0.001",
        "1E5",
        "+1",
        " 1",
        "1\n",
        "１２",
        "NaN",
        "Infinity",
    ),
    *("9" * 9, "9" * 30, "0" * 30 + "1", "1." + "0" * 30, "99999.9999", "-99999.9999"),
    *("2026-02-29", "2024-02-29", "2026-13-01", "2026-1-01", "0000-01-01", "9999-12-31", "1900-01-01", "2026/01/01", "20260101"),
    *("2026-01-01 00:00:00", "2026-01-01 24:00:00", "2026-01-01 23:59:60", "2026-02-30 08:00:00", "2026-01-01T08:00:00"),
    *("2026-01-01 08:00", "2026-01-01 08:00:00 ", "2026-01-01 08:00:00.5", "2026-W01-1 08:00:00", "2026-01-01 08:00:00\n"),
)
_OTHERS: tuple[Any, ...] = (None, 0, 1, -1, 1.5, True, False, [], {}, [1], ["1"], [None], [{}], [[]], {"a": "1"}, b"1")


class Damage:
    """Damages records of one data set."""

    def __init__(self, edition: Edition, dataset: Dataset, seed: int) -> None:
        self.dataset = dataset
        self.chance = random.Random(f"damage {dataset.code} {seed}")  # noqa: S311 - test data, not a secret
        self.names = [spec.name for spec in (*edition.common, *dataset.fields)]
        self.codes = [code for table in edition.codes.values() for code in table.values] or [""]
        self.rows = [spec.name for spec in dataset.fields if spec.type is FieldType.ROWS]
        self._ways: tuple[Callable[[dict[str, Any]], None], ...] = (
            *(self._drop, self._retype, self._retext, self._retext, self._lengthen, self._shorten, self._swap, self._edit),
            *(self._recode, self._add, self._child),
        )

    def damaged(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A damaged copy; three in four carry the key and digest of what they now say, so that nothing hides behind those two."""
        copy = deepcopy(dict(record))
        for _ in range(self.chance.choice((1, 1, 1, 2, 4))):
            self.chance.choice(self._ways)(copy)
        if self.chance.random() < 0.75:
            self._seal(copy)
        return copy

    def _seal(self, record: dict[str, Any]) -> None:
        try:
            record["key"] = business_key(self.dataset, record)
            record["content_hash"] = content_hash(self.dataset, record)
        except TypeError:
            return  # it says something that cannot be written as JSON

    def _name(self, record: Mapping[str, Any]) -> str:
        return self.chance.choice(list(record) or self.names)

    def _drop(self, record: dict[str, Any]) -> None:
        record.pop(self._name(record), None)

    def _retype(self, record: dict[str, Any]) -> None:
        record[self._name(record)] = deepcopy(self.chance.choice(_OTHERS))

    def _retext(self, record: dict[str, Any]) -> None:
        record[self.chance.choice((self._name(record), self.chance.choice(self.names)))] = self.chance.choice(_TEXTS)

    def _lengthen(self, record: dict[str, Any]) -> None:
        name = self._name(record)
        record[name] = f"{record.get(name)}{self.chance.choice(('9', '长', ' ', '0')) * self.chance.choice((1, 5, 60, 500))}"

    def _shorten(self, record: dict[str, Any]) -> None:
        name = self._name(record)
        record[name] = str(record.get(name))[: self.chance.randint(0, 12)]

    def _swap(self, record: dict[str, Any]) -> None:
        one, other = self._name(record), self._name(record)
        if one in record and other in record:
            record[one], record[other] = record[other], record[one]

    def _edit(self, record: dict[str, Any]) -> None:
        """Replace one character."""
        name = self._name(record)
        text = record.get(name)
        if isinstance(text, str) and text:
            at = self.chance.randrange(len(text))
            record[name] = text[:at] + self.chance.choice("0123456789-.: T\\|\"'\x00\x1f\x7f\ud9ff\u3000测") + text[at + 1 :]

    def _recode(self, record: dict[str, Any]) -> None:
        record[self._name(record)] = self.chance.choice(self.codes)

    def _add(self, record: dict[str, Any]) -> None:
        record[self.chance.choice(("no_such_field", "", "字段", "a.b", *self.names))] = self.chance.choice((*_TEXTS, *_OTHERS))

    def _child(self, record: dict[str, Any]) -> None:
        """Damage a child row like a record."""
        name = self.chance.choice(self.rows) if self.rows else ""
        children = record.get(name)
        if isinstance(children, list) and children and isinstance(children[0], dict):
            self.chance.choice(self._ways[:-1])(self.chance.choice(children))
