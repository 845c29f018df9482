"""A private site with `conduit serve` on a free port, and what a client of it does."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx
import yaml

from conduit.sandbox import dnsmasq, upstream
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import answers, free_port, wait_for
from tests.conftest import ROOT, Ran, Site, run_program

KEY = "cdt_test_key"
ANEW = httpx.Limits(max_keepalive_connections=0)
"""Every request goes over a connection of its own."""


class Served(Site):
    """A site whose API is served by a process of its own.

    `client` shows the admin key; `visitor` shows nothing and keeps nothing, and costs less than a new client each time.
    """

    def __init__(self, directory: Path, **api: Any) -> None:
        self.port = free_port()
        self.upstream_port = free_port()
        self.trust = directory.parent / "trust"
        settings = {"api": {"port": self.port, "reads_per_minute": 0, "writes_per_minute": 0, **api}}
        super().__init__(directory, upstreams={"echo": self.upstream_port}, settings=settings)
        self.scheme, trust = ("https", api["tls"]["certificate"]) if "tls" in api else ("http", None)
        verify = ssl.create_default_context(cafile=trust) if trust else False
        self.client = httpx.Client(base_url=self.url, headers={"X-API-Key": KEY}, timeout=90, verify=verify)
        self.visitor = httpx.Client(base_url=self.url, timeout=60, verify=verify, limits=ANEW)
        self.visitor.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def echo(self) -> str:
        """The address of an upstream that answers."""
        return f"127.0.0.1:{self.upstream_port}"

    @property
    def log(self) -> str:
        return (self.directory / "serve.log").read_text()

    def serve(self, program: tuple[str, ...] = ("-m", "conduit", "serve"), **environment: str) -> None:
        """Start the server and wait until it answers."""
        given = {
            "CONDUIT_CONFIG": str(self.settings_file),
            "PYTHONPATH": str(ROOT),
            "CONDUIT_API_KEY": KEY,
        } | environment
        with (self.directory / "serve.log").open("ab") as log:
            argv = (sys.executable, *program)
            self._process = subprocess.Popen(
                argv, env=os.environ | given, cwd=self.directory, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        wait_for(self._ready, "the API answers", deadline=60)

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            return answers(f"127.0.0.1:{self.port}") and self.client.get("/readyz").status_code == 200
        except httpx.TransportError:  # on a connection to the server that was there before
            return False

    def _write_settings(self, daemons: Mapping[str, Daemon]) -> None:
        """Let trust be installed below this test's directory, not in the machine."""
        super()._write_settings(daemons)
        document = yaml.safe_load(self.settings_file.read_text())
        places = {name: str(self.trust / name) for name in ("local", "store", "hooks")}
        document["certs"]["trust"] = places
        header = self.settings_file.read_text().splitlines(keepends=True)[0]
        self.settings_file.write_text(header + yaml.safe_dump(document, sort_keys=False))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def resident(self) -> int:
        """The bytes of memory the server has."""
        assert self._process is not None
        assert self._process.poll() is None, self.log
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) * 1024

    @property
    def ended(self) -> bool:
        """Whether the server has ended."""
        assert self._process is not None
        return self._process.poll() is not None

    def stop(self) -> int:
        """End the server as systemd would, and return its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(20)

    def end(self) -> None:
        """Leave nothing behind, however the tests ended."""
        if self._process and self._process.poll() is None:
            self._process.kill()
        self.client.close()
        self.visitor.close()
        self.down()

    def api(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """Send one request with the admin key."""
        return self.client.request(method, path, json=body, **options)

    def acted(self) -> dict[str, Any]:
        """Return the newest entry of the audit trail that somebody caused: health changes by itself."""
        entries = self.api("GET", "/api/audit?limit=100").json()["entries"]
        return next(each for each in entries if each["action"] != "health_change")

    def register(self, name: str, **fields: Any) -> dict[str, Any]:
        """Register a service in front of the upstream that answers."""
        answer = self.api("POST", "/api/services", {"name": name, "host": self.echo, **fields})
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def program(self, *argv: str, **options: Any) -> Ran:
        """Run a program to its end."""
        return run_program(*argv, **options)

    def curl(self, url: str, *options: str, proxy: str = "caddy", trust: Path | None = None) -> Ran:
        """Fetch a URL through the proxy as `Site.curl` does; `trust` is another file of authorities to go by."""
        if trust is None:
            return super().curl(url, *options, proxy=proxy)
        listener = self.daemons[proxy].section["https"][0]
        return run_program("curl", "-sSi", "--cacert", str(trust), "--connect-to", f"::{listener}", url)

    def caddy_admin(self) -> httpx.Client:
        """Return a client of Caddy's admin API."""
        admin = self.daemons["caddy"].address.removeprefix("unix/")
        return httpx.Client(transport=httpx.HTTPTransport(uds=admin, verify=False), base_url="http://caddy", timeout=10)

    def live(self) -> list[Any]:
        """Return what the daemons have: Caddy's configuration and dnsmasq's files."""
        with self.caddy_admin() as caddy:
            files = sorted((self.directory / "dnsmasq").glob("*/conduit.*"))
            return [caddy.get("/config/").json(), *(_records(path) for path in files)]

    def names_log(self) -> str:
        """Return what the other dnsmasq, the one we must leave alone, has logged."""
        return (self.directory.parent / "names" / "dnsmasq.log").read_text()

    def move_record(self, old: str, new: str) -> None:
        """Change an address in dnsmasq's own file, behind conduit's back."""
        (hosts,) = (self.directory / "dnsmasq").glob("hosts/conduit.*")
        hosts.write_text(hosts.read_text().replace(old, new))

    def forget_route(self, host: str) -> None:
        """Take a host's routes out of the running Caddy, behind conduit's back."""
        with self.caddy_admin() as caddy:
            document = caddy.get("/config/").json()
            for server in document["apps"]["http"]["servers"].values():
                server["routes"] = [each for each in server["routes"] if host not in json.dumps(each)]
            assert caddy.post("/load", json=document).status_code == 200

    def new_upstream(self, name: str, **options: Any) -> Daemon:
        """Start another upstream; it is stopped with the site."""
        daemon = upstream.prepare(self.directory / f"upstream-{name}", name, **options)
        daemon.start()
        return daemon


