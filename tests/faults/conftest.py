"""The fault suite. Short by default; `make faults` sets LIANGDING_FAULTS=full. LIANGDING_SEED plays another run."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from support import line as lines
from support.faultsize import Conclude, Cuts, Size
from support.line import Line

_SEED = 20261125
_MEMORY = Path("/dev/shm")
#: what a run says of itself, in the report of its test: several processes may run them
_SAID = "fault run"


FULL = os.environ.get("LIANGDING_FAULTS") == "full"
_LONG = {"sqlite": Cuts(200, 20_000), "postgresql": Cuts(200, 20_000), "mariadb": Cuts(40, 4_000)}
_SHORT = {"sqlite": Cuts(8, 400), "postgresql": Cuts(4, 200), "mariadb": Cuts(4, 200)}
SIZE = Size(True, _LONG, 4_000, 3) if FULL else Size(False, _SHORT, 400, 1)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of log lines would hide the figures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def seed() -> int:
    return int(os.environ.get("LIANGDING_SEED", _SEED))


@pytest.fixture(scope="session")
def size() -> Size:
    return SIZE


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    """A folder for the line, in memory where there is such: what a killed process wrote is kept either way, only sooner."""
    if not _MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_MEMORY, prefix="liangding-faults-") as folder:
        yield Path(folder)


@pytest.fixture
def line(room: Path, seed: int) -> Iterator[Line]:
    """A line whose network does nothing wrong until it is told to."""
    with lines.build(room / "line", seed) as built:
        yield built


@pytest.fixture
def conclude(request: pytest.FixtureRequest, seed: int) -> Conclude:
    """Called at the end of a run: the zeros, the account, one line for the record."""

    def concluded(line: Line, detail: str = "", excused: frozenset[str] = frozenset()) -> None:
        verdict = line.verdict(excused)
        faults = ", ".join(f"{name} {count}" for name, count in sorted(line.proxy.counts.items()) if name != "none")
        said = f"{request.node.name} (seed {seed}): {verdict}. {'; '.join(filter(None, (detail, faults)))}"
        request.node.user_properties.append((_SAID, said))
        assert verdict.zeros == (0, 0, 0), verdict
        assert verdict.rows > 0
        assert line.unbalanced() == []

    return concluded


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of every fault run."""
    reports = [each for outcome in ("passed", "failed") for each in terminalreporter.getreports(outcome)]
    if said := [said for each in reports if each.when == "call" for name, said in each.user_properties if name == _SAID]:
        terminalreporter.section("fault runs")
        for sentence in said:
            terminalreporter.write_line(sentence)
