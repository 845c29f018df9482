"""A private site with `conduit serve` on a free port, and what a client of it does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conduit.sandbox import upstream
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import answers, free_port, wait_for
from tests.conftest import ROOT, Site

KEY = "cdt_test_key"


class Served(Site):
    """A site whose API is served by a process of its own."""

    def __init__(self, directory: Path, **api: Any) -> None:
        self.port = free_port()
        self.upstream_port = free_port()
        trust = {name: str(directory / f"trust-{name}") for name in ("local", "store", "hooks")}
        settings = {"api": {"port": self.port, "reads_per_minute": 0, "writes_per_minute": 0, **api}}
        super().__init__(directory, upstreams={"echo": self.upstream_port}, settings=settings)
        self.trust = trust
        self.client = httpx.Client(base_url=self.url, headers={"X-API-Key": KEY}, timeout=30)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def echo(self) -> str:
        """The address of an upstream that answers."""
        return f"127.0.0.1:{self.upstream_port}"

    @property
    def log(self) -> str:
        return (self.directory / "serve.log").read_text()

    def serve(self, **environment: str) -> None:
        """Start the server and wait until it answers."""
        given = {
            "CONDUIT_CONFIG": str(self.settings_file),
            "PYTHONPATH": str(ROOT),
            "CONDUIT_API_KEY": KEY,
        } | environment
        with (self.directory / "serve.log").open("ab") as log:
            argv = (sys.executable, "-m", "conduit", "serve")
            self._process = subprocess.Popen(
                argv, env=os.environ | given, cwd=self.directory, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        wait_for(self._ready, "the API answers")

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        return answers(f"127.0.0.1:{self.port}") and self.client.get("/readyz").status_code == 200

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> int:
        """End the server as systemd would, and return its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(20)

    def api(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """Send one request with the admin key."""
        return self.client.request(method, path, json=body, **options)

    def register(self, name: str, **fields: Any) -> dict[str, Any]:
        """Register a service in front of the upstream that answers."""
        answer = self.api("POST", "/api/services", {"name": name, "host": self.echo, **fields})
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def new_upstream(self, name: str, **options: Any) -> Daemon:
        """Start another upstream; it is stopped with the site."""
        daemon = upstream.prepare(self.directory / f"upstream-{name}", name, **options)
        daemon.start()
        return daemon


def make_served(**api: Any) -> Iterator[Served]:
    """Make a site, serve it, and take everything away afterwards."""
    with tempfile.TemporaryDirectory(prefix="cdt-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        site = Served(directory / "site", **api)
        try:
            site.up()
            site.serve()
            yield site
            site.stop()
        finally:
            if site._process and site._process.poll() is None:
                site._process.kill()
            site.client.close()
            site.down()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One served site for the tests of a module; they use names of their own."""
    yield from make_served()
