"""Tables of the gateway's store. Instants are UTC text of fixed width, so they sort and read alike on every database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)
from sqlalchemy.dialects.mysql import LONGBLOB, LONGTEXT
from sqlalchemy.types import TypeDecorator

from gateway.model import KEY_LENGTH, REF_LENGTH

#: raised by one with every change of the tables, together with its step in `store.migrations`
SCHEMA_VERSION = 5
#: how MariaDB and MySQL write and compare texts of the store
BY_BYTE = {"charset": "utf8mb4", "collate": "utf8mb4_bin"}
_WIDTH = 27  # earlier versions wrote the year 202 with three digits

metadata = MetaData()


class Instant(TypeDecorator[datetime]):
    """An aware datetime as `2026-11-25T08:00:00.000000Z`."""

    impl = String(_WIDTH)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """See `written`."""
        return written(value) if value is not None else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """See `read`."""
        return read(value) if value is not None else None


def written(moment: datetime) -> str:
    """Aware datetime -> UTC text; a naive one is a bug and raises."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    there = moment.astimezone(UTC).replace(tzinfo=None)  # written three times as fast without a zone
    return f"{there.isoformat()}{'' if there.microsecond else '.000000'}Z"


def read(kept: str) -> datetime:
    """UTC text -> aware datetime."""
    return datetime.fromisoformat(f"{kept:0>{_WIDTH}}")


_Id = BigInteger().with_variant(Integer, "sqlite")
_Body = LargeBinary().with_variant(LONGBLOB, "mysql", "mariadb")
_Code = String(64)
_Key = String(KEY_LENGTH)
_Ref = String(REF_LENGTH)
#: characters of that by which the site's people find a row; cut where it is longer
SHOWN_LENGTH = 128
_Shown = String(SHOWN_LENGTH)
#: sentences without a known end; a server's own TEXT ends at 64 KiB
_Said = Text().with_variant(LONGTEXT, "mysql", "mariadb")
#: MariaDB takes `a` for `A` and `à` unless told otherwise; a key is what it is, to the byte
_BY_BYTE: dict[str, Any] = {f"{kind}_{option}": value for kind in ("mysql", "mariadb") for option, value in BY_BYTE.items()}


def _only(rows: str) -> dict[str, Any]:
    """Of an index: it holds only these rows, so all others cost nothing. MariaDB holds all."""
    return {f"{kind}_where": text(rows) for kind in ("sqlite", "postgresql")}


installation = Table(
    "installation",
    metadata,
    Column("schema_version", Integer, nullable=False),
    Column("rid", String(36), nullable=False),  # the epoch: two gateways for one institution differ in it
    Column("sequence", BigInteger, nullable=False),  # of message ids
    Column("created_at", Instant, nullable=False),
    Column("key_id", String(8), nullable=False, server_default=""),  # of the key that seals: see store.sealing
    Column("shredded_to", Instant),  # bodies finished before it were looked at: see store.retention
    **_BY_BYTE,
)

cursor = Table(
    "source_cursor",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("position", Text, nullable=False),  # JSON: see store.cursors
    Column("digest", String(80), nullable=False, default=""),  # of the profile that read so far: another one starts over
    Column("read_at", Instant, nullable=False),
    Column("targets", String(1000), nullable=False, server_default=""),  # JSON: to which what was read went
    **_BY_BYTE,
)

