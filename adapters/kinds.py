"""The kinds of sources a manifest may name. A new kind is one line here and its own modules; profiles, gateway and tests stay."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.databases import sqlplan
from adapters.dropped import filesplan
from adapters.plan import Kind
from adapters.services import rest, soap

KINDS: Mapping[str, Kind] = {
    "sql": Kind(("dialects",), sqlplan.read),
    "files": Kind(("complete", "still_seconds"), filesplan.read),
    "rest": Kind(("auth",), rest.read),
    "soap": Kind(("wsdl", "binding", "security", "header", "strict"), soap.read),
}
