"""Editions as they were issued still load and still judge as they did: a site may keep one for years.

This test should not change, and the files in frozen/ should not change. A new edition gets a new folder beside the old
(how it is made: tests/shared/support/freezing.py), with the overlays that stand on it in overlays/.
Each `verdicts.jsonl` (of an overlay `<overlay>.jsonl`) holds, per data set or node of a called transaction, a line of valid
records, the first of them whole, then one line per changed copy of that first record: what was left out (`drop`), what was
put instead (`set`), and every violation found on the day of the freeze. Not every copy is wrong: some stand just inside the
border of a rule. `sealed` copies carry the key and digest of what they now say.
The rules of the wire are code, not data of an edition, so one of them may be younger than a freeze: see SINCE.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from marshmallow import missing
from support.freezing import applied, sealed

from schemas import build, compiled, loader, overlay, wire
from schemas.compiling import checks, moments, numbers
from schemas.model import Edition, Field, Severity, Violation

FROZEN = Path(__file__).parent / "frozen"
EDITIONS = sorted(folder.name for folder in FROZEN.iterdir())
OVERLAYS = sorted(f"{path.parent.parent.name}/{path.stem}" for path in FROZEN.glob("*/overlays/*.yaml"))
#: the edition that holds records at the border of every rule
NEWEST = EDITIONS[-1]
RULES = {"required", "required_if", "type", "format", "length", "precision", "least", "code", "unknown", "key"}
Pairs = list[list[str]]
#: Values that a freeze holds as taken and the wire refuses since, with the rule. We aim to keep this list empty.
#: 2026-11-25: a year outside schemas.wire.YEARS is a slip that ended `gateway run` in a traceback and the bureau in a 500.
SINCE = {"9999-12-31": "format"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of one row on the day of the freeze."""

    dataset: str
    node: str  #: "" of an uploaded record
    row: dict[str, Any]
    errors: Pairs
    warnings: Pairs


def load(name: str) -> Edition:
    """`reference-2026.1`, or `reference-2026.2/jilin` for an overlay on that very edition."""
    folder, _, over = name.partition("/")
    reference = loader.load(FROZEN / folder)
    return overlay.over(reference, FROZEN / folder / "overlays" / f"{over}.yaml") if over else reference


def verdicts(edition: Edition, name: str) -> Iterator[Verdict]:
    """In the order of the file."""
    folder, _, over = name.partition("/")
    path = FROZEN / folder / (f"overlays/{over}.jsonl" if over else "verdicts.jsonl")
    whole: dict[str, Any] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        code, node = case["dataset"], case.get("node", "")
        if "valid" in case:
            whole = case["valid"][0]
            yield from (Verdict(code, node, row, [], case.get("warnings", [])) for row in case["valid"])
            continue
        row = applied(whole, case)
        row = sealed(edition.datasets[code], row) if case.get("sealed") else row
        yield Verdict(code, node, row, [*case["violations"], *_since(case)], case.get("warnings", []))


def _since(case: dict[str, Any]) -> Pairs:
    """What is found today of a copy that was put one value of SINCE into, and nothing else."""
    changes = case.get("set", {})
    return [[path, SINCE[value]] for path, value in changes.items() if isinstance(value, str) and value in SINCE]


def disagreements(edition: Edition, name: str) -> Iterator[str]:
    """Every verdict that is not what it was, of either judge."""
    fast: dict[tuple[str, str], compiled.Check] = {}
    for verdict in verdicts(edition, name):
        place = verdict.dataset, verdict.node
        if place not in fast:
            fast[place] = _fast(edition, *place)
        found = _judged(edition, verdict)
        errors, warnings = (_pairs(found, severity) for severity in (Severity.ERROR, Severity.WARN))
        if errors != sorted(verdict.errors) or warnings != sorted(verdict.warnings):
            yield f"{place}: {errors} {warnings}, was {verdict.errors} {verdict.warnings}"
        if verdict.errors and fast[place](verdict.row):
            yield f"{place}: the compiled judge takes it, was {verdict.errors}"


def _judged(edition: Edition, verdict: Verdict) -> tuple[Violation, ...]:
    if verdict.node:
        return build.node_violations(edition, _node(edition, verdict.dataset, verdict.node), verdict.row)
    judge = build.validator(edition, verdict.dataset)
    return (*judge.violations(verdict.row), *judge.warnings(verdict.row))


def _fast(edition: Edition, code: str, node: str) -> compiled.Check:
    if node:
        return compiled.fields_check(edition, _node(edition, code, node).fields, node)
    return compiled.validator(edition, code).valid


def _node(edition: Edition, code: str, name: str) -> Any:
    return next(node for node in edition.datasets[code].input if node.name == name)


def _pairs(found: tuple[Violation, ...], severity: Severity) -> Pairs:
    return sorted([each.field, each.rule] for each in found if each.severity is severity)


@pytest.mark.parametrize("name", [*EDITIONS, *OVERLAYS])
def test_a_frozen_edition_gives_the_verdicts_of_the_day_it_was_frozen(name: str) -> None:
    assert list(disagreements(load(name), name)) == []


