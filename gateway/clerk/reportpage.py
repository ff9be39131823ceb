"""The dossier as one HTML page that needs nothing beside it and prints well."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.clerk.dossier import Dossier
from gateway.console import HABIT_WORDS

_WORDS = ("读到", "按规则排除", "未完成", "待改正", "可报送")


def write(dossier: Dossier, path: Path) -> None:
    """Every value is text, never markup."""
    loader = PackageLoader("gateway.clerk", "pages")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.get_template("report.html").render(dossier=dossier, words=_WORDS, habits=HABIT_WORDS)
    path.write_text(page, encoding="utf-8", newline="\n")
