"""What commands of the bureau share: our own errors become one sentence and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from compliance import config as configuration
from compliance.config import Config
from compliance.errors import ComplianceError, ConfigError, StoreAddressError
from compliance.store import database
from compliance.store.database import Database
from compliance.workbook.errors import WorkbookError
from schemas import identity


@contextmanager
def opened(path: Path) -> Iterator[tuple[Config, Database]]:
    """The configuration and the store, closed at the end."""
    config = configuration.load(path)
    store = database.connect(config.store)
    store.check()
    try:
        yield config, store
    finally:
        store.close()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn our own errors into one sentence and an exit code; `path` is the configuration."""
    try:
        yield
    except ConfigError as error:
        click.echo(f"配置有误：{error}", err=True)
        sys.exit(2)
    except StoreAddressError as error:
        click.echo(f"配置有误：{ConfigError(str(error), file=path, key='store')}", err=True)
        sys.exit(2)
    except (ComplianceError, WorkbookError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def checked(code: str) -> str:
    """A code as it may be; ComplianceError if it is none."""
    if fault := identity.institution_fault(code):
        raise ComplianceError(f"编码 {code} 写法不对，{fault}")
    return code
