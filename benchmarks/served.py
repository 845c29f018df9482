"""A site of N services with `conduit serve`, and what its clients see."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import dns.exception
import dns.message
import dns.query
import httpx
import yaml
from job import DOMAIN, SITES
from tools import conduit
from updates import admin
from world import World

from conduit.sandbox.machine import answers, free_port, wait_for

KEY: Final = "cdt_benchmark"
GIT: Final = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
WHO: Final = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
READY_SECONDS: Final = 300.0


class Served(World):
    """A world whose API is served; reads are open, and nobody is limited."""

    def __init__(self) -> None:
        self.port = free_port()
        api = {"port": self.port, "reads_per_minute": 0, "writes_per_minute": 0, "anonymous_read": True}
        super().__init__(SITES["proxy-dns"], knows_hosts=False, settings={"api": api})
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, headers={"X-API-Key": KEY}, timeout=300, trust_env=False)
        self._process: subprocess.Popen[bytes] | None = None

    def __exit__(self, *failure: object) -> None:
        self.stop()
        super().__exit__(*failure)

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self._process is not None
        return self._process.pid

    def serve(self) -> None:
        """Start the server and wait until its first pass has ended."""
        environment = os.environ | {"CONDUIT_API_KEY": KEY}
        with (self.directory / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(conduit(self, "serve"), stdout=log, stderr=log, env=environment)
        wait_for(lambda: answers(f"127.0.0.1:{self.port}"), "the API answers", deadline=60)
        wait_for(lambda: self.client.get("/readyz").status_code == 200, "it is ready", deadline=READY_SECONDS)
        if self._process.poll() is not None:
            raise SystemExit(f"somebody else answers at {self.url}:\n{(self.directory / 'serve.log').read_text()}")

    def stop(self) -> None:
        """End the server, if it runs."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def healthy(self, count: int) -> bool:
        """Whether `count` services are declared and up."""
        time.sleep(0.2)  # asking is work for the very process that is waited for
        services = self.client.get("/api/services").json()["services"]
        return [each["health_status"] for each in services] == ["healthy"] * count

    @property
    def trust(self) -> ssl.SSLContext:
        """The internal CA alone."""
        return ssl.create_default_context(cafile=str(self.sandbox.certificates / "ca" / "root.crt"))

    def write(self, section: str, declared: dict[str, Any]) -> None:
        """Write each resource into a manifest of its own, as the API does."""
        directory = self.manifest.parent / section
        directory.mkdir(parents=True, exist_ok=True)
        for name, fields in declared.items():
            (directory / f"{name}.yaml").write_text(yaml.safe_dump({section: {name: fields}}))

    def write_all(self, section: str, declared: dict[str, Any]) -> None:
        """Write resources into one manifest."""
        self.manifest.write_text(yaml.safe_dump({section: declared}))

    def address(self, name: str) -> str:
        """Return what DNS answers for a name, empty for nothing."""
        address, port = self.dns.split(":")
        answer = dns.query.udp(dns.message.make_query(f"{name}.{DOMAIN}", "A"), address, 2, int(port)).answer
        return str(answer[0][0]) if answer else ""

    def git(self, *words: str) -> str:
        """Run git where the manifests are, as somebody without settings."""
        argv = ["git", *WHO, *words]
        done = subprocess.run(argv, cwd=self.directory, env=os.environ | GIT, stdout=subprocess.PIPE, check=True)
        return done.stdout.decode()

    def register(self, name: str, **fields: Any) -> None:
        """Register a service over TLS. Raises AssertionError when that fails."""
        answer = self.client.post("/api/services", json={"name": name, "host": self.upstreams["before"], **fields})
        assert answer.status_code == 200, answer.text
        assert answer.json()["ok"], answer.text

    def served(self, name: str, trust: ssl.SSLContext) -> bool:
        """Whether DNS and HTTPS both answer for a service."""
        address, port = self.dns.split(":")
        host = f"{name}.{DOMAIN}"
        try:
            if not dns.query.udp(dns.message.make_query(host, "A"), address, 0.2, int(port)).answer:
                return False
            return b" 200 " in _asked(self.listener("caddy", "https"), host, trust)
        except (dns.exception.Timeout, OSError):
            return False

    def config(self) -> dict[str, Any]:
        """Return what Caddy has loaded."""
        with admin(self) as client:
            found: dict[str, Any] = client.get("/config/").json()
        return found

    def cpu(self) -> float:
        """Return the CPU seconds the server has used (proc(5))."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """Return the MiB of memory the server has."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _asked(listener: str, host: str, trust: ssl.SSLContext) -> bytes:
    address, port = listener.rsplit(":", 1)
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    plain = socket.create_connection((address, int(port)), 2)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the request waits until TLS is acknowledged
    with plain, trust.wrap_socket(plain, server_hostname=host) as link:
        link.sendall(request)
        return link.recv(4096)


@contextmanager
def serving(count: int, **more: dict[str, Any]) -> Iterator[Served]:
    """Serve a committed site of `count` services over TLS and what `more` declares; it begins when all is healthy."""
    with Served() as world:
        world.write("services", {f"svc{number}": {"upstream": world.upstreams["before"]} for number in range(count)})
        for section, declared in more.items():
            world.write(section, declared)
        world.git("init", "--quiet", "--initial-branch=main")
        world.git("add", "desired")
        world.git("commit", "--quiet", "--allow-empty", "--message", "first")
        world.serve()
        wait_for(lambda: world.healthy(count), "every service is up", deadline=READY_SECONDS)
        yield world
