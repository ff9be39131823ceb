"""What the reference edition must hold, whatever else it says."""

from __future__ import annotations

import re

import pytest

from schemas import loader
from schemas.lint import findings
from schemas.model import (
    Condition,
    Confidence,
    Edition,
    Encoding,
    Field,
    FieldType,
    Form,
    Node,
    Replay,
    Severity,
    Success,
)

#: what is uploaded, with the fields that the list of data sets marks as required
REQUIRED = {
    "HD01": "rx_id line_no patn_id med_list_codg item_cnt rx_end_date rx_time",
    "HD02": "schd_id schd_date shift patn_id",
    "HD03": "sess_id patn_id dialysis_no machine_no begn_time end_time duration_min med_list_codg",
    "HD04A": "stoin_id line_no item_codg item_name cnt unit stoin_time",
    "HD04B": "stoout_id line_no item_codg item_name cnt unit stoout_time",
    "HD04C": "month item_codg item_name lot_no cnt unit stock_time",
    "HD05": "month patn_id diag_codg diag_name dialysis_plan survival_stas",
    "RH01": "rx_id line_no patn_id med_list_codg item_cnt rx_end_date rx_time",
    "RH02": "treat_id patn_id treat_type med_list_codg begn_time",
    "RH03": "month patn_id diag_codg diag_name treat_plan",
    "RX01": "rx_id line_no patn_id med_list_codg cnt rx_time",
    "IP01": "adm_id patn_id adm_time",
    "IP02": "adm_id dscg_time",
    "VS01": "visit_id scene patn_id visit_time",
    "PH01": "check_id scene credential face_result evaluation med_sumamt check_time",
    "BI01": "event_id patn_id device_no operator event_time consent_id",
    "BI02": "event_id scene action patn_id device_no event_time method result",
    "BI03": "event_id patn_id type from operator device_no event_time",
    "BI04": "event_id owner agent relation valid_from valid_until proof event_time",
    "BI05": "event_id task_id patn_id result event_time",
    "BI06": "event_id rx_id reason event_time",
    "OP01": "dataset business_date snapshot_time digest read excluded not_ready quarantined unchanged queued leased sending"
    " unknown held accepted rejected superseded",
    "OP02": "beat_id beat_time gateway_version queue_depth disk_free_mb",
    "OP03": "declaration_id declared_time reason from",
}
INVENTORY = ("3501", "3502", "3503", "3504", "3505", "3506")
CALLED = ("1101", "2101", "2102", "2206", "2207", "2601", "3101", "3102", "3103", "3507", "9001", "9002", "QY01")


def _deep(place: str, specs: tuple[Field, ...]) -> list[tuple[str, Field]]:
    below = (each for spec in specs for each in _deep(f"{place} {spec.name}", spec.fields))
    return [*((place, spec) for spec in specs), *below]


def _all_fields(edition: Edition) -> list[tuple[str, Field]]:
    found = [("common.yaml", spec) for spec in (*edition.common, *edition.header)]
    for dataset in edition.datasets.values():
        for node in (*dataset.input, *dataset.output):
            found += _deep(f"{dataset.code} {node.name}", node.fields)
    return found


def _node(edition: Edition, code: str, name: str) -> Node:
    dataset = edition.datasets[code]
    return next(node for node in (*dataset.input, *dataset.output) if node.name == name)


def _shape(spec: Field) -> tuple[object, ...]:
    """What a field asks for, whatever its document is called."""
    return (spec.name, spec.type, spec.length, spec.required, spec.codes, tuple(_shape(child) for child in spec.fields))


def _names(specs: tuple[Field, ...]) -> set[str]:
    return {spec.name for spec in specs}


def test_the_edition_holds_these_data_sets_and_transactions(reference: Edition) -> None:
    assert {code for code, dataset in reference.datasets.items() if dataset.uploaded} == {*REQUIRED, *INVENTORY}
    assert {code for code, dataset in reference.datasets.items() if not dataset.uploaded} == set(CALLED)


@pytest.mark.parametrize("code", REQUIRED)
def test_a_data_set_requires_what_it_must_and_nothing_else(reference: Edition, code: str) -> None:
    assert {spec.name for spec in reference.datasets[code].fields if spec.required} == set(REQUIRED[code].split())


