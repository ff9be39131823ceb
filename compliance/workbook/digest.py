"""The 校验码 printed on a workbook: it identifies the figures, because a file cannot hold a digest of itself."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from schemas.wire import SHANGHAI

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LENGTH = 16  #: hex digits that are printed: short enough to be read out over the telephone


def digest(report: DataclassInstance) -> str:
    """First hex digits of the SHA-256 of the report's canonical text. The same figures give the same digits, always."""
    if not is_dataclass(report):
        raise TypeError("a report is a dataclass")
    text = json.dumps(asdict(report), ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:LENGTH]


def _plain(value: Any) -> str:
    """An instant as Shanghai wall clock: the same moment in another zone is the same figure."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(SHANGHAI).isoformat()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    raise TypeError(f"{value!r} has no canonical text")
