"""What a script is told by the benchmark, through the environment, and the table it reads."""

from __future__ import annotations

import os

HOST, PORT, USER = "127.0.0.1", 3306, "root"
DATABASE = os.environ.get("BENCH_DATABASE", "")
URL = os.environ.get("BENCH_URL", "")  #: where rows are posted
SIZE = int(os.environ.get("BENCH_SIZE", "100"))  #: rows a request
LAG = int(os.environ.get("BENCH_LAG", "0"))  #: seconds before the cursor that are read again
COLUMNS = (
    "id, changed_at, session_no, plan_no, order_no, card_no, insured_no, session_date, shift, mode, machine, on_clock, off_clock, "
    "minutes, yb_no, weight_before, weight_after, uf_ml, dialyzer, nurse, ended_early, end_note"
)
TYPE = "application/json; charset=utf-8"
