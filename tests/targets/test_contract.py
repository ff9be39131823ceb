"""What every profile must keep on a database of its product. A folder whose product we have no database of is skipped by name."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from adapters import contract, profile, quality
from adapters.databases import sqlerrors
from adapters.quality import Standing
from gateway.model import RowState, SourceRow
from schemas import loader, wire
from schemas.build import validator
from schemas.record import business_key

pytestmark = pytest.mark.targets


@pytest.fixture(params=profile.discover())
def target(request: pytest.FixtureRequest) -> Any:
    """The database of each profile, by the fixture named like its folder."""
    name = str(request.param).rpartition("/")[2]
    try:
        return request.getfixturevalue(name)
    except pytest.FixtureLookupError:
        pytest.skip(f"no database of {request.param}: add a fixture {name} to tests/targets/conftest.py")


def test_the_contract_is_kept_on_its_database(target: Any) -> None:
    edition = loader.reference()
    broken = {
        (each.dataset, each.rule, each.sentence)
        for source in target.sources().values()
        for each in contract.of_source(source, edition)
        if not each.held and not ("demo" in target.profile and each.rule == "代码")  # dirt that the demonstration puts there
    }
    assert broken == set()


def test_any_page_length_reads_the_same_rows_in_the_same_order(target: Any) -> None:
    for dataset in target.sources():
        everything = target.rows(dataset)
        assert everything, dataset
        assert target.rows(dataset, 7) == everything
        if len(everything) < 300:
            assert target.rows(dataset, 1) == everything


def test_every_row_has_its_own_reference(target: Any) -> None:
    for dataset in target.sources():
        refs = [row.ref for row in target.rows(dataset)]
        assert len(refs) == len(set(refs)), dataset


@pytest.mark.parametrize("statement", ["CREATE TABLE intruder (id INTEGER)", "{insert}"])
def test_nothing_can_be_written(target: Any, statement: str) -> None:
    database = next(iter(target.sources().values())).database
    with database.connect() as connection:
        table = inspect(connection).get_table_names()[0]
        connection.rollback()
        writing = statement.format(insert=f"INSERT INTO {table} SELECT * FROM {table}")
        with database.reading(connection), pytest.raises(DBAPIError) as refusal:
            connection.execute(text(writing))
    assert sqlerrors.cause(refusal.value) is sqlerrors.WRITES


def test_every_value_can_be_sent_and_a_clean_row_lacks_nothing_required(target: Any) -> None:
    edition = loader.reference()
    for code in target.sources():
        for row in target.rows(code):
            content = wire.encode_record(edition.datasets[code].fields, row.values)
            if clean(row):
                assert business_key(edition.datasets[code], content)
                assert not [each for each in validator(edition, code).content_violations(content) if each.rule == "required"]


def test_what_is_not_sent_says_why_in_chinese(target: Any) -> None:
    for code in target.sources():
        for row in target.rows(code):
            assert (row.state is RowState.READY) is (row.reason == "")
            assert all("\u4e00" <= fault.message[0] <= "\u9fff" for fault in row.faults)


def test_a_standing_of_real_database_is_true(target: Any) -> None:
    standing = quality.read(profile.load(target.profile).folder)["real_database"].standing
    assert (standing is Standing.DONE) is ("demo" not in target.profile)


def clean(row: SourceRow) -> bool:
    return row.state is RowState.READY and not row.faults
