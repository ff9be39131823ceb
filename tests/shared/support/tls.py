"""A test's own certificate authority, and a reverse proxy that speaks TLS in front of the bureau, as its operators would set up."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates; `file` is what a site writes under `ca_file`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(self.name, self.name, self._key.public_key(), timedelta(days=1))
        usage = x509.KeyUsage(*(each in (5, 6) for each in range(9)))  # it signs certificates and revocations
        identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        for extension in (x509.BasicConstraints(ca=True, path_length=None), usage, identifier):
            builder = builder.add_extension(extension, critical=not isinstance(extension, x509.SubjectKeyIdentifier))
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, address: str = "127.0.0.1", life: timedelta = timedelta(days=1)) -> Path:
        """A certificate for that address with its key, in one file; a negative life is over already."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = _builder(subject, self.name, key.public_key(), life).add_extension(names, critical=False)
        signed = builder.add_extension(authority, critical=False).sign(self._key, hashes.SHA256())
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = self.folder / f"server-{address}.pem"
        path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
        return path


def _builder(subject: x509.Name, issuer: x509.Name, key: Any, life: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(days=30)).not_valid_after(now + life)


@contextmanager
def front(certificate: Path, host: str, port: int) -> Iterator[int]:
    """A TLS port that hands every POST to the service at `host`:`port`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with closing(http.client.HTTPConnection(host, port, timeout=30)) as behind:
                behind.request("POST", self.path, body, dict(self.headers))
                answer = behind.getresponse()
                content = answer.read()
            self.send_response(answer.status)
            self.send_header("content-type", answer.getheader("content-type") or "")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
