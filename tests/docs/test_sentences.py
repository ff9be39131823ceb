"""The manual's table of error sentences is held against the code: what it quotes, some program still says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("schemas", "gateway", "adapters", "jobs", "compliance")
#: where a sentence is put together: a value, a number, or one part after another
SEAMS = re.compile(r"…|：|。|（|）|`[^`]*`|\[|\]\([^)]*\)|\b[nm]\b|HTTP 5xx|\s\+\s")
SHORTEST = 3  #: characters; what is shorter says nothing


@pytest.fixture(scope="module")
def said(root: Path) -> str:
    """Every text in the code, a line each; a value inside one is a line break."""
    return "\n".join(text for package in PACKAGES for path in (root / package).rglob("*.py") for text in texts(path))


def texts(path: Path) -> Iterator[str]:
    """The constant texts of a module, docstrings apart: those are written for us."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield re.sub(r"\{[^{}]*\}", "\n", node.value)


def quoted(manual: str) -> list[tuple[str, str]]:
    """(sentence, fixed part) of the first column of every table of 报错对照."""
    chapter = manual.split("\n## 四、报错对照\n")[1]
    cells = [line.split(" | ")[0].removeprefix("| ") for line in chapter.splitlines() if line.startswith("| ")]
    sentences = [sentence for cell in cells if cell != "屏幕上" for sentence in cell.split(" / ")]
    parts = [(sentence, part.strip("，、；？ ")) for sentence in sentences for part in SEAMS.split(sentence)]
    return [(sentence, part) for sentence, part in parts if len(part) >= SHORTEST]


def spoken(part: str, said: str) -> bool:
    """Whether the part stands in the code, whole or clause by clause: a clause may be a value of its own."""
    return part in said or all(clause in said for clause in part.split("，") if len(clause) >= SHORTEST)


def test_every_quoted_sentence_is_one_the_programs_say(manual: str, said: str) -> None:
    found = quoted(manual)
    assert len(found) > 100
    assert [(sentence, part) for sentence, part in found if not spoken(part, said)] == []


def test_every_row_of_the_table_has_something_that_can_be_looked_up(manual: str) -> None:
    chapter = manual.split("\n## 四、报错对照\n")[1]
    cells = {line.split(" | ")[0].removeprefix("| ") for line in chapter.splitlines() if line.startswith("| ")} - {"屏幕上"}
    held = {sentence for sentence, _ in quoted(manual)}
    assert [cell for cell in cells if not held & set(cell.split(" / "))] == []
