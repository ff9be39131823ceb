"""Where alarms arrive in tests: a real SMTP server and a real web hook, on loopback."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

SECRET = "synthetic-hook-password"


@dataclass
class Hook:
    """A web hook that answers as the test says and keeps what it was sent."""

    url: str = ""
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def hooked() -> Iterator[Hook]:
    """One that listens while the block runs."""
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(found.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"json://duty:{SECRET}@127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Box:
    """Keeps the mails that an SMTP server takes."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content)
        texts = [part.get_payload(decode=True).decode() for part in message.walk() if part.get_content_maintype() == "text"]  # type: ignore[union-attr]
        self.mails.append("\n".join([str(make_header(decode_header(message["subject"]))), *texts]))
        return "250 OK"


@contextmanager
def mailing(box: Box, password: str = "") -> Iterator[str]:
    """The address, for a channel, of a server that fills the box; with a password it wants one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options: dict[str, Any] = {}
    if password:
        options = {"auth_require_tls": False, "authenticator": lambda *given: AuthResult(success=True)}
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        who = f"duty:{password}@" if password else ""
        yield f"mailto://{who}127.0.0.1:{port}?from=gateway@example.invalid&to=duty@example.invalid&mode=insecure"
    finally:
        controller.stop()
