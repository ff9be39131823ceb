"""As whom the rows are reported: nobody."""

from __future__ import annotations

INSTITUTION = "H99000100001"
TOKEN = "bench-token-0123456789abcdef"  # noqa: S105  a fixture
