"""A pair file as a real Caddy serves it: one path is certificate and key, and a renewed one is really loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def load(run: Callable[..., Any], daemon: Any, facts: dict[str, Any]) -> None:
    """Give Caddy one TLS site with the certificate of `facts`."""
    server = {
        "listen": daemon.section["https"],
        "automatic_https": {"disable": True},
        "tls_connection_policies": [{}],
        "routes": [{"handle": [{"handler": "static_response", "body": "served"}]}],
    }
    admin = {"listen": daemon.section["admin"], "config": {"persist": False}}
    apps = {"http": {"servers": {"test": server}}, "tls": {"certificates": {"load_files": [facts["caddy"]]}}}
    socket = daemon.section["admin"].removeprefix("unix/")
    done = run(
        *("curl", "-sS", "--fail-with-body", "--max-time", "20", "--unix-socket", socket, "http://localhost/load"),
        *("-H", "Content-Type: application/json", "-d", json.dumps({"admin": admin, "apps": apps})),
    )
    assert done.code == 0, done.stdout


def test_caddy_serves_a_renewed_certificate_under_its_new_serial(store: Any, caddy: Any, run: Any) -> None:
    address = caddy.section["https"][0]
    served = []
    store.now -= 61 * 86400
    for _ in range(2):
        facts = store.ensure(store.want()).facts
        load(run, caddy, facts)
        root, name = str(store.ca / "root.crt"), "wiki.home.arpa"
        page = run(
            "curl", "-sS", "--max-time", "10", "--cacert", root, "--connect-to", f"::{address}", f"https://{name}/"
        )
        assert (page.code, page.stdout) == (0, "served"), page.stderr
        shown = run("openssl", "s_client", "-connect", address, "-servername", name, "-CAfile", root, input="")
        assert "Verify return code: 0 (ok)" in shown.stdout
        serial = run("openssl", "x509", "-noout", "-serial", input=shown.stdout).stdout.strip()
        assert serial == f"serial={facts['serial'].upper()}"
        served.append(serial)
        store.now += 61 * 86400
    assert served[0] != served[1]
