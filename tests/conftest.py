"""What every test begins with, whatever ran before it."""

from __future__ import annotations

import pytest
import structlog


@pytest.fixture(autouse=True)
def _log_as_at_the_start() -> None:
    """A command run in this process keeps its output free of log lines, also for the tests after it."""
    structlog.reset_defaults()
