"""The bureau's HTTP face. The only place that knows Flask. No page shows a person, so there is no login yet."""

from compliance.http.app import create_app

__all__ = ["create_app"]
