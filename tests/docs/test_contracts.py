"""The import contracts guard modules that do not exist yet: a new one is caught, or has to say where it belongs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

#: modules that are no use case, and why
RIM = {
    "gateway": {
        "__init__": "the package",
        "__main__": "starts the command",
        "alerting": "commands",
        "accounts": "commands",
        "auditing": "commands",
        "beating": "jobs",
        "channels": "the way to people, through Apprise",
        "console": "the screen",
        "declarations": "commands",
        "declaring": "goes through wiring: a declaration is a row like any other",
        "granting": "commands",
        "layout": "the screen",
        "locating": "commands, and the look-up that the console shares with them",
        "main": "commands",
        "maintenance": "commands and their jobs",
        "mending": "goes through wiring: tasks are looked up and judged again at their sources",
        "outlook": "asks wiring how everything stands",
        "ownrecords": "goes through wiring: what the gateway makes itself is taken in like a row",
        "proofpage": "the screen, and a page to be printed",
        "proving": "commands",
        "oversight": "reads the configuration",
        "pulse": "jobs",
        "pushing": "reads by gateway.tiers",
        "requeueing": "commands",
        "rescanning": "jobs",
        "rosterfile": "reads the tables that the configuration names",
        "serving": "starts the listener",
        "spec": "commands",
        "specview": "the screen",
        "stating": "reads and states by wiring; the job of serve",
        "taskview": "the screen",
        "telling": "commands",
        "tending": "commands and their jobs",
        "tiers": "the store and the guards of one source, put together",
        "timekeeping": "commands, and whether their jobs may go by the clock",
        "timeliness": "commands",
        "todo": "commands",
        "unread": "asks wiring what is configured",
        "watching": "jobs",
        "wiring": "puts everything together",
    },
    "compliance": {
        "__init__": "the package",
        "__main__": "starts the command",
        "boardview": "commands and their words",
        "closures": "commands",
        "closuresheet": "reads a person's table",
        "config": "reads the configuration",
        "credentials": "the credentials file",
        "main": "commands",
        "serving": "puts everything together",
        "sheets": "reads a person's table",
        "telling": "commands",
        "thresholds": "reads the policy",
        "upkeep": "commands and their job",
    },
}
CONTRACTS = {"gateway": "use cases do not know technology", "compliance": "the bureau's use cases do not know technology"}


@pytest.fixture(scope="module")
def linter(root: Path) -> dict[str, Any]:
    """The section of pyproject.toml."""
    settings: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return settings


@pytest.mark.parametrize("package", CONTRACTS)
def test_every_module_is_a_use_case_or_says_why_not(root: Path, linter: dict[str, Any], package: str) -> None:
    (contract,) = (each for each in linter["contracts"] if each["name"] == CONTRACTS[package])
    guarded = {name.removeprefix(f"{package}.") for name in contract["source_modules"]}
    assert guarded & set(RIM[package]) == set()
    unguarded = {path.stem for path in (root / package).glob("*.py")} - guarded - set(RIM[package])
    assert not unguarded, f"put into the contract “{CONTRACTS[package]}” of pyproject.toml, or above with a reason: {unguarded}"


def test_a_new_module_with_a_dependency_of_another_room_breaks_its_contract(
    root: Path, tmp_path: Path, linter: dict[str, Any]
) -> None:
    for package in linter["root_packages"]:
        shutil.copytree(root / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    intruders = {
        "gateway/newcomer.py": ("requests", "requests live in"),
        "compliance/newcomer.py": ("flask", "Flask lives in"),
        "schemas/newcomer.py": ("sqlalchemy", "SQLAlchemy lives in"),
        "demo/newcomer.py": ("apscheduler", "APScheduler and waitress live in"),
        "jobs/newcomer.py": ("openpyxl", "openpyxl lives"),
        "adapters/newcomer.py": ("gateway.outbox", "adapters see"),
    }
    for path, (dependency, _) in intruders.items():
        (tmp_path / path).write_text(f"import {dependency}\n", encoding="utf-8")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120)
    told = " ".join(done.stdout.split())
    assert done.returncode == 1
    for path, (dependency, name) in intruders.items():
        assert f"{path.removesuffix('.py').replace('/', '.')} -> {dependency} (l.1)" in told, told
        (contract,) = (each["name"] for each in linter["contracts"] if each["name"].startswith(name))
        assert f"{contract} BROKEN" in told
