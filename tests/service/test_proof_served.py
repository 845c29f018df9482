"""The proof of a service against a real Caddy and dnsmasq: each promise kept passes, each broken one has its level."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from service_world import KINDS, Table, declared, leaves

from conduit.change import Level, Proof
from conduit.kind import Context
from conduit.model import Key
from conduit.providers.probe import Prober
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import free_port
from conduit.settings import Settings

BCRYPT = "$2b$10$" + "a" * 53

EXPECTED: dict[str, tuple[dict[str, Any], Level]] = {
    "plain": ({}, Level.EXPECTED),
    "open": ({"tls": "off"}, Level.EXPECTED),
    "checked": ({"health": {"path": "/status/204", "status": 204}}, Level.EXPECTED),
    "below": ({"path": "/app", "strip_prefix": True, "health": {"path": "/status/204", "status": 204}}, Level.EXPECTED),
    "missing": ({"path": "/status/404"}, Level.EXPECTED),
    "broken": ({"path": "/status/500"}, Level.UPSTREAM_ANSWERED),
    "badgateway": ({"path": "/status/502"}, Level.UPSTREAM_ANSWERED),
    "locked": ({"basic_auth": {"ann": BCRYPT}}, Level.EXPECTED),
    "moved": ({"upstream": None, "redirect": {"to": "https://example.org/x", "status": 301}}, Level.EXPECTED),
    "kept": ({"upstream": None, "redirect": {"to": "https://example.org", "keep_path": True}}, Level.EXPECTED),
    "closed": ({"maintenance": {"message": "Back <soon> & sound"}}, Level.EXPECTED),
    "distant": ({"allow": ["10.0.0.0/8"]}, Level.EXPECTED),
    "banned": ({"deny": ["127.0.0.0/8"]}, Level.EXPECTED),
    "welcome": ({"allow": ["127.0.0.1"], "deny": ["10.0.0.0/8"]}, Level.EXPECTED),
    "named": ({"domain": "Named.Example.", "aliases": ["alias.example"]}, Level.EXPECTED),
}


@pytest.fixture
def prove(site: Any, proxy: str) -> Callable[..., Proof]:
    """`prove(name, fields, serial="")` proves a service on the running site, whether it was applied or not."""
    settings = Settings.model_validate(yaml.safe_load(site.settings_file.read_text()))

    def run(name: str, fields: dict[str, Any], serial: str = "") -> Proof:
        facts = {Key("certificate", name): {"serial": serial}} if serial else {}
        service = declared(name, **fields)
        parts = list(leaves(service, Table(site=settings)).values())
        context = Context(settings, time.time(), prober=Prober(settings), facts=facts, leaves=lambda key: parts)
        proof = KINDS["service"].prove(context, service)
        assert proof is not None
        return proof

    return run


def put(site: Any, services: dict[str, dict[str, Any]]) -> None:
    """Declare and apply services; one whose upstream answers badly is applied all the same."""
    site.write("services.yaml", yaml.safe_dump({"services": services}))
    ran = site.conduit("apply", "--yes")
    assert ran.code == 0, ran.stdout + ran.stderr


def test_each_promise_on_real_daemons(site: Any, upstream: Any, prove: Callable[..., Proof]) -> None:
    address = upstream().address
    services = {}
    for name, (fields, _) in EXPECTED.items():
        wanted = {"upstream": address} | fields
        services[name] = {field: value for field, value in wanted.items() if value is not None}
    services["down"] = {"upstream": f"127.0.0.1:{free_port()}"}
    put(site, services)

    proofs = {name: prove(name, fields) for name, fields in services.items()}
    assert {name: proof.level for name, proof in proofs.items()} == {
        "down": Level.PROXY_ERROR,
        **{name: level for name, (_, level) in EXPECTED.items()},
    }, "\n".join(f"{proof.key}: {proof.detail}" for proof in proofs.values())
    assert proofs["plain"].checks[0] == "plain.home.arpa A answers 127.0.0.1"

    assert "the connection is refused" in proofs["down"].detail

    never = {"upstream": address}
    assert prove("never", never).level is Level.NO_NAME
    assert prove("never", never | {"dns": False}).level is Level.NO_TLS
    assert prove("never", never | {"dns": False, "tls": "off"}).level is Level.PROXY_ERROR
    assert prove("plain", never, serial="abc123").level is Level.NO_TLS
    assert prove("plain", never | {"address": "10.0.0.9"}).level is Level.NO_NAME
    assert prove("plain", never | {"maintenance": True}).level is Level.UPSTREAM_ANSWERED
    assert prove("closed", never).level is Level.PROXY_ERROR
    assert prove("moved", {"redirect": {"to": "https://example.org/y"}}).level is Level.PROXY_ERROR
    assert prove("welcome", never | {"allow": ["10.0.0.0/8"]}).level is Level.UPSTREAM_ANSWERED


def test_a_stopped_daemon_is_the_step_that_fails(
    site: Any, upstream: Any, prove: Callable[..., Proof], proxy: str
) -> None:
    fields = {"upstream": upstream().address}
    put(site, {"wiki": fields})
    daemons: dict[str, Daemon] = site.daemons
    assert prove("wiki", fields).passed
    daemons[proxy].stop()
    assert prove("wiki", fields).level is Level.NO_CONNECTION
    daemons["dnsmasq"].stop()
    assert prove("wiki", fields).level is Level.NO_NAME


def test_a_new_certificate_is_proven_by_its_own_serial_not_by_the_one_it_replaces(
    site: Any, upstream: Any, proxy: str
) -> None:
    fields = {"upstream": upstream().address}
    put(site, {"wiki": fields})
    put(site, {"wiki": fields | {"aliases": ["w.example"]}})
    assert site.dig("w.example") == ["127.0.0.1"]
    assert site.curl("https://w.example/", proxy=proxy).code == 0