@pytest.mark.parametrize("name", EDITIONS)
def test_a_frozen_edition_keeps_every_data_set_and_every_rule_under_test(name: str) -> None:
    edition = load(name)
    held = list(verdicts(edition, name))
    assert {verdict.dataset for verdict in held} == set(edition.datasets)
    assert {rule for verdict in held for _, rule in verdict.errors} >= RULES


def test_a_rule_younger_than_a_freeze_touches_only_values_that_the_freeze_took() -> None:
    """A value that was refused already, or that no freeze holds, has no place in SINCE."""
    held: dict[str, list[Pairs]] = {value: [] for value in SINCE}
    for path in FROZEN.rglob("*.jsonl"):
        for case in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            for _, value in case.get("set", {}).items():
                if isinstance(value, str) and value in SINCE:
                    held[value].append(case["violations"])
    assert all(held.values())
    assert not any(violations for cases in held.values() for violations in cases)


def test_the_compiled_judge_takes_nearly_all_valid_records_by_itself() -> None:
    """Else the comparison above would compare the authority with itself."""
    edition = load(NEWEST)
    valid = [each for each in verdicts(edition, NEWEST) if not each.node and not each.errors and not each.warnings]
    taken = [each for each in valid if compiled.validator(edition, each.dataset).valid(each.row)]
    assert len(taken) > len(valid) // 2


Patch = Callable[[pytest.MonkeyPatch], None]


def _given(given: Callable[[Any], bool]) -> Patch:
    return lambda patch: patch.setattr(build, "_given", lambda spec, value: given(value))


def _control(pattern: str) -> Patch:
    return lambda patch: patch.setattr(wire, "_CONTROL", re.compile(pattern))


def _length(length: Callable[[Any], int]) -> Patch:
    return lambda patch: patch.setattr(build, "len", length, raising=False)


def _fits(whole: Callable[[str], str], places: Callable[[str], str]) -> Patch:
    def fits(text: str, digits: int, scale: int) -> bool:
        before, _, after = text.removeprefix("-").partition(".")
        return len(whole(before)) <= digits - scale and len(places(after)) <= scale

    return lambda patch: patch.setattr(build, "_fits", fits)


def _strict_least(patch: pytest.MonkeyPatch) -> None:
    judge = build._SpecField._check_value

    def check(self: Any, text: str, parsed: Any) -> None:
        if self.spec.least is not None and parsed == self.spec.least:
            raise self.refuse("least", least=self.spec.least)
        judge(self, text, parsed)

    patch.setattr(build._SpecField, "_check_value", check)


def _compiled_numbers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(numbers, "_pattern", lambda spec: r"-?[0-9]+(?:\.[0-9]+)?" if spec.required else r"(?:-?[0-9]+(?:\.[0-9]+)?)?")


def _compiled_codes(patch: pytest.MonkeyPatch) -> None:
    held = checks.codes

    def codes(edition: Edition, spec: Field) -> frozenset[str]:
        return held(edition, spec) | {"~"}

    patch.setattr(checks, "codes", codes)


MUTATIONS: dict[str, Patch] = {
    "length in bytes": _length(lambda value: len(value.encode()) if isinstance(value, str) else len(value)),
    "length in UTF-16 units": _length(lambda value: len(value.encode("utf-16-le")) // 2 if isinstance(value, str) else len(value)),
    "one character more than the length": _length(lambda value: len(value) - 1),
    "one character less than the length": _length(lambda value: len(value) + 1),
    "a blank counts as given": _given(lambda value: value is not missing and value is not None and value not in ("", [])),
    "only a space counts as blank": _given(
        lambda value: bool(value.strip(" ")) if isinstance(value, str) else value is not missing and value not in (None, [])
    ),
    "null counts as given": _given(lambda value: value is not missing and value not in ("", []) and str(value).strip() != ""),
    "zeros at the end count": _fits(lambda whole: whole.lstrip("0"), lambda places: places),
    "zeros at the front count": _fits(lambda whole: whole, lambda places: places.rstrip("0")),
    "the scale is not asked": _fits(lambda whole: whole.lstrip("0"), lambda places: ""),
    "a control character is taken": _control(r"[\x00-\x08\x0b\x0c\x0e-\x1e\ud800-\udfff]"),
    "a vertical tab is taken": _control(r"[\x00-\x08\x0c\x0e-\x1f\ud800-\udfff]"),
    "a tab is refused": _control(r"[\x00-\x09\x0b\x0c\x0e-\x1f\ud800-\udfff]"),
    "a line feed is refused": _control(r"[\x00-\x08\x0a-\x0c\x0e-\x1f\ud800-\udfff]"),
    "the least value itself is refused": _strict_least,
    "compiled: any number fits": _compiled_numbers,
    "compiled: any day is a day": lambda patch: patch.setattr(moments, "is_day", lambda text: True),
    "compiled: any text is readable": lambda patch: patch.setattr(checks, "_readable", lambda text: True),
    "compiled: a foreign code is taken": _compiled_codes,
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_judge_that_has_changed_does_not_go_unseen(mutation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the test above: each of these changes of the judges must make it fail."""
    edition = load(NEWEST)  # a fresh one: what is built from it is built after the change
    MUTATIONS[mutation](monkeypatch)
    assert next(disagreements(edition, NEWEST), None) is not None
