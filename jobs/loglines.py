"""How both deployables log: one JSON line per outcome on standard error, and in a file of limited size where the site wants one."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler

import structlog

from jobs import logtime, traces
from jobs.flood import Flood
from schemas import masking
from schemas.logfile import LogFile

_MIB = 1 << 20


class LogFileError(Exception):
    """The file cannot be written: told in Chinese."""


def configure(file: LogFile | None = None) -> Lines:
    """Have every line written so from now on. LogFileError if the file cannot be opened. See `logging_to`, which ends it too."""
    lines = Lines(_opened(file) if file else None)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            logtime.stamp,
            traces.told,
            lines.flood,
            masking.log_processor,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    return lines


@contextmanager
def logging_to(file: LogFile | None) -> Iterator[Lines]:
    """Lines while the block runs."""
    lines = configure(file)
    try:
        yield lines
    finally:
        lines.close()


class Lines:
    """structlog's logger. `tick` is to be called every few seconds, `close` at the end."""

    def __init__(self, file: logging.Handler | None) -> None:
        self._screen = structlog.WriteLogger(sys.stderr) if sys.stderr else None  # a Windows service may have none
        self._file = file
        self.flood = Flood()

    def tick(self) -> None:
        """Tell what was held back and is due."""
        self.flood.tick()

    def close(self) -> None:
        """Tell everything that was held back; the file takes no line any more."""
        self.flood.close()
        file, self._file = self._file, None
        if file:
            file.close()

    def msg(self, line: str) -> None:
        """One write, so that two threads' lines do not mix."""
        if self._screen:
            self._screen.msg(line)
        if file := self._file:
            file.handle(logging.LogRecord("", logging.INFO, "", 0, line, None, None))

    debug = info = warning = error = critical = exception = msg


class _Rotating(RotatingFileHandler):
    """A full disk, and on Windows a file that another program has open, must not stop the work: then it goes on as it is."""

    def doRollover(self) -> None:  # noqa: N802
        """Begin the next file; if the old one cannot be renamed now, go on with it."""
        try:
            super().doRollover()
        except OSError:
            if self.stream is None:
                self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """The line is on standard error."""


def _opened(file: LogFile) -> logging.Handler:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        made = _Rotating(file.path, maxBytes=file.megabytes * _MIB, backupCount=file.copies, encoding="utf-8")
    except OSError as error:
        raise LogFileError(f"日志文件 {file.path} 写不进去（{type(error).__name__}），请检查 log.file 的路径和权限") from None
    return made
