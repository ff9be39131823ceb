"""Who may do what on the web pages: roles are data (roles.yaml), what there is to do is a closed list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from schemas import yamlfile
from schemas.yamlfile import Section

_FILE = Path(__file__).with_name("roles.yaml")


class Permission(StrEnum):
    """Something to see or to do."""

    FIGURES = "figures"  #: counts, risks, queues: nothing of a single row
    ROWS = "rows"  #: find one row and see its way
    TASKS = "tasks"  #: rows that a person must mend
    DEPARTMENTS = "departments"  #: those of every department, not of one's own alone
    NOTE = "note"  #: say how far a task is
    ASSIGN = "assign"  #: say who sees to it
    REPLAY = "replay"  #: have a row judged or sent once more
    RESUME = "resume"  #: end a wait for a platform
    RELEASE = "release"  #: let go what a brake stopped
    USERS = "users"  #: accounts, and who has seen what


@dataclass(frozen=True, slots=True)
class Role:
    """What somebody's work is here."""

    code: str
    title: str  #: Chinese
    says: str  #: one Chinese sentence
    may: frozenset[Permission]

    @property
    def confined(self) -> bool:
        """Whether it sees one department only, which then has to be named."""
        return Permission.TASKS in self.may and Permission.DEPARTMENTS not in self.may


@cache
def roles() -> Mapping[str, Role]:
    """Every role by its code. SpecError if the file names a permission that there is not."""
    section = yamlfile.read(_FILE).known("source", "roles")
    return {code: _role(code, each) for code, each in section.named("roles").items()}


def _role(code: str, section: Section) -> Role:
    section.known("title", "says", "may")
    try:
        may = frozenset(map(Permission, section.texts("may")))
    except ValueError:
        raise section.error(f"只能是 {'、'.join(Permission)}", "may") from None
    return Role(code, section.need("title", str), section.need("says", str), may)
