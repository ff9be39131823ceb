"""A virtual environment for each contestant, made by pip when it is first wanted and kept under build/."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.delivery.measuring import ROOT, gentle

REQUIREMENTS = Path(__file__).parent / "requirements"
PLACE = ROOT / "build" / "bench-environments"
_LIMIT = 900
_DIGEST = 12


class NotInstalledError(Exception):
    """The sentence for the table: the contestant cannot be had here."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment that has what a requirements file names."""

    folder: Path

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / "bin" / "python")

    @property
    def commands(self) -> Path:
        """Where its commands are."""
        return self.folder / "bin"


def environment(name: str, place: Path = PLACE) -> Environment:
    """The environment of requirements/<name>.txt; made if it is not there. NotInstalledError if pip cannot."""
    wanted = REQUIREMENTS / f"{name}.txt"
    found = Environment(place / f"{name}-{hashlib.sha256(wanted.read_bytes()).hexdigest()[:_DIGEST]}")
    ready = found.folder / ".ready"
    if ready.exists():
        return found
    try:
        _run([sys.executable, "-m", "venv", "--clear", str(found.folder)])
        _run([found.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", str(wanted)])
    except (OSError, subprocess.SubprocessError):
        raise NotInstalledError(f"requirements/{name}.txt 里的包在这台机器上装不上，没有测") from None
    ready.touch()
    return found


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=_LIMIT, preexec_fn=gentle)  # noqa: S603  pip and venv
