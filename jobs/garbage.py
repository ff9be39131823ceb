"""Python's garbage collector in a process that handles many small values: what it started with stays, and need not be walked again.

Values that refer to nobody that refers back go at once, without the collector; it only looks for rings. Those that hold a message,
as the errors of an HTTP client do, are broken where they come up (gateway.web.broken), or they would wait for it.
Measured on the delivery benchmark: some 7 % of all CPU (bench/RESULTS.md).
"""

from __future__ import annotations

import gc

#: new objects between two looks at the young ones, and looks until the older generations have their turn
_SELDOM = (10_000, 20, 20)


def spare() -> None:
    """To be called once everything is loaded and opened."""
    gc.freeze()
    gc.set_threshold(*_SELDOM)
