"""Words that a manifest may choose among, and the one that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from schemas.yamlfile import Section

E = TypeVar("E", bound=StrEnum)


def choice(section: Section, key: str, kind: type[E], default: E | None = None) -> E:
    """The member of `kind` that is named under `key`; without a default it must be there."""
    if default is not None and key not in section.data:
        return default
    try:
        return kind(section.need(key, str))
    except ValueError:
        raise section.error(f"只能是 {'、'.join(kind)} 之一", key) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """A question after the word that was probably meant; "" if none is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"，是否想写 {near[0]}？" if near else ""
