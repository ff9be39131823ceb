"""The section `log` of both configurations: a file beside standard error, and when the next one is begun."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.yamlfile import Section


@dataclass(frozen=True, slots=True)
class LogFile:
    """Where lines go beside standard error. Each process needs a file of its own."""

    path: Path
    megabytes: int  #: then the next file is begun
    copies: int  #: older files that are kept


def log_file(section: Section | None) -> LogFile | None:
    """None where the site wants none; a relative path counts from the configuration's folder."""
    if section is None:
        return None
    section.known("file", "megabytes", "copies")
    path = section.file.parent / section.need("file", str)
    return LogFile(path, section.at_least("megabytes", 1, 20), section.at_least("copies", 1, 10))
