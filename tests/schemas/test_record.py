"""What makes two records the same record, and what makes one another version."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import loader
from schemas.model import Edition
from schemas.record import CLOCKS, UNHASHED, business_key, content_hash, field_names

ORDER = loader.reference().datasets["HD01"]
BASE = {
    "rx_id": "RX1",
    "line_no": "1",
    "item_cnt": "3",
    "edition": "reference@2026.1",
    "fixmedins_code": "H00000000001",
    "vali_flag": "1",
}

parts = st.text(st.sampled_from("|\\a中"), max_size=6)


def test_a_key_is_its_parts_in_the_order_of_the_edition() -> None:
    assert business_key(ORDER, {"line_no": "2", "rx_id": "RX1"}) == "RX1|2"


@given(parts, parts, parts, parts)
@example("a|b\\", "c", "a\\", "b|c")
def test_different_parts_never_make_the_same_key(first: str, second: str, third: str, fourth: str) -> None:
    one = business_key(ORDER, {"rx_id": first, "line_no": second})
    other = business_key(ORDER, {"rx_id": third, "line_no": fourth})
    assert (one == other) == ((first, second) == (third, fourth))


@pytest.mark.parametrize("fields", [{"rx_id": "RX1"}, {"rx_id": "RX1", "line_no": ""}, {"rx_id": "RX1", "line_no": None}])
def test_a_missing_part_counts_as_empty(fields: dict[str, Any]) -> None:
    assert business_key(ORDER, fields) == "RX1|"


@pytest.mark.parametrize("name", sorted(UNHASHED))
def test_clocks_version_and_sender_leave_the_digest(name: str) -> None:
    assert content_hash(ORDER, {**BASE, name: "something else"}) == content_hash(ORDER, BASE)


def test_the_four_clocks_are_left_out() -> None:
    assert set(CLOCKS) <= UNHASHED


@pytest.mark.parametrize("name", sorted(BASE))
def test_any_change_of_content_moves_the_digest(name: str) -> None:
    assert content_hash(ORDER, {**BASE, name: "something else"}) != content_hash(ORDER, BASE)


def test_an_added_or_lost_field_moves_the_digest() -> None:
    assert content_hash(ORDER, {**BASE, "dr_codg": "D1"}) != content_hash(ORDER, BASE)


def test_a_change_deep_in_a_row_moves_the_digest() -> None:
    drugs = [content_hash(ORDER, {**BASE, "drugs": [{"drug_codg": code}]}) for code in ("A", "B")]
    assert drugs[0] != drugs[1]


def test_the_order_of_the_fields_does_not_matter() -> None:
    assert content_hash(ORDER, dict(reversed(BASE.items()))) == content_hash(ORDER, BASE)


def test_the_same_content_in_another_data_set_has_another_digest(reference: Edition) -> None:
    assert content_hash(reference.datasets["RH01"], BASE) != content_hash(ORDER, BASE)


def test_the_digest_names_its_algorithm_and_stays_what_it_is() -> None:
    """A fixed vector: if this moves, every ledger in the field would send everything again."""
    digest = content_hash(ORDER, {"rx_id": "RX1", "psn_name": "测试患者0001"})
    assert digest == "sha256:46926528ca7cdbb011c9e978d82c49cc192b14f46a532527500ad1e037ba1054"


def test_a_record_may_carry_the_common_fields_and_its_own(reference: Edition) -> None:
    names = field_names(reference, ORDER)
    assert {"fixmedins_code", "content_hash", "rx_id"} <= names
    assert "sess_id" not in names
