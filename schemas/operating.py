"""The operating records (DATASETS §4): what a gateway says of its own work, not of any patient or drug."""

from __future__ import annotations

MANIFEST, HEARTBEAT, DECLARATION = "OP01", "OP02", "OP03"
CODES = frozenset({MANIFEST, HEARTBEAT, DECLARATION})
