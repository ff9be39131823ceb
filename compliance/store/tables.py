"""The bureau's tables (SQLAlchemy Core).

Instants are UTC ISO text with milliseconds, fixed width (`2026-01-02T03:04:05.678Z`): the same on SQLite and
PostgreSQL, readable in any shell, and their text order is their time order. Credentials are not in the store.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

from schemas.wire import SHANGHAI

#: raised with every change of a table; a store with a higher one was written by a newer program
SCHEMA_VERSION = 2


class Instant(TypeDecorator[datetime]):
    """Aware datetime <-> UTC ISO text; a naive one is a mistake of ours and raises."""

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To text."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From text, in Shanghai time."""
        return datetime.fromisoformat(value).astimezone(SHANGHAI) if value else None


metadata = MetaData()

store_version = Table("store_version", metadata, Column("version", Integer, nullable=False))

institution = Table(
    "institution",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("code", String(30), unique=True),  # NULL while the bureau has not issued one
    Column("deferred", Boolean, nullable=False),
    Column("source", Text, nullable=False),
)

scene_plan = Table(
    "scene_plan",
    metadata,
    Column("institution_id", ForeignKey("institution.id"), primary_key=True),
    Column("scene", String(40), primary_key=True),
)

# the sender's code, not a foreign key: who holds a credential may report before it is on the roster
_SENDER = {"institution": String(30), "dataset": String(20)}

record = Table(
    "record",
    metadata,
    *(Column(name, kind, primary_key=True) for name, kind in _SENDER.items()),
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("content_hash", String(80), nullable=False),
    Column("vali_flag", String(3), nullable=False),
    Column("edition", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON, wire form
    Column("occurred_at", Instant, nullable=False),
    Column("entered_at", Instant),
    Column("seen_at", Instant),
    Column("accepted_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("rid", Text, nullable=False),
    Column("msgid", Text, nullable=False),
)
Index("record_day", record.c.institution, record.c.dataset, record.c.occurred_at)
#: heartbeats by when they came; no other record pays for it
_BEATS = text("dataset = 'OP02'")
Index("record_beat", record.c.institution, record.c.accepted_at, sqlite_where=_BEATS, postgresql_where=_BEATS)
#: and the few declarations, by whom they are of
_TOLD = text("dataset = 'OP03'")
Index("record_told", record.c.institution, record.c.key, record.c.version, sqlite_where=_TOLD, postgresql_where=_TOLD)

rejection = Table(
    "rejection",
    metadata,
    Column("id", Integer, primary_key=True),
    *(Column(name, kind, nullable=False) for name, kind in _SENDER.items()),
    Column("key", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("content_hash", String(80), nullable=False),
    Column("reasons", Text, nullable=False),  # JSON list of {field, rule, message}
    Column("received_at", Instant, nullable=False),
    Column("msgid", Text, nullable=False),
)
Index("rejection_key", rejection.c.institution, rejection.c.dataset, rejection.c.key)

# a sender may repeat a msgid after a lost reply, so it is no key
message = Table(
    "message",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reference", String(30), nullable=False),
    Column("msgid", Text, nullable=False, index=True),
    Column("institution", String(30), nullable=False),
    Column("infno", Text, nullable=False),
    Column("received_at", Instant, nullable=False, index=True),
    Column("accepted", Integer, nullable=False),
    Column("duplicate", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("conflict", Integer, nullable=False),
    Column("refused", Text, nullable=False),
)

epoch = Table(
    "epoch",
    metadata,
    Column("institution", String(30), primary_key=True),
    Column("rid", String(40), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
)

nonce = Table(
    "nonce",
    metadata,
    Column("paasid", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("until", Instant, nullable=False, index=True),
)

closure = Table(
    "closure",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("institution", String(30), nullable=False, index=True),
    Column("first", String(10), nullable=False),
    Column("last", String(10)),  # NULL: until it is removed
    Column("weekdays", String(7), nullable=False),  # digits, 0 is Monday; "": every day
    Column("reason", Text, nullable=False),
    Column("entered_by", Text, nullable=False),
    Column("entered_at", Instant, nullable=False),
    Column("removed_by", Text),
    Column("removed_at", Instant),
)

# what is left of a day of heartbeats once they are compacted: see compliance.connection
beat_day = Table(
    "beat_day",
    metadata,
    Column("institution", String(30), primary_key=True),
    Column("day", String(10), primary_key=True),  # on which they were received
    Column("beats", Integer, nullable=False),
    Column("minutes", LargeBinary, nullable=False),  # a bit for each minute of the day: one came in it
    Column("offset_ms", Integer, nullable=False),  # median of the gateway's clock less ours
)