@pytest.mark.parametrize(
    ("code", "field", "other", "values"),
    [
        ("HD02", "absence_reason", "schd_stas", ("3",)),
        ("HD05", "stas_date", "survival_stas", ("2", "3", "4", "5", "6")),
        ("BI02", "catch_up_reason", "catch_up", ("1",)),
        ("BI02", "location", "action", ("送药",)),
        ("PH01", "reason_code", "decision", ("continue",)),
        ("1101", "card_sn", "mdtrt_cert_type", ("03",)),
        ("2207", "mdtrt_cert_no", "mdtrt_cert_type", ("01", "02", "03")),
    ],
)
def test_a_field_is_asked_for_when_another_says_so(
    reference: Edition, code: str, field: str, other: str, values: tuple[str, ...]
) -> None:
    condition = reference.datasets[code].field(field).required_if
    assert condition == Condition(other, values)


def test_a_feedback_that_goes_on_all_the_same_gives_its_reason(reference: Edition) -> None:
    (reason,) = (spec for spec in reference.datasets["3103"].field("warns").fields if spec.name == "dspo_way_rea")
    assert reason.required_if == Condition("dspo_way", ("1",))


def test_lint_finds_nothing(reference: Edition) -> None:
    assert findings(reference) == ()


def test_every_field_has_a_label_a_meaning_and_a_source_and_every_text_a_length(reference: Edition) -> None:
    for place, spec in _all_fields(reference):
        assert re.search("[\u4e00-\u9fff]", spec.label), f"{place} {spec.name}"
        assert re.search("[\u4e00-\u9fff]", spec.meaning), f"{place} {spec.name}"
        assert spec.source.doc and spec.source.ref and spec.source.dated, f"{place} {spec.name}"
        assert spec.length or spec.type is not FieldType.TEXT, f"{place} {spec.name}"


