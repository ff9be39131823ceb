"""The compiled mapping answers what the slow path would have sent, or nothing; and ordinary rows it does answer."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import adapters
from adapters import mappingfile
from adapters.catalogue import Catalogue, Entry
from adapters.compiled import CompiledMapping
from adapters.mapping import RowMapping
from adapters.origins import DateAndTime, SiteFacts
from gateway.model import Cursor, RowState
from schemas import loader, wire
from schemas.build import schema_class
from schemas.errors import WireError
from schemas.model import Edition, FieldType

REFERENCE = loader.reference()
CATALOGUE = Catalogue("c.csv", "bar", frozenset({"bar", "code"}), {"1": {"bar": "1", "code": "X1"}, "2": {"bar": "2", "code": ""}})
DAYS = [
    Entry({"bar": "1", "code": code}, date(2026, 1, first), date(2026, 1, last))
    for code, first, last in (("X1", 1, 5), ("X2", 7, 31))
]
DATED = Catalogue("d.csv", "bar", frozenset({"bar", "code"}), {}, {"1": DAYS})
FACTS = SiteFacts("H1", {"item_code": "X9", "counts": "no"}, {"bar": CATALOGUE})

#: what drivers and sites give, the awkward beside the ordinary
VALUES: tuple[Any, ...] = (
    *[None, "", " ", "NULL", "null ", "\u3000", "7", " 7 ", "am", "pm", "1", "2", "a\x00", "\ud800", "测试", '"', "x" * 70],
    *["\ufeff", "\u200b7\u2060", "a\u200dm", "\ufeffNULL", "\u200b1.50", "2026-01-05\ufeff", "测\u200c试\u200b", "\ufeff "],
    *["\u202a7\u202c", 0, 1, 7, True, False, 1.0, 1.5, float("nan"), b"\x01", b"", UUID(int=7), [], {}],
    *["0", "-0", "1.50", "+1", "1E5", "2盒", "0.001", "00", "1,234.50", "12,34", "１，２３４", "９", "99999999999999999"],
    *[Decimal("1.50"), Decimal("-0.00"), Decimal("1E+3"), Decimal("1E-7"), Decimal("NaN"), Decimal(10), Decimal("1.5E+9")],
    *[date(2026, 1, 5), date(1, 1, 1), date(9999, 12, 31), "2026-01-05", "2026-02-30", " 2026-01-05 ", "20260105"],
    *["2026-01-05 08:00:00", "2026-01-05T08:00:00", "2026-01-05 08:00", "2026-01-05 08:00:00+08:00", "08:00", "23:59:59"],
    *[datetime(2026, 1, 5, 8), datetime(2026, 1, 5, 8, 0, 0, 5), datetime(2026, 1, 5, tzinfo=UTC)],  # noqa: DTZ001
    *[time(8), time(23, 59, 59, 7), timedelta(hours=8), timedelta(hours=25), timedelta(seconds=-1), timedelta(0)],
)
MAPPINGS = {
    "plain": {"title": "{column: t}", "lot": "{column: l}"},
    "codes": {"shift": '{column: t, codes: {am: "1", pm: "2", "7": "2", "true": "1"}}', "title": "{column: l}"},
    "uncoded": {"shift": "{column: t}"},
    "times": {"begn": "{date: d, time: t}", "ended": "{date: d, time: l, next_day_if_before: begn}", "day": "{column: d}"},
    "moments": {
        "begn": "{column: t}",
        "ended": "{column: l, zone: UTC, next_day_if_before: begn}",
        "day": "{column: d, zone: UTC}",
    },
    "utc": {"begn": "{date: d, time: t, zone: UTC}"},
    "catalogue": {"code": "{catalogue: bar, take: code}", "title": "{catalogue: bar, take: lot}"},
    "constant": {"code": "{constant: item_code}", "title": "{constant: counts}"},
    "first": {"code": "{first: [t, {catalogue: bar, take: code}, {constant: item_code}]}", "begn": "{first: [l, d]}"},
    "refined": {
        "day": '{column: d, empty: ["1900-01-01", "-"], formats: [yyyy-MM-dd, yyyyMMdd]}',
        "begn": '{date: {column: d, formats: [yyyy-MM-dd]}, time: {column: t, codes: {am: "08:00", "7": "12:00"}}}',
        "title": '{joined: [l, bar], with: "-"}',
        "count": '{product: [count, {column: count, units: {"": "1", 盒: "10"}}]}',
    },
    "declared": {
        "title": '{declared: counts, as: {"no": t, "yes": l}}',
        "code": '{first: [{declared: counts, as: {"no": l}}, code]}',
    },
    "minutes": {
        "begn": "{column: t}",
        "ended": "{date: d, time: l, next_day_if_before: begn}",
        "count": "{minutes: [begn, ended]}",
    },
    "json": {"title": "{json: t, at: a}", "count": "{first: [{json: l, at: n}, count]}"},
    "dated": {"code": "{catalogue: bar, take: code, as_of: d}"},
    "fixed": {"shift": '{fixed: "1", why: 只有一班}', "count": '{fixed: "2.50", why: 只有一种}'},
}
RULES = {
    "none": "",
    "states": 'exclude:\n  - {column: t, in: ["7", "true"], reason: 甲}\nnot_ready:\n  - {column: l, is: blank, reason: 乙}\n'
    'void:\n  - {all: [{column: d, not_in: [""]}, {constant: counts, in: ["yes"]}], reason: 丙}\n',
    "tenants": "exclude: [{column: t, differs_from: counts, reason: 甲}, {column: l, same_as: item_code, reason: 乙}]\n",
    "children": "children: {drugs: {fields: {drug: {column: drug}}}}\n",
    "seldom": "children: {drugs: {with_catalogue: bar, fields: {drug: {column: drug}}}}\n"
    "void: [{all: [{column: l, same_as: counts}, {column: t, is: present}], reason: 甲}]\n",
    "heads": "heads:\n  - {column: t, reason: 查不到, explains: [code]}\n",
}


#: none, ordinary ones, two of one key, one that cannot be read
LINES: tuple[list[dict[str, Any]], ...] = (
    [],
    [],
    [{"row_ref": 7, "line_key": 1, "drug": "甲"}, {"row_ref": 7, "line_key": 2, "drug": None}],
    [{"row_ref": 7, "line_key": 1, "drug": "甲"}, {"row_ref": 7, "line_key": 1, "drug": "甲"}],
    [{"row_ref": 7, "line_key": 1, "drug": b"\x00"}],
)


def sent(mapping: RowMapping, row: dict[str, Any], facts: SiteFacts, edition: Edition) -> dict[str, Any] | None:
    """The content the slow path sends of a row, or None if it does not send it."""
    try:
        found = mapping.source_row(row, Cursor(None, 7), facts)
        content = wire.encode_record(mapping.dataset.fields, found.values)
    except WireError:
        return None
    if found.state is not RowState.READY or found.faults:
        return None
    return None if schema_class(edition, mapping.dataset.fields, "T")().validate(content) else content


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", MAPPINGS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_what_it_answers_is_what_the_slow_path_would_have_sent(
    read_mapping: Any, edition: Edition, name: str, rules: str, seed: int
) -> None:
    absent = "" if "lot" not in MAPPINGS[name] else "absent: {}\n"
    mapping, chance = read_mapping(RULES[rules] + absent, **MAPPINGS[name]), random.Random(seed)
    facts = chance.choice((FACTS, replace(FACTS, catalogues={"bar": DATED}), replace(FACTS, catalogues={}, constants={})))
    content = CompiledMapping(mapping, facts, edition).content
    ordinary = {"row_ref": 7, "cursor_key": 7, "id": 7, "count": Decimal("2.50"), "code": "X1", "bar": "1"}
    for _ in range(30):
        row = {**ordinary, **{column: chance.choice(VALUES) for column in "tld"}}
        row["drugs[]"] = chance.choice(LINES)
        changed = chance.choice(["", "id", "count", "code", "bar"])
        if changed:
            row[changed] = chance.choice(VALUES)
        found = content(row)
        assert found is None or found == sent(mapping, row, facts, edition)


SHIPPED = [path for path in sorted(Path(adapters.__file__).parent.glob("*/*/mapping/*.yaml")) if path.stem in REFERENCE.datasets]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_mappings_that_ship_compile_and_agree(path: Path, seed: int) -> None:
    mapping, chance = shipped(path), random.Random(seed)
    content = CompiledMapping(mapping, FACTS, REFERENCE).content
    for _ in range(20):
        row = plausible(mapping)
        for column in chance.sample(sorted(mapping.columns), chance.choice((0, 1, 1, 3))):
            row[column] = chance.choice(VALUES)
        found = content(row)
        assert found is None or found == sent(mapping, row, FACTS, REFERENCE)


@pytest.mark.parametrize("path", [path for path in SHIPPED if "demo_his" in path.parts], ids=lambda path: path.stem)
def test_a_plausible_row_of_the_demo_is_answered_without_the_slow_path(path: Path) -> None:
    """Else the test above would show nothing."""
    mapping = shipped(path)
    found = CompiledMapping(mapping, FACTS, REFERENCE).content(plausible(mapping))
    assert found is not None
    assert found == sent(mapping, plausible(mapping), FACTS, REFERENCE)


def shipped(path: Path) -> RowMapping:
    return mappingfile.read(path, REFERENCE, path.stem, _Any(), _catalogues(path))


def plausible(mapping: RowMapping) -> dict[str, Any]:
    """A row that the mapping can read: of every column what its field wants, nothing where a value would set the row aside."""
    row: dict[str, Any] = {"row_ref": 7, "cursor_key": 7}
    row |= {head.column: "T1" for head in mapping.heads}
    for state in mapping.states:
        for each in state.conditions:
            if each.values is None:
                row[each.column] = None if each.negated else "T1"
            else:
                row[each.column] = min(each.values) if each.negated else None
    for rule in mapping.fields.values():
        table = REFERENCE.codes[rule.spec.codes].values if rule.spec.codes else {}
        wanted = {
            FieldType.TEXT: next(iter(rule.codes or table), "T1"),
            FieldType.NUMBER: Decimal("2.00"),
            FieldType.DATE: date(2026, 1, 5),
            FieldType.DATETIME: datetime(2026, 1, 5, 8),  # noqa: DTZ001
        }[rule.spec.type]
        values = (date(2026, 1, 5), timedelta(hours=8)) if isinstance(rule.origin, DateAndTime) else (wanted,) * 9
        row |= dict(zip(rule.origin.columns, values, strict=False))
    for rule in mapping.fields.values():  # a clock of its own for the end, so that it is not equal to the start
        if rule.next_day_if_before and isinstance(rule.origin, DateAndTime):
            row[rule.origin.time] = timedelta(hours=2)
    return row


class _Any:
    """A manifest that declares whatever constant a mapping asks for."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


