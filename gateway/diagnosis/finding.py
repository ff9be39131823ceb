"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How it stands."""

    GOOD = "正常"
    NOTICE = "注意"
    BAD = "不行"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    grade: Grade
    subject: str
    sentence: str  #: what is, and what to do where something is


def good(subject: str, sentence: str) -> Finding:
    """All well."""
    return Finding(Grade.GOOD, subject, sentence)


def notice(subject: str, sentence: str) -> Finding:
    """A person should look."""
    return Finding(Grade.NOTICE, subject, sentence)


def bad(subject: str, sentence: str) -> Finding:
    """It cannot work like this."""
    return Finding(Grade.BAD, subject, sentence)