@pytest.mark.parametrize(
    ("code", "cadence"),
    [
        pytest.param("HD01", "realtime", marks=pytest.mark.requirement("J-099")),
        pytest.param("HD02", "d1", marks=pytest.mark.requirement("J-100")),
        pytest.param("HD03", "d1", marks=pytest.mark.requirement("J-101")),
        pytest.param("RH01", "realtime", marks=pytest.mark.requirement("J-104")),
        pytest.param("RH02", "d1", marks=pytest.mark.requirement("J-105")),
        *(pytest.param(code, "monthly", marks=pytest.mark.requirement("J-102")) for code in ("HD04A", "HD04B", "HD04C")),
        pytest.param("HD05", "monthly", marks=pytest.mark.requirement("J-103")),
        pytest.param("RH03", "monthly", marks=pytest.mark.requirement("J-106")),
        *((code, "realtime") for code in ("RX01", "IP01", "IP02", "PH01", "BI01", "BI02", "BI03", "BI04", "BI05", "BI06")),
        *((code, "d1") for code in ("VS01", *INVENTORY)),
        *(("OP01", "daily"), ("OP02", "every5"), ("OP03", "event")),
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
    assert {reference.datasets[code].key for code in INVENTORY} == {("fixmedins_bchno",)}


@pytest.mark.parametrize("code", INVENTORY)
def test_inventory_goes_as_many_rows_with_trace_codes_or_as_one_row_without(reference: Edition, code: str) -> None:
    dataset = reference.datasets[code]
    (single,) = dataset.forms
    assert (dataset.infno, dataset.input[0].name) == (f"{code}A", f"{single.node}Detail")
    assert (single.infno, single.encoding, single.without) == (code, Encoding.OBJECT, ("drugtracinfo",))
    assert _names(dataset.field("drugtracinfo").fields) == {"drug_trac_codg"}
    assert [rule.path for rule in dataset.success] == ["infcode", "output.result.retRslt"]


def test_a_deletion_names_the_row_and_its_kind(reference: Edition) -> None:
    deletion = reference.datasets["3507"]
    assert (deletion.input[0].encoding, deletion.forms) == (Encoding.OBJECT, (Form("3507A", "goodDetail", Encoding.ARRAY),))
    assert _names(deletion.fields) == {"fixmedins_bchno", "inv_data_type"}


def test_an_enrolment_carries_neither_face_template_nor_picture(reference: Edition) -> None:
    words = re.compile("template|tmpl|ftur|image|img|pic|photo|face")
    assert not [name for name in _names(reference.datasets["BI01"].fields) if words.search(name)]


def test_the_scenes_a_record_can_name_are_those_of_the_edition(reference: Edition) -> None:
    assert tuple(reference.codes["scene"].values) == reference.scenes


def test_what_belongs_to_no_one_scene_raises_no_expectation_in_any(reference: Edition) -> None:
    open_sets = {code for code, dataset in reference.datasets.items() if not dataset.scene}
    assert open_sets == {*CALLED, "VS01", *(f"BI0{number}" for number in range(1, 7)), "OP01", "OP02", "OP03"}


@pytest.mark.parametrize(
    ("code", "inputs", "outputs"),
    [
        ("1101", "data", "baseinfo insuinfo idetinfo"),
        ("2101", "druginfo drugdetail", "setlinfo setldetail detlcutinfo"),
        ("2102", "druginfo drugdetail", "setlinfo setldetail detlcutinfo"),
        ("2206", "data", "setlinfo setldetail"),
        ("2207", "data", "setlinfo setldetail"),
        ("2601", "data", ""),
        ("3101", "data", "result"),
        ("3102", "data", "result"),
        ("3103", "data", ""),
        ("3507", "data", ""),
        ("9001", "signIn", "signinoutb"),
        ("9002", "signOut", "signoutoutb"),
    ],
)
def test_a_call_has_the_nodes_of_its_transaction(reference: Edition, code: str, inputs: str, outputs: str) -> None:
    dataset = reference.datasets[code]
    assert [node.name for node in dataset.input] == inputs.split()
    assert [node.name for node in dataset.output] == outputs.split()
    assert dataset.success[0] == Success("infcode", ("0",))


def test_only_a_settlement_that_moved_money_has_a_settlement_id(reference: Edition) -> None:
    for code, settled in (("2101", False), ("2102", True), ("2206", False), ("2207", True)):
        node = _node(reference, code, "setlinfo")
        assert node.encoding is Encoding.OBJECT
        assert ("setl_id" in _names(node.fields)) is settled


def test_the_audit_before_and_during_settlement_share_one_structure(reference: Edition) -> None:
    before, during = (reference.datasets[code].field("patient_dtos") for code in ("3101", "3102"))
    assert _shape(before) == _shape(during)
    (visits,) = (spec for spec in before.fields if spec.name == "fsi_encounter_dtos")
    children = {spec.name: len(spec.fields) for spec in visits.fields if spec.fields}
    assert children == {"fsi_diagnose_dtos": 7, "fsi_order_dtos": 34, "fsi_operation_dtos": 10}


def test_a_drug_code_longer_than_the_document_allows_is_told_and_goes(reference: Edition) -> None:
    places = [spec.length_severity for _, spec in _all_fields(reference) if spec.name == "hilist_code"]
    assert places == [Severity.WARN, Severity.WARN]


def test_a_settlement_id_is_asked_for_only_when_insurance_paid(reference: Edition) -> None:
    condition = reference.datasets["3505"].field("setl_id").required_if
    assert condition is not None
    assert (condition.field, condition.values) == ("mdtrt_setl_type", ("1",))


def test_only_our_own_receiver_lets_a_data_set_be_resent(reference: Edition) -> None:
    assert {dataset.replay for dataset in reference.datasets.values() if dataset.uploaded} == {Replay.RESEND}


def test_a_call_that_moves_money_is_never_simply_repeated(reference: Edition) -> None:
    replays = {code: reference.datasets[code].replay for code in CALLED if reference.datasets[code].replay is not Replay.RESEND}
    assert replays == {
        "2102": Replay.DELETE_AND_RESEND,
        "2207": Replay.DELETE_AND_RESEND,
        "2601": Replay.PERSON,
        "3507": Replay.QUERY,
    }


def test_what_the_edition_itself_decided_is_marked_as_ours(reference: Edition) -> None:
    ours = {code for code, dataset in reference.datasets.items() if dataset.source.confidence is Confidence.OURS}
    assert ours == {*REQUIRED, "QY01"}


def test_conflicting_transcriptions_are_not_claimed_as_agreed(reference: Edition) -> None:
    for name in ("med_mdtrt_type", "matn_stas", "drord_dr_profttl", "inv_chg_type"):
        assert reference.codes[name].source.confidence is Confidence.SINGLE


def test_transaction_numbers_fit_the_header(reference: Edition) -> None:
    infno = next(spec for spec in reference.header if spec.name == "infno")
    for dataset in reference.datasets.values():
        for number in (dataset.infno, *(form.infno for form in dataset.forms)):
            assert len(number) <= (infno.length or 0)


def test_every_file_below_the_edition_has_a_plain_ascii_name() -> None:
    """Zip tools on Chinese Windows spoil other names."""
    for path in loader.REFERENCE.rglob("*"):
        name = str(path.relative_to(loader.REFERENCE).as_posix())
        assert re.fullmatch(r"[A-Za-z0-9_./-]+", name), name
