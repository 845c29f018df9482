"""One site with both proxies and the same services on each, and a client outside that asks both the same."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from conduit.sandbox.site import Sandbox

ROOT = Path(__file__).parents[2]
PROXIES = ("caddy", "nginx")
DOMAIN = "home.arpa"


class Answer(NamedTuple):
    """What a client got; header names are in lower case, `status` is 0 when there was no answer."""

    status: int
    headers: Mapping[str, str]
    body: str
    version: str = ""


class World:
    """Sites declared once, served by both proxies: `wiki` becomes `wiki-caddy` and `wiki-nginx`."""

    def __init__(self, directory: Path) -> None:
        self.site = Sandbox(directory / "site", proxies=PROXIES)

    def put(self, sections: Mapping[str, Mapping[str, Mapping[str, Any]]], name: str = "golden") -> None:
        """Declare sites for both proxies and apply them. A field of text gets `PROXY` replaced by the proxy."""
        twice = {
            plural: {f"{site}-{proxy}": _for(proxy, fields) for site, fields in sites.items() for proxy in PROXIES}
            for plural, sites in sections.items()
        }
        for service, fields in twice.get("services", {}).items():
            fields["proxy"] = service.rpartition("-")[2]
        (self.site.desired / f"{name}.yaml").write_text(yaml.safe_dump(twice))
        done = self.conduit("apply", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr

    def conduit(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"CONDUIT_CONFIG": str(self.site.settings_file), "PYTHONPATH": str(ROOT)}
        argv = [sys.executable, "-m", "conduit", *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=environment)

    def listener(self, proxy: str, scheme: str) -> str:
        """Where a proxy listens."""
        return str(self.site.daemons[proxy].section[scheme][0])

    def fetch(self, proxy: str, url: str, *options: str) -> Answer:
        """Ask a proxy; the host of the URL stands without the proxy's name and the internal domain."""
        parts = urlsplit(url)
        host = f"{parts.hostname}-{proxy}.{DOMAIN}" if "." not in str(parts.hostname) else str(parts.hostname)
        target = f"{parts.scheme}://{host}{url.partition(str(parts.hostname))[2] or '/'}"
        return self.ask(proxy, target, *options)

    def ask(self, proxy: str, url: str, *options: str) -> Answer:
        """Ask a proxy for exactly this URL."""
        scheme = urlsplit(url).scheme
        argv = ["curl", "-si", "--path-as-is", "--globoff", "--max-time", "20", "--connect-to"]
        argv += [f"::{self.listener(proxy, scheme)}", "--cacert", str(self.site.certificates / "ca" / "root.crt")]
        done = subprocess.run([*argv, *options, url], capture_output=True, timeout=30, check=False)
        return _answer(done.stdout.decode())

    def websocket(self, proxy: str, name: str) -> socket.socket:
        """Open a connection and ask to upgrade it."""
        host, _, port = self.listener(proxy, "http").rpartition(":")
        client = socket.create_connection((host, int(port)), timeout=10)
        client.sendall(
            f"GET / HTTP/1.1\r\nHost: {name}-{proxy}.{DOMAIN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        return client

    def shake_hands(self, proxy: str, name: str) -> dict[str, Any]:
        """Connect with TLS to a proxy and return the certificate it proved to hold. Raises ssl.SSLError."""
        host, _, port = self.listener(proxy, "https").rpartition(":")
        context = ssl.create_default_context(cafile=str(self.site.certificates / "ca" / "root.crt"))
        with (
            socket.create_connection((host, int(port)), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=name) as tunnel,
        ):
            return dict(tunnel.getpeercert() or {})


def _for(proxy: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _for(proxy, item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for(proxy, item) for item in value]
    return value.replace("PROXY", proxy) if isinstance(value, str) else value


def _answer(text: str) -> Answer:
    while text.startswith("HTTP/1.1 100"):
        text = text.partition("\r\n\r\n")[2]
    head, _, body = text.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    words = first.split(" ")
    return Answer(int(words[1]) if len(words) > 1 else 0, headers, body, words[0])


def exactly(client: socket.socket, count: int) -> bytes:
    """Receive so many bytes, in however many pieces they come; fewer when the other side ends."""
    found = b""
    while len(found) < count and (piece := client.recv(count - len(found))):
        found += piece
    return found


def echoed(body: str) -> Any:
    """What the upstream says it was asked."""
    return json.loads(body)
