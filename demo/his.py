"""云帆 HIS, a small HIS of our own invention on SQLite: names and codes as a vendor chooses them, not as the edition does.

Times are naive Shanghai text, deletion is a flag, the 医保码 stands in the catalogue only,
and nothing keeps two rows from having one number.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA = """
CREATE TABLE patient (
    id           INTEGER PRIMARY KEY,
    card_no      TEXT NOT NULL,
    full_name    TEXT NOT NULL,
    insured_no   TEXT,
    dialysis_no  TEXT
);
CREATE TABLE staff (
    job_no       TEXT PRIMARY KEY,
    staff_name   TEXT NOT NULL,
    national_no  TEXT,
    section_no   TEXT
);
CREATE TABLE charge_item (
    id           INTEGER PRIMARY KEY,
    item_no      TEXT NOT NULL,
    item_name    TEXT NOT NULL,
    yb_no        TEXT,
    sale_unit    TEXT
);
CREATE TABLE dialysis_order (
    id           INTEGER PRIMARY KEY,
    order_no     TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    patient_id   INTEGER NOT NULL,
    item_id      INTEGER,
    times        INTEGER,
    mode         TEXT,
    per_week     INTEGER,
    plan_minutes INTEGER,
    dry_weight   TEXT,
    valid_from   TEXT,
    valid_to     TEXT,
    ordered_at   TEXT,
    doctor_no    TEXT,
    is_template  INTEGER NOT NULL DEFAULT 0,
    order_state  TEXT NOT NULL DEFAULT 'active',
    delete_flag  TEXT NOT NULL DEFAULT '0',
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL
);
CREATE TABLE dialysis_schedule (
    id           INTEGER PRIMARY KEY,
    plan_no      TEXT NOT NULL,
    plan_date    TEXT NOT NULL,
    shift        TEXT,
    patient_id   INTEGER NOT NULL,
    bed          TEXT,
    machine      TEXT,
    order_no     TEXT,
    plan_state   TEXT NOT NULL DEFAULT 'planned',
    absence_note TEXT,
    delete_flag  TEXT NOT NULL DEFAULT '0',
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL
);
CREATE TABLE dialysis_session (
    id            INTEGER PRIMARY KEY,
    session_no    TEXT NOT NULL,
    plan_no       TEXT,
    order_no      TEXT,
    patient_id    INTEGER NOT NULL,
    session_date  TEXT NOT NULL,
    on_clock      TEXT,
    off_clock     TEXT,
    minutes       INTEGER,
    machine       TEXT,
    item_id       INTEGER,
    weight_before TEXT,
    weight_after  TEXT,
    dry_weight    TEXT,
    uf_ml         INTEGER,
    dialyzer      TEXT,
    anticoagulant TEXT,
    nurse_no      TEXT,
    end_note      TEXT,
    session_state TEXT NOT NULL DEFAULT 'running',
    delete_flag   TEXT NOT NULL DEFAULT '0',
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL
);
CREATE TABLE rehab_order (
    id           INTEGER PRIMARY KEY,
    order_no     TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    patient_id   INTEGER NOT NULL,
    item_id      INTEGER,
    times        INTEGER,
    part         TEXT,
    plan_minutes INTEGER,
    valid_from   TEXT,
    valid_to     TEXT,
    ordered_at   TEXT,
    doctor_no    TEXT,
    order_state  TEXT NOT NULL DEFAULT 'active',
    delete_flag  TEXT NOT NULL DEFAULT '0',
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL
);
CREATE TABLE rehab_treatment (
    id            INTEGER PRIMARY KEY,
    treat_no      TEXT NOT NULL,
    order_no      TEXT,
    patient_id    INTEGER NOT NULL,
    item_id       INTEGER,
    kind          TEXT,
    started_at    TEXT,
    finished_at   TEXT,
    minutes       INTEGER,
    part          TEXT,
    therapist_no  TEXT,
    treat_state   TEXT NOT NULL DEFAULT 'draft',
    delete_flag   TEXT NOT NULL DEFAULT '0',
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL
);
CREATE TABLE clinic_prescription (
    id            INTEGER PRIMARY KEY,
    rx_no         TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    rx_kind       TEXT NOT NULL DEFAULT 'drug',
    patient_id    INTEGER NOT NULL,
    item_id       INTEGER,
    quantity      TEXT,
    prescribed_at TEXT,
    valid_to      TEXT,
    doctor_no     TEXT,
    icd           TEXT,
    rx_state      TEXT NOT NULL DEFAULT 'signed',
    delete_flag   TEXT NOT NULL DEFAULT '0',
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL
);
CREATE INDEX dialysis_order_changed ON dialysis_order (updated_at, id);
CREATE INDEX dialysis_schedule_changed ON dialysis_schedule (updated_at, id);
CREATE INDEX dialysis_session_changed ON dialysis_session (updated_at, id);
CREATE INDEX rehab_order_changed ON rehab_order (updated_at, id);
CREATE INDEX rehab_treatment_changed ON rehab_treatment (updated_at, id);
CREATE INDEX clinic_prescription_changed ON clinic_prescription (updated_at, id);
"""


def create(path: Path) -> None:
    """Create the empty database of one institution; sqlite3.OperationalError if it exists already."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
