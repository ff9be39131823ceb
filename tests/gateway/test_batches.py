"""Batches by bytes: what is too large travels alone and is rejected alone; nothing goes round for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.databases import KEY
from support.delivery import START, Clock, Platform, Rows, prescription

from gateway.errors import RefusedError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import State
from gateway.standing import Route
from gateway.store import Store, open_store
from gateway.uploading import upload
from schemas.envelope import Result
from schemas.model import Edition, Field

LIMIT = 4000


class Strict(Platform):
    """Refuses, as the client does, a message above the limit."""

    sizes: list[int]

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        self.sizes.append(sum(map(len, bodies)))
        if self.sizes[-1] > LIMIT:
            raise RefusedError("报文太大", certain=True)
        return super().deliver(institution, dataset, msgid, bodies)


@pytest.fixture
def small(edition: Edition) -> Edition:
    return replace(edition, body_limit=LIMIT)


@pytest.fixture
def store(tmp_path: Path, small: Edition) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", small, START, KEY)
    yield opened
    opened.close()


def send(store: Store, edition: Edition) -> Strict:
    clock, platform = Clock(), Strict()
    platform.sizes = []
    rows = [prescription(number) for number in range(1, 41)]
    rows[20] = prescription(21, med_list_name="长" * 1500)
    judge = Judge(edition, "RX01", store.rid)
    accept(Rows(rows), judge, store, targets=("bureau",), clock=clock)
    upload(store, platform, "bureau", clock=clock, lease=timedelta(seconds=120))
    return platform


def test_batches_stay_below_the_bytes_and_what_is_larger_than_all_of_them_is_rejected_alone(store: Store, small: Edition) -> None:
    longer = {name: replace(field, length=2000) if name == "med_list_name" else field for name, field in _fields(small).items()}
    wide = replace(small.datasets["RX01"], input=(replace(small.datasets["RX01"].input[0], fields=tuple(longer.values())),))
    platform = send(store, replace(small, datasets={**small.datasets, "RX01": wide}))
    assert sorted(size > LIMIT for size in platform.sizes) == [False] * (len(platform.sizes) - 1) + [True]
    (found,) = store.standings([Route("his", "RX01", "bureau")])
    assert found.states == {State.ACCEPTED: 39, State.REJECTED: 1}
    (told,) = store.grievances()
    assert (told.reason, told.example) == ("报文太大", "RX00021|1")


def _fields(edition: Edition) -> dict[str, Field]:
    return {field.name: field for field in edition.datasets["RX01"].fields}
