"""What every kind of source has in common for a profile: a plan read from the manifest, and an opener for a site."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from adapters.bounds import Window
from adapters.mapping import RowMapping
from adapters.origins import SiteFacts
from adapters.site import Site
from gateway.model import Reading
from gateway.ports import SweptSource
from schemas.yamlfile import Section

Swift = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What one source of a site is made of, whatever its kind."""

    name: str
    mapping: RowMapping
    facts: SiteFacts
    bounds: Window
    digest: str
    swift: Swift  #: the compiled mapping: surely valid content, or None


class Entry(Protocol):
    """What a manifest says of one data set."""

    @property
    def reading(self) -> Reading:
        """How what is new is found."""

    @property
    def children(self) -> Collection[str]:
        """Fields that are lines."""

    def decides(self) -> tuple[object, ...]:
        """What of it decides what a row becomes: part of the source's digest."""

    def lines(self) -> list[tuple[str, str]]:
        """Each of its children with what decides its lines."""


Opener = Callable[[str, Parts], SweptSource]


class Plan(Protocol):
    """What a manifest says of all its data sets."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """By data set."""

    def opener(self, profile: str, site: Site) -> Opener:
        """Makes the sources of a site; nothing is connected yet. ConfigError if the site is not of this kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How the manifests of one kind are read."""

    keys: tuple[str, ...]  #: of the manifest, beside those of every kind
    read: Callable[[Path, Section], Plan]  #: folder and manifest
