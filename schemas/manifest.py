"""OP01 日清单: how its digest and its account are computed, alike by the institution that states it and the bureau that checks it.

The digest is over what is live on a business date, so whoever holds the same records comes to the same digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

CODE = "OP01"
ALGORITHM = "sha256"
#: the fields of OP01 that every row read is in exactly one of: the account of DATASETS §7
PARTS = (
    *("excluded", "not_ready", "quarantined", "unchanged", "queued", "leased", "sending"),
    *("unknown", "held", "accepted", "rejected", "superseded"),
)


class Entry(NamedTuple):
    """A record that is live: the newest version that the platform accepted of its key."""

    key: str
    version: int
    content_hash: str


def digest(entries: Iterable[Entry]) -> str:
    """`sha256:<hex>` over one line `[key,version,content_hash]` of compact JSON per record, in the order of the keys' code points.

    Of nothing it is the digest of the empty text, so that a zero too has one.
    """
    found = hashlib.sha256()
    for entry in sorted(entries):
        found.update(orjson.dumps(list(entry), option=orjson.OPT_APPEND_NEWLINE))
    return f"{ALGORITHM}:{found.hexdigest()}"


def balanced(record: Mapping[str, Any]) -> bool:
    """Whether the rows that a manifest says were read equal the sum of what became of them; `record` in wire form, and valid."""
    return int(record["read"]) == sum(int(record[part]) for part in PARTS)


def zero(record: Mapping[str, Any]) -> bool:
    """Whether it says that there was nothing to report: no row at all, or only such as are not reported by rule."""
    return int(record["read"]) == int(record["excluded"])
