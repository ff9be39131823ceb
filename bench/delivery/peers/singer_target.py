"""A target by singer-sdk's batch sink: one request a batch."""

from __future__ import annotations

import json
from typing import Any

import requests
from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.sinks import BatchSink


class Sink(BatchSink):
    """Posts a batch."""

    session = requests.Session()

    @property
    def max_size(self) -> int:
        """Rows a request."""
        return int(self.config["size"])

    def process_batch(self, context: dict[str, Any]) -> None:
        """One request."""
        body = json.dumps(context["records"], ensure_ascii=False, default=str).encode()
        headers = {"content-type": "application/json; charset=utf-8"}
        self.session.post(self.config["url"], data=body, headers=headers, timeout=30).raise_for_status()


class Receiver(Target):
    """The target."""

    name = "target-receiver"
    default_sink_class = Sink
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True), th.Property("size", th.IntegerType, default=100)
    ).to_dict()


if __name__ == "__main__":
    Receiver.cli()
