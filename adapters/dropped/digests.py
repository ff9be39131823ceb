"""By what the content of a file is known again."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest_of(content: bytes) -> str:
    """Of what was read."""
    return hashlib.sha256(content).hexdigest()


def file_digest(path: Path) -> str:
    """The same of a file that may be too large to hold."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
