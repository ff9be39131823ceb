"""One look at a site's database: can it be reached, is the connection read-only, and what does its clock say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from adapters.databases import sqlerrors
from adapters.databases.connection import SiteDatabase
from gateway.errors import SourceError
from schemas.wire import SHANGHAI

#: the moment, with its zone or in UTC; a SQLite file has no clock but ours
_CLOCKS: Mapping[str, str] = {
    "postgresql": "SELECT clock_timestamp()",
    "kingbase": "SELECT clock_timestamp()",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
    "mariadb": "SELECT UTC_TIMESTAMP(6)",
    "oracle": "SELECT SYSTIMESTAMP FROM dual",
    "mssql": "SELECT SYSUTCDATETIME()",
}
_VERSIONS: Mapping[str, str] = {
    "postgresql": "SHOW server_version",
    "kingbase": "SELECT version()",
    "mysql": "SELECT VERSION()",
    "mariadb": "SELECT VERSION()",
    "sqlite": "SELECT sqlite_version()",
    "oracle": "SELECT version FROM product_component_version WHERE ROWNUM = 1",
    "mssql": "SELECT CAST(SERVERPROPERTY('ProductVersion') AS varchar(30))",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found."""

    dialect: str
    version: str
    ahead: timedelta | None  #: its clock against ours; None where it has none of its own


def probe(database: SiteDatabase, now: datetime) -> Probe:
    """SourceError says why it cannot be read."""
    try:
        with database.connect() as connection, database.reading(connection):
            version = _version(connection, database.dialect)
            clock = _CLOCKS.get(database.dialect)
            moment = connection.execute(text(clock)).scalar() if clock else None
    except SQLAlchemyError as error:
        raise SourceError(sqlerrors.told(error, database.url, database.password_from)) from None
    return Probe(database.dialect, version, _ahead(moment, now))


def _version(connection: Connection, dialect: str) -> str:
    """Its own word for it, else what its driver heard when it connected; a connection is tried in any case."""
    if question := _VERSIONS.get(dialect):
        return str(connection.execute(text(question)).scalar() or "").partition(" on ")[0]  # what it was built on and by
    connection.execute(text("SELECT 1 FROM dual")).close()
    return ".".join(str(part) for part in connection.dialect.server_version_info or ())


def _ahead(moment: object, now: datetime) -> timedelta | None:
    if not isinstance(moment, datetime):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(SHANGHAI) - now
