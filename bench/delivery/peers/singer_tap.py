"""A tap by singer-sdk's own SQL classes, streaming by the replication key."""

from __future__ import annotations

from typing import Any

from singer_sdk import SQLConnector, SQLStream, SQLTap
from singer_sdk import typing as th


class Connector(SQLConnector):
    """The hospital's database."""

    def get_sqlalchemy_url(self, config: Any) -> str:
        """As SQLAlchemy writes it."""
        return str(config["url"])

    def create_engine(self) -> Any:
        """Streams rows, so that a large table is not held in memory."""
        return super().create_engine().execution_options(stream_results=True, max_row_buffer=1000)


class Stream(SQLStream):
    """One table."""

    connector_class = Connector

    def post_process(self, row: Any, context: Any = None) -> Any:
        """What JSON cannot say is said as text."""
        return {name: str(value) if name.endswith("_clock") else value for name, value in row.items()}


class Tap(SQLTap):
    """The tap."""

    name = "tap-hospital"
    default_stream_class = Stream
    config_jsonschema = th.PropertiesList(th.Property("url", th.StringType, required=True)).to_dict()


if __name__ == "__main__":
    Tap.cli()
