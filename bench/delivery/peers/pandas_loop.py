"""pandas and requests: a script as many hospitals have one. BENCH_RETRY lets urllib3 send again by itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import requests
from requests.adapters import HTTPAdapter
from sqlalchemy import create_engine, text
from urllib3.util import Retry

from bench.delivery.peers.surroundings import COLUMNS, DATABASE, HOST, PORT, SIZE, TYPE, URL, USER

_READ = 10_000
_CURSOR = Path("cursor.json")


def main() -> None:
    """Send what is new; the cursor moves at the end."""
    engine = create_engine(f"mysql+pymysql://{USER}@{HOST}:{PORT}/{DATABASE}?charset=utf8mb4")
    after = json.loads(_CURSOR.read_text(encoding="utf-8")) if _CURSOR.exists() else "1900-01-01"
    statement = text(f"SELECT {COLUMNS} FROM dialysis_session WHERE changed_at > :after ORDER BY changed_at, id")  # noqa: S608
    session = _session()
    with engine.connect().execution_options(stream_results=True) as connection:
        for frame in pd.read_sql(statement, connection, params={"after": after}, chunksize=_READ):
            for start in range(0, len(frame), SIZE):
                _post(session, frame.iloc[start : start + SIZE])
            after = str(frame["changed_at"].iloc[-1])
    _CURSOR.write_text(json.dumps(after), encoding="utf-8")


def _post(session: requests.Session, part: pd.DataFrame) -> None:
    part = part.assign(on_clock=part["on_clock"].astype(str), off_clock=part["off_clock"].astype(str))
    body = part.to_json(orient="records", force_ascii=False, date_format="iso").encode()
    session.post(URL, data=body, headers={"content-type": TYPE}, timeout=30).raise_for_status()


def _session() -> requests.Session:
    session = requests.Session()
    if os.environ.get("BENCH_RETRY"):
        retry = Retry(total=5, backoff_factor=0.1, status_forcelist=(502, 503, 504), allowed_methods=None)
        session.mount("http://", HTTPAdapter(max_retries=retry))
    return session


if __name__ == "__main__":
    main()
