"""What the reference edition must hold, whatever else it says."""

from __future__ import annotations

import re

import pytest

from schemas import loader
from schemas.lint import findings
from schemas.model import Confidence, Edition, Field, FieldType, Replay


def _all_fields(edition: Edition) -> list[tuple[str, Field]]:
    found = [("common.yaml", spec) for spec in (*edition.common, *edition.header)]
    for dataset in edition.datasets.values():
        found += [(dataset.code, spec) for spec in dataset.fields]
        found += [(dataset.code, child) for spec in dataset.fields for child in spec.fields]
    return found


def test_lint_finds_nothing(reference: Edition) -> None:
    assert findings(reference) == ()


def test_every_field_has_a_meaning_and_every_text_a_length(reference: Edition) -> None:
    for place, spec in _all_fields(reference):
        assert spec.meaning, f"{place} {spec.name}"
        assert spec.length or spec.type is not FieldType.TEXT, f"{place} {spec.name}"


@pytest.mark.parametrize(
    ("code", "cadence"),
    [
        pytest.param("HD01", "realtime", marks=pytest.mark.requirement("J-099")),
        pytest.param("HD02", "d1", marks=pytest.mark.requirement("J-100")),
        pytest.param("HD03", "d1", marks=pytest.mark.requirement("J-101")),
        pytest.param("RH01", "realtime", marks=pytest.mark.requirement("J-104")),
        pytest.param("RH02", "d1", marks=pytest.mark.requirement("J-105")),
        ("RX01", "realtime"),
        ("3503", "d1"),
        ("3505", "d1"),
    ],
)
def test_each_data_set_has_the_cadence_of_the_plan(reference: Edition, code: str, cadence: str) -> None:
    assert reference.datasets[code].cadence == cadence


@pytest.mark.requirement("J-099")
def test_a_dialysis_order_asks_for_what_the_plan_names(reference: Edition) -> None:
    order = reference.datasets["HD01"]
    for name in ("med_list_codg", "item_cnt", "rx_end_date", "rx_time", "patn_id"):
        assert order.field(name).required


@pytest.mark.requirement("J-101")
def test_a_dialysis_session_asks_for_what_the_plan_names(reference: Edition) -> None:
    session = reference.datasets["HD03"]
    for name in ("begn_time", "end_time", "dialysis_no", "machine_no", "med_list_codg", "duration_min"):
        assert session.field(name).required
    assert session.field("drugs").type is FieldType.ROWS


def test_inventory_rows_are_known_by_their_batch_serial_number(reference: Edition) -> None:
    assert {reference.datasets[code].key for code in ("3503", "3505")} == {("fixmedins_bchno",)}


def test_a_settlement_id_is_asked_for_only_when_insurance_paid(reference: Edition) -> None:
    condition = reference.datasets["3505"].field("setl_id").required_if
    assert condition is not None
    assert (condition.field, condition.values) == ("mdtrt_setl_type", ("1",))


def test_only_our_own_receiver_lets_a_data_set_be_resent(reference: Edition) -> None:
    assert {dataset.replay for dataset in reference.datasets.values()} == {Replay.RESEND}


def test_what_the_edition_itself_decided_is_marked_as_ours(reference: Edition) -> None:
    ours = {code for code, dataset in reference.datasets.items() if dataset.source.confidence is Confidence.OURS}
    assert ours == {"HD01", "HD02", "HD03", "RX01", "RH01", "RH02"}


def test_transaction_numbers_fit_the_header(reference: Edition) -> None:
    infno = next(spec for spec in reference.header if spec.name == "infno")
    for dataset in reference.datasets.values():
        assert len(dataset.infno) <= (infno.length or 0)


def test_every_file_below_the_edition_has_a_plain_ascii_name() -> None:
    """Zip tools on Chinese Windows spoil other names."""
    for path in loader.REFERENCE.rglob("*"):
        name = str(path.relative_to(loader.REFERENCE).as_posix())
        assert re.fullmatch(r"[A-Za-z0-9_./-]+", name), name