def _records(path: Path) -> list[str]:
    """Return the lines of one of our dnsmasq files without its generation."""
    return [line for line in path.read_text().splitlines() if "_conduit" not in line]


@contextmanager
def make_served(*program: str, sections: Mapping[str, Any] | None = None, **api: Any) -> Iterator[Served]:
    """Make a site, serve it, and take everything away afterwards; `program` may serve it instead of conduit itself.

    `sections` are more of the settings, `api` more of their section of that name.
    """
    with tempfile.TemporaryDirectory(prefix="cdt-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        site = Served(directory / "site", **api)
        site.settings = {**site.settings, **(sections or {})}
        names = dnsmasq.prepare(directory / "names")
        (directory / "names" / "conf.d" / "far.conf").write_text("host-record=far.example,10.7.7.7,300\nlog-queries\n")
        try:
            names.start()
            (directory / "site").mkdir()
            ours = dnsmasq.prepare(directory / "site" / "dnsmasq", upstream=names.address.replace(":", "#"))
            ours.start()
            site.up()
            site.serve(*([program] if program else []))
            yield site
            site.stop()
        finally:
            site.end()
            names.stop()


def raw(served: Any, request: bytes, *, limit: int = 65536) -> bytes:
    """Send bytes on a connection of their own and return what comes back until the server closes or falls silent."""
    with socket.create_connection(("127.0.0.1", served.port), 5) as link:
        link.settimeout(5)
        link.sendall(request)
        found = b""
        try:
            while len(found) < limit and (part := link.recv(65536)):
                found += part
        except TimeoutError:
            pass
        return found


def status(answer: bytes) -> int:
    """Return the status of an answer that `raw` gave."""
    return int(answer.split(b" ", 2)[1])
