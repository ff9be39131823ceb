"""dlt as its documentation says: an incremental resource, and a destination function that is given a batch of items.

With BENCH_VALIDATE the rows are mapped and validated by the same schema as the straw man's, else they are posted as they are. The
pipeline's folder is the one it is started in, so that a later run goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import pymysql
import pymysql.cursors
import requests

from bench.delivery.peers.surroundings import COLUMNS, DATABASE, HOST, LAG, PORT, SIZE, TYPE, URL, USER

_VALIDATE = bool(os.environ.get("BENCH_VALIDATE"))
_PAGE = 1000
_session = requests.Session()


@dlt.destination(batch_size=SIZE, name="receiver", naming_convention="direct", skip_dlt_columns_and_tables=True)
def receiver(items: list[dict[str, Any]], table: Any) -> None:
    """Post one batch."""
    body = json.dumps(items, ensure_ascii=False, default=str).encode()
    _session.post(URL, data=body, headers={"content-type": TYPE}, timeout=30).raise_for_status()


@dlt.resource(name="dialysis_session", primary_key="id", write_disposition="append")
def sessions(changed: Any = dlt.sources.incremental("changed_at", lag=LAG or None)) -> Iterator[list[dict[str, Any]]]:  # noqa: B008
    """Rows from the cursor on, in its order."""
    connection = pymysql.connect(
        host=HOST, port=PORT, user=USER, database=DATABASE, charset="utf8mb4", cursorclass=pymysql.cursors.SSDictCursor
    )
    cursor = connection.cursor()
    after = changed.last_value
    where = "WHERE changed_at >= %s" if after else ""
    cursor.execute(f"SELECT {COLUMNS} FROM dialysis_session {where} ORDER BY changed_at, id", (after,) if after else ())  # noqa: S608
    while rows := cursor.fetchmany(_PAGE):
        yield [_said(row) for row in rows]


def _said(row: dict[str, Any]) -> dict[str, Any]:
    if not _VALIDATE:
        return {**row, "on_clock": str(row["on_clock"]), "off_clock": str(row["off_clock"])}
    from bench.delivery.peers.validation import mapped, schema

    content: dict[str, Any] = mapped(row)
    if errors := schema.validate(content):
        raise ValueError(str(errors))
    return {**content, "id": row["id"], "changed_at": row["changed_at"]}


if __name__ == "__main__":
    pipeline = dlt.pipeline("bench", destination=receiver(), pipelines_dir=str(Path.cwd() / "pipelines"))
    pipeline.run(sessions())
