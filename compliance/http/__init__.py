"""The bureau's HTTP face. The only place that knows Flask. No page shows a person, so there is no login yet."""

from compliance.http.app import create_app
from compliance.http.exchange import Exchange

__all__ = ["Exchange", "create_app"]
