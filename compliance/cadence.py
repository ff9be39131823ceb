"""Expected against received: when a record is due, and what each institution has uploaded on time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import schemas.cadence
from compliance.coverage import UploadLine
from compliance.model import Institution, Tally
from schemas import operating, wire
from schemas.cadence import Closed, open_always
from schemas.model import Dataset, Edition, FieldType


def due_at(edition: Edition, dataset: Dataset, record: Mapping[str, Any], closed: Closed = open_always) -> datetime:
    """The last moment at which this valid record is on time.

    The data set's own business field decides, because the content hash covers it; `occurred_at` is a clock that it
    leaves out. Only where that field is neither date nor time (a month) does `occurred_at` stand in.
    """
    return schemas.cadence.due_at(edition.cadences[dataset.cadence], _occurred(dataset, record), closed)


def _occurred(dataset: Dataset, record: Mapping[str, Any]) -> datetime:
    text = record.get(dataset.occurred)
    kind = next((field.type for field in dataset.fields if field.name == dataset.occurred), None)
    if text and kind is FieldType.DATETIME:
        return wire.decode_datetime(text)
    if text and kind is FieldType.DATE:
        return datetime.combine(date.fromisoformat(text), time(), wire.SHANGHAI)
    return wire.decode_datetime(record["occurred_at"])


def upload_lines(
    edition: Edition, institutions: tuple[Institution, ...], tallies: Mapping[tuple[str, str], Tally]
) -> tuple[UploadLine, ...]:
    """One line per institution and data set that is planned or has come in; a planned one with nothing in it shows zeros."""
    return tuple(
        _line(edition, institution, dataset, tallies.get((institution.code, dataset.code)))
        for institution in institutions
        for dataset in edition.datasets.values()
        if dataset.code not in operating.CODES
        if expected(institution, dataset) or (institution.code, dataset.code) in tallies
    )


def expected(institution: Institution, dataset: Dataset) -> bool:
    """Whether the plan asks it of the institution."""
    return bool(institution.code) and not institution.deferred and dataset.scene in institution.scenes


def _line(edition: Edition, institution: Institution, dataset: Dataset, tally: Tally | None) -> UploadLine:
    counts = tally or Tally(institution.code, dataset.code)
    return UploadLine(
        institution=institution.name,
        code=institution.code,
        dataset=dataset.code,
        dataset_name=dataset.name,
        cadence=edition.cadences[dataset.cadence].label,
        received=counts.received,
        withdrawn=counts.withdrawn,
        rejected=counts.rejected,
        on_time=counts.on_time,
        late=counts.late,
        last_received=counts.last_received,
    )
