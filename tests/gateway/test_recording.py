"""The short way to a record says what the long way says, of every data set; what it is not sure of it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle

import pytest

from gateway.judging import Judge
from gateway.model import KEY_LENGTH, Cursor, SourceRow
from gateway.recording import Recorder
from schemas import fake, overlay, wire
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


ENTERED = (None, NOW - timedelta(hours=1), datetime(1800, 1, 1, tzinfo=SHANGHAI), datetime(1986, 5, 4, 0, 30, tzinfo=SHANGHAI))


@pytest.mark.parametrize("code", ["reference", "hubei", "jilin", "nmg"])
def test_both_ways_say_the_same_of_every_data_set(code: str) -> None:
    edition = overlay.load(code)
    for dataset in uploaded(edition):
        judge = Judge(edition, dataset, "rid")
        for record, entered_at in zip(fake.valid(edition, dataset, 7, 20), cycle(ENTERED), strict=False):
            alike(judge, replace(certain(edition, dataset, record), entered_at=entered_at))


def alike(judge: Judge, row: SourceRow) -> None:
    """Both ways make the same of it, and the short one does."""
    short, long = judge.judge(row, NOW), judge.judge(replace(row, content=None), NOW)
    assert (short.key, short.record, short.occurred, short.reasons) == (long.key, long.record, long.occurred, long.reasons)
    assert list(short.record) == list(long.record)  # the body is their JSON: byte for byte


def test_a_field_of_a_region_that_is_called_like_a_clock_is_left_out_of_the_digest_by_both(edition: Edition) -> None:
    dataset = edition.datasets["RX01"]
    clock = replace(dataset.field(dataset.occurred), name="accepted_at", required=False)
    node = replace(dataset.input[0], fields=(*dataset.fields, clock))
    extended = replace(edition, datasets={**edition.datasets, "RX01": replace(dataset, input=(node,))})
    (record,) = fake.valid(edition, "RX01", 7, 1)
    row = certain(extended, "RX01", {**record, "accepted_at": "2026-01-02 03:04:05"})
    alike(Judge(extended, "RX01", "rid"), row)
    plain = Judge(edition, "RX01", "rid").judge(certain(edition, "RX01", record), NOW)
    assert Judge(extended, "RX01", "rid").judge(row, NOW).digest == plain.digest


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
