"""Writes a drt project: profile, sync, nothing else. Run in the folder it is to stand in; drt itself does the work.

drt takes no MariaDB TIME, so the two clocks are read as text. Its rate limit (10 requests a second by default) is lifted.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from bench.delivery.peers.surroundings import COLUMNS, DATABASE, HOST, LAG, PORT, SIZE, URL, USER


def main() -> None:
    """Write the files; JSON is YAML."""
    query = COLUMNS.replace("on_clock", "CAST(on_clock AS CHAR) AS on_clock").replace(
        "off_clock", "CAST(off_clock AS CHAR) AS off_clock"
    )
    skips = bool(os.environ.get("BENCH_SKIP"))
    sync = {
        "mode": "incremental",
        "cursor_field": "changed_at",
        "batch_size": SIZE,
        "rate_limit": {"requests_per_second": 100_000},
        "retry": {"max_attempts": 3, "initial_backoff": 0.1},
        "on_error": "skip" if skips else "fail",
        **({"dlq": {"enabled": True}} if skips else {}),
        **({"watermark": {"lag": f"{LAG} seconds"}} if LAG else {}),
    }
    destination = {
        "type": "rest_api",
        "url": URL,
        "method": "POST",
        "headers": {"Content-Type": "application/json"},
        "body_mode": "batch",
        "batch_template": "{{ rows | tojson_safe }}",
    }
    _write(Path("drt_project.yml"), {"name": "bench", "version": "0.1", "profile": "hospital"})
    source = {"type": "mysql", "host": HOST, "port": PORT, "dbname": DATABASE, "user": USER}
    _write(Path("home/.drt/profiles.yml"), {"hospital": source})
    model = f"SELECT {query} FROM dialysis_session ORDER BY changed_at, id"  # noqa: S608
    _write(Path("syncs/sessions.yml"), {"name": "sessions", "model": model, "destination": destination, "sync": sync})


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