def _catalogues(path: Path) -> tuple[str, ...]:
    manifest = yaml.safe_load((path.parent.parent / "manifest.yaml").read_text(encoding="utf-8"))
    return tuple(manifest.get("catalogues", {}))


SHANGHAI_ROW = {
    "row_ref": 7,
    "cursor_key": 7,
    "id": 7,
    "count": Decimal("2.50"),
    "code": " X1 ",
    "t": timedelta(hours=22),
    "l": timedelta(hours=2),
    "d": date(2026, 12, 31),
    "am": "am",
}


def test_an_ordinary_row_is_answered_without_the_slow_path(read_mapping: Any, edition: Edition) -> None:
    mapping = read_mapping(**MAPPINGS["times"], shift='{column: am, codes: {am: "1"}}')
    assert CompiledMapping(mapping, FACTS, edition).content(SHANGHAI_ROW) == {
        "id": "7",
        "shift": "1",
        "count": "2.5",
        "day": "2026-12-31",
        "begn": "2026-12-31 22:00:00",
        "ended": "2027-01-01 02:00:00",
        "code": "X1",
        "lot": "",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": "x" * 21},
        {"id": 10**20},
        {"id": " NULL "},
        {"count": Decimal("1E+3")},
        {"count": "\ud800"},
        {"d": date(1850, 1, 1)},
        {"count": "2盒"},
        {"count": Decimal("0.00001")},
        {"count": Decimal("NaN")},
        {"count": float("inf")},
        {"code": "NULL"},
        {"code": "a\x00"},
        {"code": "\ud800"},
        {"am": "night"},
        {"am": True},
        {"am": []},
        {"t": timedelta(hours=24)},
        {"l": timedelta(hours=22)},
        {"d": "2026-02-30"},
    ],
)
def test_a_row_that_it_is_not_sure_of_is_left_to_the_slow_path(
    read_mapping: Any, edition: Edition, changes: dict[str, Any]
) -> None:
    mapping = read_mapping(**MAPPINGS["times"], shift='{column: am, codes: {am: "1"}}')
    content = CompiledMapping(mapping, FACTS, edition).content
    assert content({**SHANGHAI_ROW, **changes}) is None


