"""Links lead somewhere; records and dependencies are listed where a reader looks for them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

SKIPPED = {"demo-output", "build", "dist"}


def documents(root: Path) -> list[Path]:
    """Every Markdown file of the repository."""
    found = [path.relative_to(root) for path in root.rglob("*.md")]
    return [path for path in found if not any(part in SKIPPED or part.startswith(".") for part in path.parts)]


def test_every_relative_link_leads_to_a_file(root: Path) -> None:
    links = [
        (str(document), link)
        for document in documents(root)
        for link in re.findall(r"\]\(([^)#\s]+)", (root / document).read_text(encoding="utf-8"))
        if "://" not in link
    ]
    assert len(links) > 10
    assert [(document, link) for document, link in links if not (root / document).parent.joinpath(link).exists()] == []


def test_every_design_record_is_listed(root: Path) -> None:
    listed = (root / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    records = [path.name for path in (root / "docs" / "adr").glob("[0-9]*.md")]
    assert len(records) >= 8
    assert [name for name in records if f"({name})" not in listed] == []


@pytest.mark.parametrize("group", ["dependencies", "optional-dependencies"])
def test_every_dependency_has_its_line_in_the_record(root: Path, group: str) -> None:
    record = (root / "docs" / "adr" / "0005-dependencies.md").read_text(encoding="utf-8")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = project[group] if group == "dependencies" else [each for extra in project[group].values() for each in extra]
    names = {re.split(r"[\[<>=; ]", each)[0] for each in stated} - {project["name"]}
    assert names
    assert {name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", record)} == set()
