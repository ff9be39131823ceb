"""The gateway's HTTP face towards the hospital's own programs. The only place of the gateway that knows Flask."""

from gateway.http.app import create_app

__all__ = ["create_app"]
