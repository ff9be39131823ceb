"""Failures of a command as the operator hears them: one Chinese sentence and an exit code, never a traceback."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click
import structlog

from gateway.errors import ConfigError, GatewayError
from schemas.errors import SpecError


@contextmanager
def told() -> Iterator[None]:
    """Turn our own errors into one sentence and an exit code: 2 for the configuration, 1 for everything else."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    except (ConfigError, SpecError) as error:
        click.echo(f"配置有误：{error}", err=True)
        sys.exit(2)
    except GatewayError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def tell(news: Iterable[str]) -> None:
    """What happened by the way and a person must know; beside the output, which may be read by a program."""
    for sentence in news:
        click.echo(sentence, err=True)
