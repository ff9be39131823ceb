"""An institution as the bureau meets it: its records, its messages, its signed requests, and a clock the test moves."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import requests

from schemas import envelope, fake, record, signature
from schemas.envelope import Sender
from schemas.model import Edition
from schemas.signature import Credential
from schemas.wire import SHANGHAI

INSTITUTION = fake.INSTITUTION
START = datetime(2026, 1, 15, 9, 0, tzinfo=SHANGHAI)


@dataclass
class Clock:
    """Time that stands still until the test moves it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class Maker:
    """Makes wire records and signed messages of one institution."""

    edition: Edition
    institution: str = INSTITUTION
    serial: int = field(default=0)

    def records(self, code: str = "HD03", count: int = 1, seed: int = 1) -> list[dict[str, Any]]:
        return list(fake.valid(self.edition, code, seed, count, institution=self.institution))

    def changed(self, body: Mapping[str, Any], code: str = "HD03", **values: Any) -> dict[str, Any]:
        """The same record saying something else, with a right digest."""
        dataset = self.edition.datasets[code]
        made = {**body, **values}
        return {**made, "content_hash": record.content_hash(dataset, made)}

    def message(self, records: list[dict[str, Any]], code: str = "HD03", now: datetime = START) -> bytes:
        self.serial += 1
        sender = Sender(self.institution, "测试医院", "000000", "TEST")
        msgid = envelope.message_id(self.institution, now, self.serial)
        return envelope.wrap(self.edition, self.edition.datasets[code], sender, msgid, records, now)


@dataclass(frozen=True)
class Caller:
    """An institution that posts over real HTTP."""

    url: str
    credential: Credential
    clock: Clock

    def post(self, body: bytes, sent: bytes | None = None, *, path: str = "/api/upload", **changed: str) -> requests.Response:
        """Sign `body` and post it, or post `sent` under its signature."""
        headers = signature.headers(self.credential, body, int(self.clock().timestamp()), uuid.uuid4().hex) | changed
        return requests.post(f"{self.url}{path}", data=body if sent is None else sent, headers=headers, timeout=10)

    def with_token(self, token: str) -> Caller:
        return replace(self, credential=Credential(self.credential.paasid, token))
