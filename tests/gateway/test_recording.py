"""The short way to a record says what the long way says, of every data set; what it is not sure of it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.judging import Judge
from gateway.model import KEY_LENGTH, Cursor, SourceRow
from gateway.recording import Recorder
from schemas import fake, wire
from schemas.compiled import validator
from schemas.model import Edition
from schemas.wire import SHANGHAI

NOW = datetime(2026, 2, 1, 8, tzinfo=SHANGHAI)


def certain(edition: Edition, code: str, record: dict[str, object], institution: str = fake.INSTITUTION) -> SourceRow:
    """A row whose content the adapter is sure of."""
    dataset = edition.datasets[code]
    content = {field.name: record[field.name] for field in dataset.fields if field.name in record}
    values = wire.Decoded({field.name: field for field in dataset.fields}, content)
    return SourceRow("1", Cursor(None, 1), institution, values, content=content, entered_at=NOW - timedelta(hours=1))


def uploaded(edition: Edition) -> list[str]:
    return [code for code, dataset in edition.datasets.items() if dataset.uploaded]


def test_both_ways_say_the_same_of_every_data_set(edition: Edition) -> None:
    for code in uploaded(edition):
        judge = Judge(edition, code, "rid")
        for record in fake.valid(edition, code, 7, 20):
            row = certain(edition, code, record)
            short, long = judge.judge(row, NOW), judge.judge(replace(row, content=None), NOW)
            assert short.aside is None, (code, short.reasons)
            assert (short.key, short.record, short.occurred) == (long.key, long.record, long.occurred)
            assert list(short.record) == list(long.record)  # the body is their JSON: byte for byte


@pytest.mark.parametrize("institution", ["", "H1234567890123", "\n"])
def test_an_institution_that_cannot_be_is_told_by_the_long_way(edition: Edition, institution: str) -> None:
    (record,) = fake.valid(edition, "RX01", 7, 1)
    judged = Judge(edition, "RX01", "rid").judge(certain(edition, "RX01", record, institution), NOW)
    assert [reason.field for reason in judged.reasons] == ["fixmedins_code"]


def test_a_key_that_the_store_cannot_hold_is_told_by_the_long_way(edition: Edition) -> None:
    recorder = Recorder(edition, edition.datasets["RX01"], "rid", lambda content: "k" * (KEY_LENGTH + 1))
    (record,) = fake.valid(edition, "RX01", 7, 1)
    row = certain(edition, "RX01", record)
    assert row.content is not None
    assert recorder.record(row, row.content, NOW) is None


def test_what_a_page_says_alike_is_said_anew_of_the_next_page(edition: Edition) -> None:
    (record,) = fake.valid(edition, "RX01", 7, 1)
    dataset, row = edition.datasets["RX01"], certain(edition, "RX01", record)
    recorder = Recorder(edition, dataset, "rid", validator(edition, "RX01").key)
    assert row.content is not None
    seen = []
    for now in (NOW, NOW + timedelta(seconds=5)):
        for institution in (fake.INSTITUTION, "P99000100002"):
            made = recorder.record(replace(row, institution=institution), row.content, now)
            assert made is not None
            seen.append((made[1]["fixmedins_code"], made[1]["seen_at"]))
    assert len(set(seen)) == 4


@pytest.mark.parametrize("code", ["RX01", "HD02"])
def test_due_times_of_a_day_are_reckoned_once_and_alike(edition: Edition, code: str) -> None:
    judge = Judge(edition, code, "rid")
    for hours in (0, 5, 23, 24, 47):
        occurred = datetime(2026, 1, 31, tzinfo=SHANGHAI) + timedelta(hours=hours)
        assert judge.due_at(fake.INSTITUTION, occurred) == Judge(edition, code, "rid").due_at(fake.INSTITUTION, occurred)
        elsewhere = occurred.astimezone(tz=None)
        assert judge.due_at(fake.INSTITUTION, occurred) == judge.due_at(fake.INSTITUTION, elsewhere)
