"""What `gateway check` says of the records together: grouped, gravest first, and never of a person."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from support.crossrecords import row, session

from gateway import console as show
from gateway.comparing import Comparison
from schemas import loader, rulefile
from schemas.model import Edition
from schemas.placeholders import Habit
from schemas.rules import Case


def compared(edition: Edition, *records: tuple[str, dict[str, str]]) -> Comparison:
    comparison = Comparison(edition)
    for dataset, record in records:
        comparison.take(dataset, record)
    return comparison


def printed(comparison: Comparison) -> str:
    text = StringIO()
    show.comparison(Console(file=text, width=160, highlight=False), comparison)
    return text.getvalue()


def wide(comparison: Comparison) -> str:
    text = StringIO()
    show.comparison(Console(file=text, width=1000, highlight=False), comparison)
    return text.getvalue()


@pytest.mark.requirement("H-020")
def test_findings_are_grouped_by_rule_and_case_with_the_first_keys(edition: Edition) -> None:
    records = [session(n, f"01-0{n} 08:00", f"01-0{n} 10:00", duration_min="120") for n in range(1, 6)]
    short = next(each for each in compared(edition, *records).crossings() if each.rule.id == "X-HD03-10")
    assert (short.records, short.case, short.examples) == (5, Case.BROKEN, ["S1", "S2", "S3"])


def test_what_must_not_be_sent_comes_first(edition: Edition) -> None:
    backward = session(1, "01-05 12:00", "01-05 08:00")
    many = [session(n, f"01-0{n} 08:00", f"01-0{n} 12:00", duration_min="100") for n in range(2, 6)]
    assert next(each.rule.id for each in compared(edition, *many, backward).crossings()) == "X-HD03-08"


def test_a_child_without_its_parents_data_set_is_told_as_not_checked(edition: Edition) -> None:
    cases = {each.rule.id: each.case for each in compared(edition, row("HD03")).crossings()}
    assert cases == {"X-HD03-01": Case.UNKNOWN, "X-HD03-04": Case.UNKNOWN}


def test_fillers_above_the_threshold_are_told(edition: Edition) -> None:
    records = [row("HD03", sess_id=f"S{n}", patn_id=f"P{n}", machine_no=f"M{n}", dialyzer="无") for n in range(20)]
    found = {(each.field, each.habit) for each in compared(edition, *records).shares()}
    assert ("dialyzer", Habit.FILLER) in found
    assert ("machine_no", Habit.FILLER) not in found


def test_the_page_names_rule_key_and_share(edition: Edition) -> None:
    drugs = [{"drug_codg": "D1", "route": "不详"}]
    records = [row("HD03", sess_id=f"S[{n}]", duration_min="100", drugs=drugs) for n in range(20)]
    text = printed(compared(edition, *records))
    assert "X-HD03-10" in text
    assert "治疗时长不足：实际治疗时长 100 分钟，不足 240 分钟" in text
    assert "S[0]" in text  # not taken for markup
    assert "给药途径 drugs[].route" in text
    assert "100%" in text
    assert "映射的那个字段写上 empty: [那个值]，就当作空的" in text, "what to do with a filler"
    told = printed(compared(edition, *[row("HD03", sess_id=f"S{n}", duration_min="100") for n in range(20)]))
    assert "empty:" not in told, "no filler, nothing to do"


def test_nothing_found_is_said(edition: Edition) -> None:
    assert "没有发现" in printed(compared(edition, row("HD02")))


def test_nothing_found_is_not_said_of_nothing(edition: Edition) -> None:
    text = StringIO()
    show.comparison(Console(file=text, width=160), compared(edition), whole=False)
    assert text.getvalue().splitlines()[1:] == ["没有读到数据，未核对"]
    assert printed(compared(edition)).splitlines()[1:] == ["没有可报送的数据，未核对"]


def test_what_could_not_be_read_is_not_taken_for_compared(edition: Edition) -> None:
    text = StringIO()
    show.comparison(Console(file=text, width=160), compared(edition, row("HD02")), whole=False)
    assert text.getvalue().splitlines()[1:] == ["有的数据集读不到，只核对了读到的", "没有发现"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132])
def test_no_number_is_broken_beside_keys_as_long_as_a_uuid(edition: Edition, width: int) -> None:
    keys = [f"2022e529-ad3b-4e2a-925c-45b9489fd5{n}" for n in range(10, 30)]
    records = [row("HD03", sess_id=key, duration_min="100", pre_weight_kg="61.25", post_weight_kg="64.75") for key in keys]
    text = StringIO()
    show.comparison(Console(file=text, width=width, highlight=False), compared(edition, *records))
    lines = text.getvalue().splitlines()
    said = "\n".join(lines)
    whole = set(re.findall(r"\d+(?:\.\d+)?", wide(compared(edition, *records))))
    assert set(re.findall(r"\d+(?:\.\d+)?", said)) == whole
    assert keys[0] in said


def test_a_rule_the_edition_has_no_field_for_is_told(edition: Edition) -> None:
    fewer = replace(edition, datasets={code: each for code, each in edition.datasets.items() if code != "HD02"})
    comparison = Comparison(fewer, [rule for rule in rulefile.reference() if rule.id == "X-HD03-02"])
    assert "未执行：规则 X-HD03-02：没有数据集 HD02" in printed(comparison)


def test_no_person_is_printed(edition: Edition) -> None:
    records = [row("HD03", patn_id="秘密患者", psn_no="秘密人员", sess_id=f"S{n}") for n in range(20)]
    text = printed(compared(loader.reference(), *records))
    assert "X-HD03-12" in text
    assert "秘密" not in text
