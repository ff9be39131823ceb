"""What happens beside the receiving service: tidying once an hour, and nothing that goes wrong there ends the service."""

from __future__ import annotations

import time

import pytest
import structlog
from structlog.testing import capture_logs

from compliance import upkeep
from compliance.config import Config
from compliance.errors import StoreError


@pytest.fixture(autouse=True)
def _plain_log() -> None:
    structlog.reset_defaults()


def test_it_tidies_at_once_and_then_once_an_hour(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    started = time.monotonic()
    keeping = upkeep.Upkeep(config)
    with capture_logs() as lines:
        keeping.turn()
        keeping.turn()
        monkeypatch.setattr(time, "monotonic", lambda: started + 3700)
        keeping.turn()
    keeping.close()
    assert [(line["event"], line["heartbeats"]) for line in lines] == [("tidied", 0), ("tidied", 0)]


@pytest.mark.parametrize(("error", "told"), [(StoreError("磁盘已满"), "not tidied"), (ValueError("a person"), "unexpected")])
def test_what_goes_wrong_is_one_line(config: Config, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str) -> None:
    def broken(*_: object) -> int:
        raise error

    monkeypatch.setattr(upkeep, "compact", broken)
    keeping = upkeep.Upkeep(config)
    with capture_logs() as lines:
        keeping.turn()
    keeping.close()
    assert [line["event"] for line in lines] == [told]
    assert "person" not in str(lines)
