"""A traceback for the log: which error came from where. What an error says of values is left out, because a value may be a person.

`ValueError("invalid literal …: '张三'")` and `KeyError('张三')` quote what was worked on; nothing can mask a name. Errors that
speak of the program and not of its data keep their words.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any

#: their words name attributes, types and modules
_OF_CODE = (AttributeError, TypeError, NameError, ImportError, RecursionError, MemoryError, NotImplementedError)
_FRAMES = 30
_LONGEST_CHAIN = 5


def told(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor in the place of `format_exc_info`."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is not None:
        event["exception"] = "\n".join(_lines(error))
    return event


def _lines(error: BaseException) -> Iterator[str]:
    """The first cause first, as Python does."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(chain) < _LONGEST_CHAIN:
        chain.append(current)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    for each in reversed(chain):
        yield from _frames(each.__traceback__)
        yield _said(each)


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.extract_tb(trace)[-_FRAMES:]:
        place = Path(frame.filename)
        yield f"  {place.parent.name}/{place.name}:{frame.lineno} {frame.name}"


def _said(error: BaseException) -> str:
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, _OF_CODE) else kind
