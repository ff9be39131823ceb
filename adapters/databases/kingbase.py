"""KingbaseES as SQLAlchemy is to speak to it: PostgreSQL's dialect by the vendor's own driver, ksycopg2.

KingbaseES grew out of PostgreSQL and keeps its protocol; its driver is psycopg2 under another name. No dialect of it for
SQLAlchemy 2 is on any package index. PostgreSQL's own stops at the server's name (`KingbaseES V008R006…`), so the version
is the one that the server tells in the protocol: that of the PostgreSQL which it grew from.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.util import memoized_property

#: where a server tells no version: what KingbaseES V8R3 grew from
_OLDEST = (9, 6)


class KingbaseDialect(PGDialect_psycopg2):
    """Named as PostgreSQL's, whose SQL it writes; the address names it `kingbase+ksycopg2`."""

    driver = "ksycopg2"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """The vendor's driver. ModuleNotFoundError where it is not installed."""
        import ksycopg2  # a driver of a site that has such a server

        return ksycopg2

    @memoized_property
    def _psycopg2_extensions(self) -> Any:
        from ksycopg2 import extensions

        return extensions

    @memoized_property
    def _psycopg2_extras(self) -> Any:
        from ksycopg2 import extras

        return extras

    def _get_server_version_info(self, connection: Connection) -> tuple[int, ...]:
        """(12, 1) of 120001, (9, 6, 24) of 90624."""
        driver = connection.connection.driver_connection
        major, rest = divmod(getattr(driver, "server_version", 0), 10_000)
        if major >= 10:
            return major, rest
        return (major, *divmod(rest, 100)) if major else _OLDEST


def register() -> None:
    """Make the address known to SQLAlchemy."""
    registry.register("kingbase", __name__, KingbaseDialect.__name__)
    registry.register("kingbase.ksycopg2", __name__, KingbaseDialect.__name__)
