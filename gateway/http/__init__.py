"""The gateway's HTTP face: towards the HIS, towards its own people. The only place of the gateway that knows Flask."""

from gateway.http.app import Room, create_app
from gateway.http.monitoring import Sight, monitoring
from gateway.http.push import pushes
from gateway.http.refusal import refusal

__all__ = ["Room", "Sight", "create_app", "monitoring", "pushes", "refusal"]
