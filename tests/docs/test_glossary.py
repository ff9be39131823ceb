"""Every noun we introduced has its Chinese word and one sentence."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

MODULES = [
    *(
        "gateway/model.py",
        "gateway/outbox.py",
        "gateway/standing.py",
        "gateway/worklist.py",
        "gateway/whereabouts.py",
        "gateway/operators.py",
        "gateway/outlook.py",
        "gateway/lockout.py",
        "gateway/roles.py",
        "gateway/quality.py",
    ),
    "schemas/model.py",
]
#: We aim to keep this list empty.
WITHOUT_A_WORD: frozenset[str] = frozenset()


def entries(root: Path) -> list[list[str]]:
    """Rows of the tables: Chinese, English, sentence."""
    lines = (root / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in rows if row[0] != "中文"]


def public_classes(path: Path) -> list[str]:
    """Names of the classes at the top level."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return [node.name for node in body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


@pytest.mark.parametrize("module", MODULES)
def test_every_class_of_the_model_has_its_word(root: Path, module: str) -> None:
    words = {word for row in entries(root) for word in row[1].lower().split(" / ")}
    names = public_classes(root / module)
    assert names
    missing = {name for name in names if re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() not in words}
    assert missing - WITHOUT_A_WORD == set()


def test_every_word_has_chinese_english_and_one_sentence_and_stands_once(root: Path) -> None:
    rows = entries(root)
    assert [row for row in rows if len(row) != 3 or not all(row) or not row[2].endswith("。")] == []
    chinese = [row[0] for row in rows]
    assert [word for word in chinese if chinese.count(word) > 1] == []
