"""Errors of the institution side, sorted by what the caller does next. The message is for the operator, in Chinese."""

from __future__ import annotations

from pathlib import Path


class GatewayError(Exception):
    """Anything the operator is told in one sentence, without a traceback."""


class ConfigError(GatewayError):
    """The site's configuration or profile is wrong: stop at start; names file and key."""

    def __init__(self, message: str, *, file: Path | str = "", key: str = "") -> None:
        parts = [part for part in (str(file), f"键 {key}" if key else "", message) if part]
        super().__init__("：".join(parts))


class SourceError(GatewayError):
    """The site's database cannot be read now: nothing was taken, the cursor stays, try later."""


class SourceQueryError(SourceError):
    """The site's query itself is wrong (missing table or column, bad SQL): a person must mend the profile."""


class SourceChangedError(SourceError):
    """The site's database is not the one read before: nothing is read until a person has looked."""


class NotDeliveredError(GatewayError):
    """Provably not taken (DNS, refused, connect timeout, 503, 429): queue again with backoff."""

    def __init__(self, message: str, *, retry_after: int = 0) -> None:
        self.retry_after = retry_after  #: seconds the platform asked us to wait
        super().__init__(message)


class OutcomeUnknownError(GatewayError):
    """Sent, but no usable answer: never resend blind; the transaction's `replay` decides."""


class NotAdmittedError(GatewayError):
    """Nothing of this institution is let in as things are: key, address, edition, or another gateway reports for it.

    No record is at fault: all of them wait until a person has mended it.
    """


class RefusedError(GatewayError):
    """The bureau refused the whole message and said why; one of its records may be at fault."""

    def __init__(self, message: str, *, certain: bool = False) -> None:
        self.certain = certain  #: the fault lies in the records beyond doubt: too large, or not writable
        super().__init__(message)


class StoppedError(GatewayError):
    """Asked to end in the middle of reading: the pages taken in so far are stored, the rest comes next time."""


class SparedError(StoppedError):
    """The site is spared for now: its hour is used up, or it has become slow. What was taken in is stored, the rest comes later."""


class StoreError(GatewayError):
    """The local store cannot be written (disk full, read-only): stop the line, loudly."""


class ClockDoubtedError(GatewayError):
    """This machine's clock may be far ahead: nothing is cleared by it until a platform or a person says that it is right."""


class NowhereError(StoreError):
    """A row that was read is not in the store any more: the day is read again, or no account of it may be given."""


class OutpacedError(StoreError):
    """Another reader took in the same keys meanwhile: compare with the ledger again; if that never helps, a StoreError."""
