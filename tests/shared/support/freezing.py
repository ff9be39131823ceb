"""Makes the cases of a frozen edition: whole records, every single fault, and records at the border of every rule.

A new edition is frozen once, on the day it is issued: copy its YAML to tests/schemas/frozen/<name> (overlays into overlays/)
and run `python -m support.freezing <folder>` with tests/shared on the path. What is frozen is what the authority says that day.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

from schemas import build, fake, loader, overlay
from schemas.model import Dataset, Edition, Field, FieldType, Severity, Violation
from schemas.record import business_key, content_hash

#: fields that the record's own content decides
_SEALS = ("key", "content_hash")
_REPEAT = "repeat"
_UNSHORTENED = 40
Row = dict[str, Any]
Judge = Callable[[Row], tuple[Violation, ...]]


def border_values(spec: Field) -> Iterator[Any]:
    """Values just inside and just outside of what the field takes."""
    yield from (None, "", " ", "\u3000")
    match spec.type:
        case FieldType.TEXT:
            yield from _texts(spec)
        case FieldType.NUMBER:
            yield from _numbers(spec)
        case FieldType.DATE:
            yield from ("2024-02-29", "2026-02-29", "2026-1-01", " 2026-01-01", "9999-12-31")
            yield from ("1899-12-31", "1900-01-01", "2199-12-31", "2200-01-01")
        case FieldType.DATETIME:
            yield from (
                "2026-01-01 23:59:59",
                "2026-01-01 24:00:00",
                "2026-01-01 23:59:60",
                "2026-01-01 08:00",
                "2024-02-29 00:00:00",
                "1899-12-31 23:59:59",
                "2200-01-01 00:00:00",
            )
        case FieldType.ROWS:
            yield from ([], [[]], {})


def _texts(spec: Field) -> Iterator[str]:
    if spec.codes:
        return
    yield from ("\t测", "测\x1f", "测\n", "测\x0b", " 测 ", '"\\')
    if spec.length:
        yield from ("测" * spec.length, "\U0001f600" * spec.length, "测" * (spec.length + 1))


def _numbers(spec: Field) -> Iterator[str]:
    yield from ("0", "-0", "-1", "1.", ".5", "+1", " 1", "１")
    yield from ("1.50", "000.10", "0001", "1.00000000000000000000", "1.000000000000000000001")
    if spec.length:
        whole, places = spec.length - spec.scale, "9" * spec.scale
        yield from (f"{'9' * whole}.{places}0" if places else "9" * whole, f"000{'9' * whole}", f"1{'0' * whole}")
        yield from (f"0.{places}" if places else "0.0", f"0.{places}9")
    if spec.least is not None:
        yield from (f"{spec.least:f}", f"{spec.least:f}.0", f"{spec.least:f}.000000000001", f"0{spec.least:f}")


def borders(specs: Iterable[Field], row: Mapping[str, Any]) -> Iterator[Row]:
    """Copies of a row with one field at a border, those of the first child row too."""
    for spec in specs:
        if spec.name in _SEALS or spec.name not in row:
            continue
        yield from ({**row, spec.name: value} for value in border_values(spec))
        for child in borders(spec.fields, row[spec.name][0]) if spec.fields else ():
            yield {**row, spec.name: [child, *row[spec.name][1:]]}


def sealed(dataset: Dataset, record: Mapping[str, Any]) -> Row:
    """The record with the key and the digest of what it now says, so that nothing hides behind those two."""
    named = {**record, "key": business_key(dataset, record)}
    return {**named, "content_hash": content_hash(dataset, named)}


def case(whole: Row, row: Row, judge: Judge, **more: Any) -> dict[str, Any]:
    """One line: how the row differs from the whole one, and what the authority says of it."""
    found = judge(row)
    told = {
        "violations": sorted([each.field, each.rule] for each in found if each.severity is Severity.ERROR),
        "warnings": sorted([each.field, each.rule] for each in found if each.severity is Severity.WARN),
    }
    skipped = _SEALS if more.get("sealed") else ()
    dropped: list[str] = []
    changed: Row = {}
    _compare(whole, row, "", dropped, changed)
    return {
        **more,
        "drop": dropped,
        "set": {path: shortened(value) for path, value in changed.items() if path not in skipped},
        **{name: pairs for name, pairs in told.items() if pairs or name == "violations"},
    }


def _compare(whole: Any, row: Any, path: str, dropped: list[str], changed: Row) -> None:
    """What was left out of `whole` and what was put instead, by path: `name` or `rows[0].name`."""
    for name in whole.keys() - row.keys():
        dropped.append(path + name)
    for name, value in row.items():
        before, same = whole.get(name), name in whole and whole[name] == value and type(whole[name]) is type(value)
        if _rows(before) and _rows(value) and len(before) == len(value):
            for index, (one, other) in enumerate(zip(before, value, strict=True)):
                _compare(one, other, f"{path}{name}[{index}].", dropped, changed)
        elif not same:
            changed[path + name] = value
    dropped.sort()


def _rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def applied(whole: Row, told: Mapping[str, Any]) -> Row:
    """The row a case speaks of: the whole one without `drop`, with `set` put in."""
    row = deepcopy(whole)
    for path in told["drop"]:
        holder, name = _place(row, path)
        del holder[name]
    for path, value in told["set"].items():
        holder, name = _place(row, path)
        holder[name] = lengthened(value)
    return row


def _place(row: Row, path: str) -> tuple[Row, str]:
    *above, name = path.split(".")
    for step in above:
        rows, _, index = step.removesuffix("]").partition("[")
        row = row[rows][int(index)]
    return row, name


def shortened(value: Any) -> Any:
    """A long run of one character as {"repeat": [character, times]}."""
    if isinstance(value, str) and len(value) > _UNSHORTENED and len(set(value)) == 1:
        return {_REPEAT: [value[0], len(value)]}
    if isinstance(value, list):
        return [shortened(each) for each in value]
    if isinstance(value, dict):
        return {name: shortened(each) for name, each in value.items()}
    return value


def lengthened(value: Any) -> Any:
    """What `shortened` shortened."""
    if isinstance(value, dict):
        if value.keys() == {_REPEAT}:
            character, times = value[_REPEAT]
            return character * times
        return {name: lengthened(each) for name, each in value.items()}
    return [lengthened(each) for each in value] if isinstance(value, list) else value


def record_cases(edition: Edition, dataset: Dataset, *, common: bool) -> Iterator[dict[str, Any]]:
    """Of one uploaded data set. `common`: with the borders of the fields that are the same in every one."""
    code = dataset.code
    validator = build.validator(edition, code)

    def judge(record: Row) -> tuple[Violation, ...]:
        return (*validator.violations(record), *validator.warnings(record))

    broken = [record for record, _, _ in fake.single_faults(edition, code, 1)]
    whole = {**broken[-1], **_first_whole(edition, dataset)}
    yield {"dataset": code, "valid": [whole, *fake.valid(edition, code, 2, 3)]}
    yield from (case(whole, record, judge, dataset=code) for record in broken)
    specs = (*edition.common, *dataset.fields) if common else dataset.fields
    for record in borders(specs, whole):
        yield case(whole, sealed(dataset, record), judge, dataset=code, sealed=True)


def _first_whole(edition: Edition, dataset: Dataset) -> Row:
    """The record that the single faults are made of: they all hold every field, one of them spoilt or left out."""
    faulty = [record for record, _, _ in fake.single_faults(edition, dataset.code, 1)]
    names = dict.fromkeys(name for record in faulty for name in record if name != "no_such_field")
    kept = {name: [json.dumps(record[name]) for record in faulty if name in record] for name in names}
    return {name: json.loads(max(values, key=values.count)) for name, values in kept.items()}


def node_cases(edition: Edition, dataset: Dataset) -> Iterator[dict[str, Any]]:
    """Of every input node of a transaction that is called."""
    for node in dataset.input:
        rows = list(fake.contents(edition, node, 1, 3))
        whole = max(rows, key=len)
        named = {"dataset": dataset.code, "node": node.name}
        yield {**named, "valid": [whole, *rows]}
        judge = partial(build.node_violations, edition, node)
        broken = [row for row, _, _ in fake.node_faults(edition, node, 1)]
        yield from (case(whole, row, judge, **named) for row in (*broken, *borders(node.fields, whole)))


def edition_cases(edition: Edition, codes: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Every line of these data sets."""
    first = True
    for code in codes:
        dataset = edition.datasets[code]
        if dataset.uploaded:
            yield from record_cases(edition, dataset, common=first)
            first = False
        else:
            yield from node_cases(edition, dataset)


def _written(path: Path, cases: Iterable[dict[str, Any]]) -> None:
    lines = dict.fromkeys(json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in cases)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def freeze(folder: Path) -> None:
    """Write what the authority says today of the edition in `folder` and of its overlays."""
    reference = loader.load(folder)
    _written(folder / "verdicts.jsonl", edition_cases(reference, reference.datasets))
    for path in sorted((folder / "overlays").glob("*.yaml")):
        edition = overlay.over(reference, path)
        changed = [code for code, dataset in edition.datasets.items() if dataset != reference.datasets.get(code)]
        _written(path.with_suffix(".jsonl"), edition_cases(edition, changed))


if __name__ == "__main__":
    freeze(Path(sys.argv[1]))
