"""A small HTTP server that keeps what is put to it: url_store.py PORT DIRECTORY."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Store(BaseHTTPRequestHandler):
    """Keeps one text; while the file `lame` is there it says so and does not."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not (PLACE / "lame").exists():
            (PLACE / "text").write_bytes(body)
        self.send_response(201)
        self.end_headers()

    def do_GET(self) -> None:
        known = (PLACE / "text").exists()
        body = (PLACE / "text").read_bytes() if known else b"nothing"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


PLACE = Path(sys.argv[2])
HTTPServer(("127.0.0.1", int(sys.argv[1])), Store).serve_forever()
