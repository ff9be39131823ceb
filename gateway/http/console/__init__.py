"""The web pages of the gateway's own people, in Chinese, behind a login."""

from gateway.http.console.desk import Desk
from gateway.http.console.room import console, refuse

__all__ = ["Desk", "console", "refuse"]
