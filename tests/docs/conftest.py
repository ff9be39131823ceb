"""Where the documents lie, and small readings of them."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def readme(root: Path) -> str:
    """README.md."""
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def manual(root: Path) -> str:
    """docs/operations.md."""
    return (root / "docs" / "operations.md").read_text(encoding="utf-8")