def test_the_codes_of_a_bit_and_a_boolean_are_read_as_the_mapping_file_writes_them(read_mapping: Any, edition: Edition) -> None:
    mapping = read_mapping(shift='{column: am, codes: {"true": "1", "1": "2"}}')
    content = CompiledMapping(mapping, FACTS, edition).content
    found = [content({**SHANGHAI_ROW, "am": value}) for value in (True, 1, b"\x01", "1", " 1 ", Decimal("1.0"))]
    assert [each and each["shift"] for each in found] == ["1", "2", "2", "2", "2", "2"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("-0.00"), "0"),
        (Decimal("0E-2"), "0"),
        (Decimal("-0"), "0"),
        (Decimal("-1.50"), "-1.5"),
        (Decimal("100"), "100"),
        (Decimal("100.00"), "100"),
        (Decimal("0.05"), "0.05"),
        (120, "120"),
        (0, "0"),
        ("7.5", "7.5"),
        ("7.50", "7.5"),
    ],
)
def test_numbers_are_written_as_the_wire_writes_them(read_mapping: Any, edition: Edition, value: Any, text: str) -> None:
    found = CompiledMapping(read_mapping(), FACTS, edition).content({**SHANGHAI_ROW, "count": value})
    assert found and found["count"] == text
    assert found == sent(read_mapping(), {**SHANGHAI_ROW, "count": value}, FACTS, edition)


