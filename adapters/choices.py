"""What a manifest may say in a few words: one of several, the one that was probably meant, how a time is written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from adapters.refining import Notations, unusable
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


def notations(section: Section, key: str) -> Notations | None:
    """The notations under `key`; None if there are none. SpecError names one that cannot be read by."""
    patterns = section.texts(key)
    for pattern in patterns:
        if fault := unusable(pattern):
            raise section.error(fault, key)
    return Notations(patterns) if patterns else None
