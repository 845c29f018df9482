"""An upstream that speaks TLS alone, with a certificate nobody signed but itself."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.conftest import run_program

INNER = "inner.lan"
"""Who it says it is."""
SAID = "inside"
"""What it answers."""


class Answer(BaseHTTPRequestHandler):
    """Says that it was reached."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(SAID)))
        self.end_headers()
        self.wfile.write(SAID.encode())

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def secure_upstream(directory: Path) -> Iterator[tuple[str, Path]]:
    """Run one; yields its address and its certificate."""
    certificate, key = directory / "inner.crt", directory / "inner.key"
    made = run_program(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", str(key), "-out", str(certificate), "-days", "2"),
        *("-subj", "/CN=inner", "-addext", f"subjectAltName=DNS:{INNER}"),
    )
    assert made.code == 0, made
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", certificate
    finally:
        server.shutdown()
        server.server_close()
