"""The gateway's own database: SQLite in the box, PostgreSQL or MariaDB by URL."""

from gateway.store.store import Store, open_store, restore_store

__all__ = ["Store", "open_store", "restore_store"]
