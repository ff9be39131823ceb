"""`.ci/run` fails for what fails and for a skip that could have run; each of its runs has skips of its own that are right."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

_RUN = Path(__file__).parents[2] / ".ci" / "run"
_NEEDED = ("psql", "mariadb", "soffice", "chromium", "chromedriver")
NEEDS_DIALECT = "DM's dialect wants SQLAlchemy 2.0: make test-dm"
HAS_DIALECT = "make test-dm has the dialect; make test shows what is told without it"
ROOT = "root may write everywhere"


def ended(folder: Path, answers: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A run whose `make` says so of each of its goals; "!" fails."""
    lines = [f'{goal}) echo "{said}"; {"exit 2" if said == "!" else "exit 0"};;' for goal, said in answers.items()]
    stubs = {"make": "\n".join(['case "$1" in', *lines, "esac"]), **dict.fromkeys(_NEEDED, "exit 0")}
    for name, body in stubs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(["bash", str(_RUN)], env=env, capture_output=True, text=True, check=False)


def skip(reason: str) -> str:
    return f"SKIPPED [1] tests/x.py:1: {reason}"


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({}, ""),
        ({"test": skip(NEEDS_DIALECT), "test-dm": skip(HAS_DIALECT)}, ""),
        ({"test": skip(ROOT), "test-dm": skip(ROOT)}, ""),
        ({"test-dm": skip(NEEDS_DIALECT)}, "make test-dm：这些测试被跳过"),
        ({"test": skip(HAS_DIALECT)}, "make test：这些测试被跳过"),
        ({"test": skip("mariadb does not run on this machine")}, "make test：这些测试被跳过"),
    ],
)
def test_a_skip_is_right_only_in_the_run_that_cannot_do_better(tmp_path: Path, answers: dict[str, str], told: str) -> None:
    run = ended(tmp_path, answers)
    assert run.returncode == (1 if told else 0), run.stdout + run.stderr
    assert told in run.stdout


@pytest.mark.parametrize("goal", ["check", "test", "test-dm"])
def test_what_fails_fails_the_run_and_ends_it(tmp_path: Path, goal: str) -> None:
    goals = ["check", "test", "test-dm"]
    run = ended(tmp_path, {**{each: each for each in goals}, goal: "!"})
    assert run.returncode == 2
    assert run.stdout.split() == [*goals[: goals.index(goal)], "!"]