ledger = Table(
    "ledger",
    metadata,
    Column("institution", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("record_key", _Key, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("content_hash", String(80), nullable=False),
    Column("source", _Code, nullable=False),
    Column("ref", _Ref, nullable=False),
    Column("anchor_at", Instant, nullable=False),  # business time of that version
    Column("live", Boolean, nullable=False, default=True),  # false once the row was withdrawn
    Column("seen_at", Instant, nullable=False),
    Column("document", _Shown, nullable=False, server_default=""),  # number in the site's program, of that version
    Column("department", _Shown, nullable=False, server_default=""),
    Index("ledger_by_row", "source", "dataset", "ref"),
    Index("ledger_by_anchor", "source", "dataset", "anchor_at"),
    **_BY_BYTE,
)

aside = Table(
    "aside",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("ref", _Ref, primary_key=True),
    Column("institution", _Code, nullable=False),
    Column("state", String(16), nullable=False),
    Column("record_key", String(512), nullable=False),
    Column("reasons", _Said, nullable=False),  # JSON list of violations
    Column("content", _Body, nullable=False),  # what was mapped so far, JSON, sealed
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("rival", String(512), nullable=False, server_default=""),  # the row that has its key already
    Column("anchor_at", Instant),  # business time; empty if it has none
    Column("document", _Shown, nullable=False, server_default=""),
    Column("department", _Shown, nullable=False, server_default=""),
    **_BY_BYTE,
)

flaw = Table(
    "flaw",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("ref", _Ref, primary_key=True),
    Column("target", _Code, primary_key=True),  # that sent it back; "": our own judging
    Column("since", Instant, nullable=False),  # when it was wrong first, since it was last right
    Column("at_first", Boolean, nullable=False),  # nothing of it had been right before
    **_BY_BYTE,
)

task_note = Table(
    "task_note",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("source", _Code, nullable=False),
    Column("dataset", _Code, nullable=False),
    Column("ref", _Ref, nullable=False),
    Column("owner", String(64), nullable=False),  # as they are after this entry
    Column("note", _Said, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("written_by", String(64), nullable=False),
    Index("task_note_row", "source", "dataset", "ref", "id"),
    **_BY_BYTE,
)

sighting = Table(
    "sighting",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("ref", _Ref, primary_key=True),
    Column("first_seen", Instant, nullable=False),
    Column("replaced", Boolean, nullable=False, server_default=false()),  # it is gone, and another row has its key now
    **_BY_BYTE,
)

absence = Table(
    "absence",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("institution", _Code, primary_key=True),
    Column("record_key", _Key, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("anchor_at", Instant, nullable=False),
    Column("sweeps", Integer, nullable=False),  # in a row that missed it
    Column("last_missed", Instant, nullable=False),
    Column("released", Boolean, nullable=False),  # a person let it be withdrawn
    **_BY_BYTE,
)

brake = Table(
    "brake",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("sentence", Text, nullable=False),
    Column("since", Instant, nullable=False),
    **_BY_BYTE,
)

source_mark = Table(
    "source_mark",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("identity", Text, nullable=False),  # of the site's database
    Column("newest", Text, nullable=False),  # JSON: greatest cursor key
    Column("row_count", BigInteger),
    Column("taken_at", Instant, nullable=False),
    **_BY_BYTE,
)

lag = Table(
    "lag",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),  # see gateway.lookback
    Column("row_count", Integer, nullable=False),
    **_BY_BYTE,
)

sweep = Table(
    "sweep",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("tier", String(64), primary_key=True),  # warm, cold, or a backfill's range
    Column("done_to", String(10), nullable=False),  # of a backfill: the first day not yet read; else ""
    Column("finished_at", Instant, nullable=False),
    **_BY_BYTE,
)

day_reading = Table(
    "day_reading",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("read_at", Instant, nullable=False),
    Column("digest", String(80), nullable=False),  # of the profile that read it
    Column("refs", _Body, nullable=False),  # see store.readings
    **_BY_BYTE,
)

parcel = Table(
    "parcel",
    metadata,
    Column("institution", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("record_key", _Key, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content_hash", String(80), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("body", _Body, nullable=False),  # the wire record, JSON, sealed; empty once shredded
    Column("live", Boolean, nullable=False, default=True),  # false: this version withdraws the key
    Column("entered_at", Instant),  # when the site stored the row; empty if it keeps no such time
    Index("parcel_by_day", "dataset", "occurred_at", "institution"),
    **_BY_BYTE,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("target", _Code, nullable=False),
    Column("institution", _Code, nullable=False),
    Column("dataset", _Code, nullable=False),
    Column("record_key", _Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("batch_cap", Integer, nullable=False),
    Column("next_at", Instant),
    Column("lease_token", String(36)),
    Column("lease_until", Instant),
    Column("msgid", String(40)),
    Column("hold", String(16), nullable=False),  # why it is held; "" when it is not
    Column("cause", _Said, nullable=False),
    Column("reasons", _Said, nullable=False),
    Column("sent_at", Instant),
    Column("finished_at", Instant),
    Column("accepted_at", Instant),  # by the platform's clock, as it said itself
    UniqueConstraint("target", "institution", "dataset", "record_key", "version", name="one_delivery_per_version"),
    Index("outbox_turn", "target", "state", "institution", "due_at", "id"),
    Index("outbox_batch", "target", "state", "institution", "dataset", "due_at", "id", **_only("state = 'queued'")),
    Index("outbox_lease", "lease_token", **_only("lease_token IS NOT NULL")),
    Index("outbox_finished", "finished_at", "id", **_only("finished_at IS NOT NULL")),
    **_BY_BYTE,
)


def in_state(state: str) -> ColumnElement[bool]:
    """Of the outbox, for what runs with every batch: said outright, an index that holds only that state is seen to serve.

    With a bound value SQLite looks at what is bound, and plans the statement anew each time.
    """
    return outbox.c.state == literal_column(f"'{state}'")


breaker = Table(
    "breaker",
    metadata,
    Column("target", _Code, primary_key=True),
    Column("institution", _Code, primary_key=True),  # "": the whole target
    Column("position", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("trips", Integer, nullable=False),
    Column("next_at", Instant),
    Column("cause", _Said, nullable=False),
    **_BY_BYTE,
)

rotation = Table(
    "rotation",
    metadata,
    Column("target", _Code, primary_key=True),
    Column("institution", _Code, nullable=False),  # had its turn last; all workers go round together
    **_BY_BYTE,
)

awaited = Table(
    "awaited",
    metadata,
    Column("child", _Id, primary_key=True, autoincrement=False),  # outbox.id of what is held
    Column("target", _Code, nullable=False),
    Column("institution", _Code, nullable=False),
    Column("dataset", _Code, nullable=False),  # of the parent
    Column("record_key", _Key, nullable=False),  # of the parent
    Column("since", Instant, nullable=False),
    Index("awaited_parent", "target", "institution", "dataset", "record_key"),
    **_BY_BYTE,
)

platform_clock = Table(
    "platform_clock",
    metadata,
    Column("target", _Code, primary_key=True),
    Column("ahead", String(1000), nullable=False),  # JSON: milliseconds, one for each of its latest replies
    Column("measured_at", Instant, nullable=False),
    **_BY_BYTE,
)

interruption = Table(
    "interruption",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("subject", String(16), nullable=False),
    Column("name", _Code, nullable=False),
    Column("part", _Code, nullable=False),  # institution at a target, data set of a source; "": all of it
    Column("kind", String(16), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant),  # empty while it lasts
    Column("tries", Integer, nullable=False),
    Column("cause", _Said, nullable=False),
    Index("interruption_place", "subject", "name", "part", "ended_at"),
    Index("interruption_ended", "ended_at"),
    **_BY_BYTE,
)

delay = Table(
    "delay",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("delivery", _Id, nullable=False),  # outbox.id
    Column("kind", String(16), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant),  # empty: until it was sent again, or settled
    Index("delay_delivery", "delivery"),
    **_BY_BYTE,
)

manifest = Table(
    "manifest",
    metadata,
    Column("institution", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),  # of the record OP01
    Column("snapshot_at", Instant, nullable=False),
    Column("looked_at", Instant, nullable=False),  # when it was found to be still so
    Column("figures", Text, nullable=False),  # JSON: see gateway.manifest
    Column("digest", String(80), nullable=False),
    Column("live_count", Integer, nullable=False),  # records that the digest is over
    Column("query_digest", String(80), nullable=False),
    Column("revoked_at", Instant),  # a zero, when rows of that day turned up after all
    Column("revoked_by", String(400), nullable=False),
    Index("manifest_by_day", "dataset", "day", "institution", "looked_at"),
    Index("manifest_revoked", "revoked_at"),
    **_BY_BYTE,
)

pulse = Table(
    "pulse",
    metadata,
    Column("name", _Code, primary_key=True),  # of what runs
    Column("beat_at", Instant, nullable=False),
    **_BY_BYTE,
)

pace = Table(
    "pace",
    metadata,
    Column("target", _Code, primary_key=True),
    Column("minute", Instant, nullable=False),  # in which the calls were made
    Column("calls", Integer, nullable=False),
    **_BY_BYTE,
)

rhythm = Table(
    "rhythm",
    metadata,
    Column("source", _Code, primary_key=True),
    Column("dataset", _Code, primary_key=True),
    Column("hour", String(13), primary_key=True),  # UTC, `2026-11-25T08`
    Column("row_count", Integer, nullable=False),  # rows that were seen in it for the first time
    **_BY_BYTE,
)

alarm = Table(
    "alarm",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("place", String(255), primary_key=True),
    Column("sentence", _Said, nullable=False),
    Column("advice", _Said, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # the last look that found it
    Column("raised", Integer, nullable=False),  # times, ever
    Column("told_at", Instant),  # the last message that named it; empty: none since it was raised
    Column("next_at", Instant),  # no other worker tells it before: it is being told, or telling failed
    Column("cleared_at", Instant),  # empty while it lasts
    Column("known_at", Instant),  # a person said that it is known: it is not told again until it is over
    **_BY_BYTE,
)

channel = Table(
    "channel",
    metadata,
    Column("name", _Code, primary_key=True),
    Column("tried_at", Instant, nullable=False),
    Column("passed_at", Instant),  # the last message that went through
    Column("failures", Integer, nullable=False),  # in a row
    Column("cause", _Said, nullable=False),  # of the last one; never an address
    **_BY_BYTE,
)

operator = Table(
    "operator",
    metadata,
    Column("name", _Code, primary_key=True),
    Column("role", String(32), nullable=False),
    Column("department", String(100), nullable=False),
    Column("password", String(255), nullable=False),  # salted scrypt
    Column("must_change", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant),  # logged in last
    **_BY_BYTE,
)

session = Table(
    "operator_session",
    metadata,
    Column("digest", String(64), primary_key=True),  # of the token, which nobody keeps but the browser
    Column("operator", _Code, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=False),
    Index("operator_session_of", "operator"),
    **_BY_BYTE,
)

lockout = Table(
    "lockout",
    metadata,
    Column("kind", String(16), primary_key=True),  # operator, address
    Column("subject", _Code, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failed_at", Instant, nullable=False),
    Column("locked_until", Instant),
    **_BY_BYTE,
)

access = Table(
    "access_log",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("operator", _Code, nullable=False),
    Column("address", _Code, nullable=False),
    Column("action", String(32), nullable=False),
    Column("outcome", Integer, nullable=False),
    Column("place", String(600), nullable=False),  # source, data set, local numbers; never what stood in the rows
    Index("access_log_at", "at"),
    **_BY_BYTE,
)
