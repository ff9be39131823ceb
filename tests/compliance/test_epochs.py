"""Two gateways for one institution: the first reports, the second waits for a person."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from support.bureau import INSTITUTION, START, Caller, Maker

from compliance import epochs
from compliance.errors import ComplianceError, SecondGatewayError
from compliance.main import cli
from compliance.model import Epoch, EpochState
from compliance.receiving import Receiver
from compliance.store import tables
from compliance.store.database import Database
from compliance.store.epochs import StoredEpochs

WEEK = timedelta(days=7)
FIRST = Epoch("first", EpochState.ACTIVE, START, START)
DAY = timedelta(days=1)


def states(changed: tuple[Epoch, ...]) -> dict[str, EpochState]:
    return {each.rid: each.state for each in changed}


def test_the_first_gateway_is_taken_silently() -> None:
    verdict = epochs.judge((), {"first"}, START, WEEK)
    assert (states(verdict.changed), verdict.refused) == ({"first": EpochState.ACTIVE}, "")


def test_the_same_gateway_goes_on_and_its_last_message_is_remembered_by_the_minute() -> None:
    assert epochs.judge([FIRST], {"first"}, START + timedelta(seconds=59), WEEK) == epochs.Verdict()
    later = epochs.judge([FIRST], {"first"}, START + DAY, WEEK)
    assert [each.last_seen for each in later.changed] == [START + DAY]


def test_records_that_name_no_installation_change_nothing() -> None:
    assert epochs.judge([FIRST], (), START + DAY, WEEK) == epochs.Verdict()


@pytest.mark.parametrize(("silence", "refused"), [(DAY, True), (WEEK, True), (WEEK + timedelta(seconds=1), False)])
def test_a_second_gateway_is_refused_until_the_first_was_silent_for_the_window(silence: timedelta, refused: bool) -> None:
    verdict = epochs.judge([FIRST], {"second"}, START + silence, WEEK)
    assert bool(verdict.refused) is refused
    expected = {"second": EpochState.WAITING} if refused else {"first": EpochState.FENCED, "second": EpochState.ACTIVE}
    assert states(verdict.changed) == expected


def test_the_sentence_names_both_installations_and_when_the_other_was_seen() -> None:
    sentence = epochs.judge([FIRST], {"second"}, START + DAY, WEEK).refused
    assert "first" in sentence
    assert "second" in sentence
    assert "2026-01-15 09:00:00" in sentence


def test_a_message_of_two_installations_is_refused_even_if_one_of_them_may_report() -> None:
    assert epochs.judge([FIRST], {"first", "second"}, START, WEEK).refused
    assert epochs.judge((), {"first", "second"}, START, WEEK).refused


def test_a_fenced_gateway_never_comes_back_by_waiting() -> None:
    known = [FIRST, Epoch("old", EpochState.FENCED, START, START)]
    verdict = epochs.judge(known, {"old"}, START + 10 * WEEK, WEEK)
    assert verdict.refused
    assert states(verdict.changed) == {"old": EpochState.FENCED}


def test_a_person_approves_the_new_one_and_fences_the_old() -> None:
    known = [FIRST, Epoch("second", EpochState.WAITING, START, START)]
    changed = epochs.approve(known, "second", START + DAY)
    assert states(changed) == {"first": EpochState.FENCED, "second": EpochState.ACTIVE}
    with pytest.raises(ComplianceError, match="third"):
        epochs.approve(known, "third", START)


def test_a_second_gateways_message_is_refused_whole_and_noted(receiver: Receiver, maker: Maker, store: Database) -> None:
    mine, other = maker.records(count=2)
    receiver.receive((INSTITUTION,), maker.message([mine]), "one", START)
    with pytest.raises(SecondGatewayError):
        receiver.receive((INSTITUTION,), maker.message([{**other, "rid": "second"}]), "two", START + DAY)
    with store.read() as connection:
        assert [row.key for row in connection.execute(select(tables.record))] == [mine["key"]]
        notes = {row.reference: row.refused for row in connection.execute(select(tables.message))}
    assert notes["one"] == ""
    assert "second" in notes["two"]
    assert {epoch.rid: epoch.state for _, epoch in StoredEpochs(store).all()} == {
        mine["rid"]: EpochState.ACTIVE,
        "second": EpochState.WAITING,
    }


def test_after_approval_the_new_one_reports_and_the_old_one_is_refused(receiver: Receiver, maker: Maker, store: Database) -> None:
    mine, other = maker.records(count=2)
    receiver.receive((INSTITUTION,), maker.message([mine]), "one", START)
    with pytest.raises(SecondGatewayError):
        receiver.receive((INSTITUTION,), maker.message([{**other, "rid": "second"}]), "two", START + DAY)
    StoredEpochs(store).approve(INSTITUTION, "second", START + DAY)
    answer = receiver.receive((INSTITUTION,), maker.message([{**other, "rid": "second"}]), "three", START + DAY)
    assert answer.receipt.accepted == 1
    with pytest.raises(SecondGatewayError):
        receiver.receive((INSTITUTION,), maker.message([mine]), "four", START + DAY)


def test_another_institution_is_not_concerned(receiver: Receiver, maker: Maker) -> None:
    (mine,) = maker.records()
    receiver.receive((INSTITUTION,), maker.message([mine]), "one", START)
    neighbour = Maker(maker.edition, "H99000100009")
    (theirs,) = neighbour.records()
    message = neighbour.message([{**theirs, "rid": "second"}])
    assert receiver.receive(("H99000100009",), message, "two", START).receipt.accepted == 1


def test_over_http_the_second_gateway_gets_409_and_the_bureau_decides_by_command(
    caller: Caller, maker: Maker, config_file: Path
) -> None:
    mine, other = maker.records(count=2)
    assert caller.post(maker.message([mine])).status_code == 200
    second = maker.message([{**other, "rid": "second"}])
    refused = caller.post(second)
    assert refused.status_code == 409
    assert "医保局批准" in refused.json()["err_msg"]

    def command(*words: str) -> str:
        result = CliRunner().invoke(cli, ["--config", str(config_file), "epoch", *words])
        assert "Traceback" not in result.output
        return result.output

    assert "待批准　second" in command("list")
    assert "没有安装号" in command("approve", INSTITUTION, "nobody")
    assert "second" in command("approve", INSTITUTION, "second")
    assert "已停用" in command("list")
    assert caller.post(second).status_code == 200
