"""Editions as they were issued still load and still judge as they did: a site may keep one for years.

This test should not change, and the files in frozen/ should not change. A new edition gets a new folder beside the old.
Each `verdicts.jsonl` holds, per data set, a line of valid records, the first of them whole, then one line per spoilt copy of that
first record: what was left out (`drop`), what was put instead (`set`), and every violation found on the day of the freeze.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas import loader
from schemas.build import validator

FROZEN = Path(__file__).parent / "frozen"
EDITIONS = sorted(folder.name for folder in FROZEN.iterdir())


def verdicts(name: str) -> Iterator[tuple[str, dict[str, Any], list[list[str]]]]:
    """(data set, record, expected (field, rule) pairs)."""
    whole: dict[str, Any] = {}
    for line in (FROZEN / name / "verdicts.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if "valid" in case:
            whole = case["valid"][0]
            yield from ((case["dataset"], record, []) for record in case["valid"])
            continue
        kept = {field: value for field, value in whole.items() if field not in case["drop"]}
        yield case["dataset"], {**kept, **case["set"]}, case["violations"]


@pytest.mark.parametrize("name", EDITIONS)
def test_a_frozen_edition_gives_the_verdicts_of_the_day_it_was_frozen(name: str) -> None:
    edition = loader.load(FROZEN / name)
    seen = set()
    for code, record, expected in verdicts(name):
        found = sorted([each.field, each.rule] for each in validator(edition, code).violations(record))
        assert found == sorted(expected), f"{code}: {record}"
        seen.add(code)
    assert seen == set(edition.datasets)


@pytest.mark.parametrize("name", EDITIONS)
def test_a_frozen_edition_keeps_every_rule_under_test(name: str) -> None:
    rules = {rule for _, _, expected in verdicts(name) for _, rule in expected}
    assert rules >= {"required", "required_if", "type", "format", "length", "precision", "least", "code", "unknown", "key"}
