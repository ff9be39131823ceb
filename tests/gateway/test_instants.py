"""An instant in the store is text of one width, whatever its year."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import sqlite

from gateway.store.tables import Instant

_DIALECT = sqlite.dialect()


@pytest.mark.parametrize("year", [202, 1900, 2026, 9999])
def test_an_instant_of_any_year_is_read_back(year: int) -> None:
    moment = datetime(year, 6, 1, 8, tzinfo=UTC)
    written = Instant().process_bind_param(moment, _DIALECT)
    assert written is not None
    assert len(written) == 27
    assert Instant().process_result_value(written, _DIALECT) == moment


def test_an_instant_written_too_short_by_an_earlier_version_is_read() -> None:
    """strftime gave the year 202 three digits, and reading it back ended `gateway status`."""
    assert Instant().process_result_value("202-06-01T08:00:00.000000Z", _DIALECT) == datetime(202, 6, 1, 8, tzinfo=UTC)
