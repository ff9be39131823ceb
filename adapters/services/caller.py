"""What carries a call to a web service: SOAP or REST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from adapters.services.replies import Answer
from adapters.services.serviceplan import Call


class Caller(Protocol):
    """Carries a call to the service."""

    @property
    def identity(self) -> str:
        """Which service it is."""

    @property
    def structured(self) -> bool:
        """Whether its replies are trees of the text they came as."""

    def ask(self, call: Call, arguments: Mapping[str, Any]) -> Answer:
        """The reply. SourceError if there is none, UnusableError if it cannot be read."""

    def follow(self, call: Call, link: str) -> Answer:
        """The same of an address that a reply gave."""

    def account(self, name: str) -> str:
        """The user or the password of the source."""

    def moments(self, call: Call) -> frozenset[str]:
        """The arguments that the service itself calls moments."""

    def expired(self, code: str) -> bool:
        """Whether that code only means that it must log in again; it will, with the next call."""
