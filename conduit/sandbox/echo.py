"""A small HTTP server that tells what it is and what it was asked; run as a program, on the standard library alone.

Every answer is JSON with the server's name, the method, the path and the request's headers. Its status is 200, or the
one given with `--status`, and `/status/418` answers 418. With `--hang` a request is read and never answered.
"""

from __future__ import annotations

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers one request with what it was."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """An answer leaves in one piece: in two, the second waits on a kept connection until the first is acknowledged."""
    name = ""
    status = 200
    hang = False

    def answer(self) -> None:
        """Answer the request as the options of the program say."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.hang:
            threading.Event().wait()
        document = {"name": self.name, "method": self.command, "path": self.path, "headers": dict(self.headers)}
        body = json.dumps(document).encode() + b"\n"
        self.send_response(self.status_of(self.path))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names http.server calls

    def status_of(self, path: str) -> int:
        """Return the status a path asks for (`/status/418`), else the server's own."""
        asked = path.removeprefix("/status/")
        return int(asked) if asked != path and asked.isdecimal() else self.status


class Server(ThreadingHTTPServer):
    """Takes many connections at once: one that finds the queue full asks again a whole second later."""

    request_queue_size = 1024


def main() -> None:
    """Serve on 127.0.0.1 until a signal ends the process."""
    options = argparse.ArgumentParser(description="A small HTTP server that tells what it is and what it was asked.")
    options.add_argument("--name", default="echo")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--status", type=int, default=200)
    options.add_argument("--hang", action="store_true")
    given = options.parse_args()
    Handler.name, Handler.status, Handler.hang = given.name, given.status, given.hang
    Server(("127.0.0.1", given.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
