"""The digest and the account of a day's manifest: one and the same on both sides."""

from __future__ import annotations

import hashlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import fake, loader
from schemas.manifest import CODE, PARTS, Entry, balanced, digest

entries = st.lists(
    st.builds(Entry, st.text(max_size=8), st.integers(1, 999_999_999), st.text("0123456789abcdef", max_size=8)),
    max_size=6,
    unique_by=lambda entry: entry.key,
)


def test_the_digest_is_what_the_document_says() -> None:
    """A vector: another program that reads the document must come to it."""
    lines = '["A|1",2,"sha256:aa"]\n["中|\\"1",1,"sha256:bb"]\n'
    found = digest([Entry('中|"1', 1, "sha256:bb"), Entry("A|1", 2, "sha256:aa")])
    assert found == "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def test_nothing_has_a_digest_too() -> None:
    assert digest([]) == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(entries, st.randoms())
def test_the_order_in_which_they_are_read_changes_nothing(found: list[Entry], chance: Random) -> None:
    mixed = list(found)
    chance.shuffle(mixed)
    assert digest(mixed) == digest(iter(found))


@given(entries, entries)
def test_two_days_have_one_digest_only_if_they_hold_the_same(one: list[Entry], other: list[Entry]) -> None:
    assert (digest(one) == digest(other)) == (sorted(one) == sorted(other))


def test_an_account_is_even_only_if_every_row_is_in_one_part() -> None:
    even = {"read": "12", **dict.fromkeys(PARTS, "1")}
    assert balanced(even)
    assert not balanced({**even, "read": "13"})


def test_the_parts_are_the_numbers_of_the_edition() -> None:
    edition = loader.reference()
    numbers = {field.name for field in edition.datasets[CODE].fields if field.label and field.type == "N"}
    assert numbers == {"read", *PARTS}
    assert next(fake.valid(edition, CODE, 1, 1))["digest"]


@pytest.mark.parametrize("part", PARTS)
def test_no_part_is_left_out_of_the_sum(part: str) -> None:
    zero = {"read": "0", **dict.fromkeys(PARTS, "0")}
    assert not balanced({**zero, part: "1"})
