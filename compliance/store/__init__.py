"""The bureau's store: SQLite in the box, PostgreSQL by URL. The only place that knows SQLAlchemy."""
