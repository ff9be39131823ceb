"""Errors of the bureau side, sorted by what the caller does next. The message is for a person, in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class ComplianceError(Exception):
    """Anything a person is told in one sentence, without a traceback."""


class ConfigError(ComplianceError):
    """Configuration or credentials file is wrong: stop at start; names file and key."""

    def __init__(self, message: str, *, file: Path | str = "", key: str = "") -> None:
        parts = [part for part in (str(file), f"键 {key}" if key else "", message) if part]
        super().__init__("：".join(parts))


class StoreError(ComplianceError):
    """The store is absent, newer than the program, or cannot be read or written now."""


class StoreAddressError(StoreError):
    """What the configuration says of the store is wrong: waiting does not help, `store` must be changed."""


class RosterError(ComplianceError):
    """A roster file was not imported at all; `faults` holds one sentence for every bad row and column."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join((f"名册未导入，共 {len(self.faults)} 处问题：", *self.faults)))


class UnauthenticatedError(ComplianceError):
    """The caller is not who it says (HTTP 401); `reason` is a closed word for the log."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class MessageRefusedError(ComplianceError):
    """A message was refused whole, before any record was judged (HTTP 400)."""


class SecondGatewayError(MessageRefusedError):
    """Another gateway reports for this institution; a person decides which one may (HTTP 409)."""


class OtherEditionError(MessageRefusedError):
    """The sender works by another edition of the interface; no record of it was judged (HTTP 409)."""


class UnknownTransactionError(MessageRefusedError):
    """No such transaction is taken here (HTTP 404)."""


class ForeignInstitutionError(MessageRefusedError):
    """The caller may not report for this institution (HTTP 403)."""
