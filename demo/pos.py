"""百草 POS, a small pharmacy POS of our own invention on SQLite: documents with lines, stock by lot, negative returns.

Lines carry no stamp of their own: a document is stamped, and whoever reads lines must take the document's stamp.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA = """
CREATE TABLE goods (
    goods_no    TEXT PRIMARY KEY,
    goods_name  TEXT NOT NULL,
    goods_class TEXT NOT NULL,
    rx_class    TEXT,
    barcode     TEXT,
    maker       TEXT,
    approval_no TEXT,
    insure_code TEXT,
    shelf       TEXT
);
CREATE TABLE stock_lot (
    lot_key     TEXT PRIMARY KEY,
    goods_no    TEXT NOT NULL,
    lot_no      TEXT,
    made_on     TEXT,
    expires_on  TEXT,
    remaining   TEXT
);
CREATE TABLE clerk (
    clerk_no    TEXT PRIMARY KEY,
    clerk_name  TEXT NOT NULL,
    licence_no  TEXT
);
CREATE TABLE purchase_doc (
    doc_no      TEXT PRIMARY KEY,
    doc_type    TEXT NOT NULL,
    supplier    TEXT,
    delivery_no TEXT,
    invoice_no  TEXT,
    clerk_no    TEXT,
    stored_at   TEXT,
    doc_state   TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
);
CREATE TABLE purchase_line (
    id          INTEGER PRIMARY KEY,
    doc_no      TEXT NOT NULL,
    line_no     INTEGER NOT NULL,
    goods_no    TEXT NOT NULL,
    lot_key     TEXT,
    quantity    TEXT,
    price       TEXT,
    is_gift     INTEGER NOT NULL DEFAULT 0,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
);
CREATE TABLE sale_doc (
    doc_no      TEXT PRIMARY KEY,
    doc_type    TEXT NOT NULL,
    pay_kind    TEXT NOT NULL,
    settle_no   TEXT,
    insured_no  TEXT,
    rx_doctor   TEXT,
    rx_no       TEXT,
    clerk_no    TEXT,
    pharmacist_no TEXT,
    sold_at     TEXT,
    doc_state   TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
);
CREATE TABLE sale_line (
    id          INTEGER PRIMARY KEY,
    doc_no      TEXT NOT NULL,
    line_no     INTEGER NOT NULL,
    goods_no    TEXT NOT NULL,
    lot_key     TEXT,
    quantity    TEXT,
    price       TEXT,
    is_split    INTEGER NOT NULL DEFAULT 0,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
);
CREATE INDEX purchase_doc_changed ON purchase_doc (updated_at);
CREATE INDEX purchase_line_doc ON purchase_line (doc_no);
CREATE INDEX sale_doc_changed ON sale_doc (updated_at);
CREATE INDEX sale_line_doc ON sale_line (doc_no);
"""


def create(path: Path) -> None:
    """Create the empty database of one pharmacy; sqlite3.OperationalError if it exists already."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
