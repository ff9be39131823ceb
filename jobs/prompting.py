"""Something done as soon as it is asked for, beside its turns in the timetable; asked for ten times at once, it is done once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

_log = structlog.get_logger()


class Prompt:
    """Does `do` in a thread of its own whenever `ask` was called, from `with` to its end."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self._asked, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="prompt", daemon=True)

    def ask(self) -> None:
        """Have it done; returns at once."""
        self._asked.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._asked.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.is_set():
            self._asked.wait()
            self._asked.clear()
            if self._over.is_set():
                return
            try:
                self._do()
            except Exception:  # as in the timetable: told whole, and the next request is heard
                _log.exception("job_failed", job="prompt")
