"""Log lines of both deployables tell the same time the same way, whatever zone the machine is set to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import structlog

from compliance import main as bureau
from gateway import main as gateway
from schemas.wire import SHANGHAI


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine in another zone; structlog as it was afterwards."""
    monkeypatch.setenv("TZ", "America/New_York")
    if hasattr(time, "tzset"):
        time.tzset()
    yield
    structlog.reset_defaults()
    monkeypatch.undo()
    if hasattr(time, "tzset"):
        time.tzset()


@pytest.mark.parametrize("configure", [gateway._log_lines, bureau._log_json])
def test_a_log_line_has_beijing_time_with_its_offset(configure: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    structlog.get_logger().warning("read", rows=1)
    (line,) = capsys.readouterr().err.splitlines()
    stamp = json.loads(line)["timestamp"]
    assert stamp.endswith("+08:00")
    assert abs(datetime.fromisoformat(stamp) - datetime.now(SHANGHAI)) < timedelta(minutes=1)