@pytest.mark.parametrize(("length", "text"), [(3, "abcd"), (4, "abcde"), (5, "abcdef"), (3, 1234)])
def test_a_text_longer_than_its_field_is_left_to_the_slow_path_however_short(
    read_mapping: Any, edition: Edition, length: int, text: Any
) -> None:
    mapping = read_mapping()
    dataset = mapping.dataset
    fields = tuple(replace(spec, length=length) if spec.name == "code" else spec for spec in dataset.fields)
    node = replace(dataset.input[0], fields=fields)
    rules = {**mapping.fields, "code": replace(mapping.fields["code"], spec=next(each for each in fields if each.name == "code"))}
    content = CompiledMapping(replace(mapping, dataset=replace(dataset, input=(node,)), fields=rules), FACTS, edition).content
    assert content({**SHANGHAI_ROW, "code": text}) is None
    assert content({**SHANGHAI_ROW, "code": str(text)[:length]})


def test_the_day_of_two_moments_and_a_date_is_read_once_and_may_be_a_text(read_mapping: Any, edition: Edition) -> None:
    mapping = read_mapping(**MAPPINGS["times"])
    compiled = CompiledMapping(mapping, FACTS, edition)
    assert compiled.source.count("row['d'] if") + compiled.source.count("d0 = row['d']") == 1
    found = compiled.content({**SHANGHAI_ROW, "d": "2026-12-31"})
    assert found == compiled.content(SHANGHAI_ROW)
    assert found and found["ended"] == "2027-01-01 02:00:00"


@pytest.mark.parametrize("first", ["{column: t, same_as: counts}", '{constant: counts, in: ["yes"]}'])
def test_what_follows_an_undeclared_constant_does_not_decide_the_row(read_mapping: Any, edition: Edition, first: str) -> None:
    """The slow path sets the row aside; to ask on and find that the rule does not hold would send it."""
    mapping = read_mapping(f"void: [{{all: [{first}, {{column: l, is: present}}], reason: 甲}}]\n")
    row = {**SHANGHAI_ROW, "t": "yes", "l": None}
    assert sent(mapping, row, SiteFacts("H1"), edition) is None
    assert CompiledMapping(mapping, SiteFacts("H1"), edition).content(row) is None
    declared = SiteFacts("H1", {"counts": "yes"})
    assert CompiledMapping(mapping, declared, edition).content(row) == sent(mapping, row, declared, edition) is not None


def test_unseen_characters_make_no_other_key_and_no_unknown_code(read_mapping: Any, edition: Edition) -> None:
    mapping = read_mapping(**MAPPINGS["times"], shift='{column: am, codes: {am: "1"}}')
    row = {
        **SHANGHAI_ROW,
        "id": "\ufeff7",
        "am": "a\u200bm",
        "code": "X\u20601\u200d",
        "count": "2.5\ufeff",
        "d": "2026-12-31\u200b",
    }
    found = CompiledMapping(mapping, FACTS, edition).content(row)
    assert found is not None
    assert found == CompiledMapping(mapping, FACTS, edition).content(SHANGHAI_ROW) == sent(mapping, row, FACTS, edition)


def test_an_undeclared_constant_leaves_every_row_to_the_slow_path(read_mapping: Any, edition: Edition) -> None:
    mapping = read_mapping(**MAPPINGS["constant"])
    assert CompiledMapping(mapping, SiteFacts("H1"), edition).content(SHANGHAI_ROW) is None
    found = CompiledMapping(mapping, FACTS, edition).content(SHANGHAI_ROW)
    assert found and (found["code"], found["title"]) == ("X9", "no")


def test_a_moment_of_another_zone_is_converted(read_mapping: Any, edition: Edition) -> None:
    mapping = read_mapping(begn="{column: t}")
    content = CompiledMapping(mapping, FACTS, edition).content
    found = content({**SHANGHAI_ROW, "t": datetime(2026, 1, 5, 8, tzinfo=timezone(timedelta(hours=9)))})
    assert found and found["begn"] == "2026-01-05 07:00:00"


def test_the_generated_code_names_columns_and_fields(read_mapping: Any, edition: Edition) -> None:
    source = CompiledMapping(read_mapping(), FACTS, edition).source
    assert "row['code']" in source
    assert "'id': v0" in source
