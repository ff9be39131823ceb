"""A record on the wire: its business key, its content hash, and what else every record carries (common.yaml).

A record is one flat JSON object: the common fields of DATASETS §0 beside the fields of its data set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from schemas.model import Dataset, Edition

CLOCKS = ("occurred_at", "entered_at", "seen_at", "accepted_at")
#: what the hash leaves out: the clocks, who sent it, which version it is, and itself
UNHASHED = frozenset({*CLOCKS, "version", "rid", "content_hash"})
ALGORITHM = "sha256"
_SEPARATOR = "|"


def business_key(dataset: Dataset, fields: Mapping[str, Any]) -> str:
    """The record's key inside its data set and institution: the key fields joined by `|`.

    A `|` or backslash inside a part is escaped, so different parts never make the same key.
    Missing parts count as empty; validation reports them. `fields` are in wire form.
    """
    parts = (str(fields.get(name) or "") for name in dataset.key)
    return _SEPARATOR.join(part.replace("\\", "\\\\").replace(_SEPARATOR, "\\|") for part in parts)


def content_hash(dataset: Dataset, record: Mapping[str, Any]) -> str:
    """`sha256:<hex>` of what the record says, edition included, clocks and version left out (DATASETS §0)."""
    content = dict(record)
    for name in UNHASHED:
        content.pop(name, None)
    return hash_of(dataset, content)


def hash_of(dataset: Dataset, content: Mapping[str, Any]) -> str:
    """The content hash of what holds nothing that the hash leaves out."""
    body = orjson.dumps([dataset.code, content], option=orjson.OPT_SORT_KEYS)
    return f"{ALGORITHM}:{hashlib.sha256(body).hexdigest()}"


def field_names(edition: Edition, dataset: Dataset) -> frozenset[str]:
    """Every name a record of this data set may carry."""
    return frozenset(field.name for field in (*edition.common, *dataset.fields))
