"""Errors of the agreed data and messages, sorted by who must act."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.model import Violation


class SpecError(Exception):
    """A YAML file of ours says something wrong: stop at start; the message names file, line and key."""

    def __init__(self, message: str, *, file: Path | str = "", line: int = 0, key: str = "") -> None:
        where = str(file) + (f" 第 {line} 行" if line else "")
        parts = [part for part in (where, f"键 {key}" if key else "", message) if part]
        super().__init__("：".join(parts))


class WireError(ValueError):
    """A value cannot be written as, or read from, the wire text of its field."""


class RecordInvalidError(Exception):
    """A record breaks the edition; `violations` holds every reason, not only the first."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("；".join(violation.message for violation in self.violations))


class EnvelopeError(Exception):
    """The 公共报文头 is unusable, so no record of the message can be judged."""


class RefusedWholeError(EnvelopeError):
    """The receiver read the message and refused it whole; the message is its own sentence."""
