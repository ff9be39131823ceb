"""What every built-in profile must keep, whether or not its database is at hand. A new folder is found by itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters import contract, fixturefile, profile, quality
from adapters.databases.sql import parameters
from adapters.quality import Standing
from gateway.model import Reading
from schemas import loader
from schemas.errors import SpecError

PROFILES = profile.discover()
#: We aim to keep this list empty. The demonstration POS joins head to line, so a line without its head is not read.
INNER_JOINS: frozenset[str] = frozenset()
EACH = pytest.mark.parametrize("name", PROFILES)


def test_the_profiles_we_know_are_found() -> None:
    assert {"his/openhis", "his/dialysis_room", "pos/jsherp"} <= PROFILES.keys()


@EACH
def test_mapped_fields_exist_and_required_ones_are_mapped_or_declared_absent(name: str) -> None:
    found = profile.load(name)
    assert found.queries
    for code in found.queries:
        mapping = profile.mapping(found, code, loader.reference())  # refuses both by itself
        for spec in mapping.dataset.fields:
            assert not spec.required or spec.name in mapping.fields.keys() | mapping.absent.keys()


@EACH
def test_a_query_joins_without_dropping_rows_and_never_writes(name: str) -> None:
    for query in profile.load(name).queries.values():
        words = query.sql.upper().split()
        joins = [words[at - 1] for at, word in enumerate(words) if word == "JOIN"]
        assert set(joins) <= {"LEFT"} or name in INNER_JOINS, query.file
        assert not {"INSERT", "UPDATE", "DELETE", "MERGE", "CALL"} & set(words), query.file
        assert {"after_key", "limit"} <= parameters(query.sql)
        assert (query.reading is Reading.INCREMENTAL) is ("after_time" in query.takes)


@EACH
def test_the_contract_that_needs_no_database_is_kept(name: str) -> None:
    contract.keep(name, loader.reference())


@EACH
def test_every_data_set_has_an_example_that_is_sent(name: str) -> None:
    found = profile.load(name)
    cases = dict(map(fixturefile.read, fixturefile.of(found.folder)))
    assert cases.keys() == found.mappings.keys()
    assert all(any(case.expected for case in every) for every in cases.values())


@EACH
def test_its_notes_and_standing_are_written(name: str) -> None:
    folder = PROFILES[name]
    notes = (folder / "NOTES.md").read_text(encoding="utf-8")
    assert [constant for constant in profile.load(name).constants if f"`{constant}`" not in notes] == []
    standing = quality.read(folder)
    assert standing["required_fields"].standing is Standing.DONE
    assert standing["read_only"].standing is Standing.DONE


@EACH
def test_every_constant_is_used_and_every_reference_is_declared(name: str) -> None:
    found = profile.load(name)
    text = "".join(path.read_text(encoding="utf-8") for path in found.mappings.values())
    assert [
        constant for constant in found.constants if not re.search(rf"(constant|declared|same_as|differs_from): {constant}\b", text)
    ] == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("paging: {standing: done}", "缺少必填的键"),
        ("pageing: {standing: done}", "是否想写 paging"),
        ("paging: {standing: perhaps}", "只能是 done、todo、exempt"),
        ("paging: {standing: todo}", "须写明原因"),
    ],
)
def test_a_standing_without_reason_or_rule_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "quality.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(SpecError, match=sentence):
        quality.read(tmp_path)
