"""The prober: upstream rules, where it connects, many checks at once, and DNS asked of a real dnsmasq."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from probe_world import Server, hangs, says, settings

from conduit.change import Level
from conduit.errors import ConduitError
from conduit.grammar import join_host_port, split_host_port
from conduit.providers import probe
from conduit.providers.probe import HttpAnswer, HttpProbe, Prober
from conduit.providers.resolver import Resolver
from conduit.sandbox import dnsmasq as private_dnsmasq
from conduit.sandbox.daemon import Daemon

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
Serve = Callable[..., Server]


def upstream(prober: Prober, address: str) -> HttpAnswer:
    return prober.http(HttpProbe("upstream", address=split_host_port(address)))


@pytest.mark.parametrize("address", ["169.254.169.254:80", "[::1]:2019", "127.0.0.1:2375", "0.0.0.0:80"])
def test_a_forbidden_upstream_is_never_connected_to(address: str) -> None:
    answer = upstream(Prober(settings()), address)
    assert (answer.level, answer.status) == (Level.NO_CONNECTION, None)
    assert answer.error.startswith("blocked: ")


def test_loopback_is_forbidden_unless_the_settings_allow_it(serve: Serve) -> None:
    server = serve(says(OK))
    answer = upstream(Prober(settings(upstreams={})), join_host_port(*server.address))
    assert "allow_loopback" in answer.error
    assert server.requests == []


def test_a_name_is_resolved_once_and_its_checked_address_is_connected_to(serve: Serve) -> None:
    server, prober = serve(says(OK)), Prober(settings())
    answers = iter([("127.0.0.1",), ("169.254.169.254",)])
    prober.resolve = Resolver(lambda name: next(answers))
    for _ in range(2):
        assert upstream(prober, f"app.internal:{server.address[1]}").status == 200


def test_a_name_that_turns_to_a_metadata_service_is_blocked() -> None:
    prober = Prober(settings())
    prober.resolve = Resolver(lambda name: ("169.254.169.254",))
    assert upstream(prober, "app.internal:80").error.startswith("blocked: 169.254.169.254 is a metadata service")


def test_a_name_without_address_is_told() -> None:
    assert "does not resolve" in upstream(Prober(settings()), "no-such-name.invalid:80").error


def test_a_redirect_to_a_forbidden_address_is_only_reported(serve: Serve) -> None:
    server = serve(says(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"))
    assert upstream(Prober(settings()), join_host_port(*server.address)).status == 302


def test_checks_in_many_threads_do_not_hold_each_other_up(serve: Serve) -> None:
    good, bad = serve(says(OK)), serve(hangs)
    requests = [
        HttpProbe("a.lan", address=(bad if n in (0, 50, 99) else good).address, seconds=1.0) for n in range(100)
    ]
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(Prober(settings()).http, requests))
    assert [number for number, answer in enumerate(answers) if answer.status != 200] == [0, 50, 99]


@pytest.mark.parametrize(
    ("caddy", "tls", "expected"),
    [
        ({}, True, ("10.9.9.9", 443)),
        ({}, False, ("10.9.9.9", 80)),
        ({"https": [":8443", "10.0.0.1:443"]}, True, ("10.9.9.9", 8443)),
        ({"http": ["0.0.0.0:8080"]}, False, ("10.9.9.9", 8080)),
        ({"https": ["[::]:443"]}, True, ("10.9.9.9", 443)),
        ({"https": ["[fd00::1]:443"]}, True, ("fd00::1", 443)),
        ({"https": ["127.0.0.1:8443"]}, True, ("127.0.0.1", 8443)),
    ],
)
def test_where_a_client_of_the_proxy_connects(caddy: dict[str, Any], tls: bool, expected: tuple[str, int]) -> None:
    assert Prober(settings(proxy_address="10.9.9.9", caddy=caddy)).endpoint(tls=tls) == expected


def test_a_missing_section_is_told() -> None:
    for ask in (lambda p: p.endpoint(), lambda p: p.dns("a.lan", "A"), lambda p: p.http(HttpProbe("a.lan"))):
        with pytest.raises(ConduitError) as caught:
            ask(Prober(settings()))
        assert caught.value.diagnostics[0].code is probe.NO_ENDPOINT


def test_the_root_is_that_of_the_certs_section() -> None:
    assert Prober(settings(certs={"dir": "/srv/certs"})).root == Path("/srv/certs/ca/root.crt")
    assert Prober(settings(certs=None)).root == Path("/etc/conduit/certs/ca/root.crt")


RECORDS = """
host-record=wiki.lan,10.0.0.4,fd00::5
cname=docs.lan,wiki.lan
txt-record=note.lan,Hello World.
mx-host=mail.lan,wiki.lan,10
srv-host=_ldap._tcp.lan,wiki.lan,389,5,7
ptr-record=5.0.0.10.in-addr.arpa,wiki.lan
local=/lan/
"""


@pytest.fixture
def dns(directory: Path, private: Callable[..., Daemon]) -> Prober:
    """A prober over a real dnsmasq that holds `RECORDS`."""

    def start(where: Path) -> Daemon:
        daemon = private_dnsmasq.prepare(where)
        (where / "conf.d" / "records.conf").write_text(RECORDS)
        daemon.start()
        return daemon

    return Prober(settings(dnsmasq={"address": private(start, directory / "dnsmasq").address}))


@pytest.mark.parametrize(
    ("name", "rtype", "answers"),
    [
        ("wiki.lan", "A", ["10.0.0.4"]),
        ("WIKI.lan.", "A", ["10.0.0.4"]),
        ("wiki.lan", "AAAA", ["fd00::5"]),
        ("docs.lan", "CNAME", ["wiki.lan"]),
        ("docs.lan", "AAAA", ["fd00::5"]),
        ("note.lan", "TXT", ["Hello World."]),
        ("mail.lan", "MX", ["10 wiki.lan"]),
        ("_ldap._tcp.lan", "SRV", ["5 7 389 wiki.lan"]),
        ("5.0.0.10.in-addr.arpa", "PTR", ["wiki.lan"]),
        ("gone.lan", "A", []),
        ("note.lan", "A", []),
        ("elsewhere.example", "A", []),
    ],
)
def test_dns_answers_as_text(dns: Prober, name: str, rtype: str, answers: list[str]) -> None:
    found = dns.dns(name, rtype)
    assert (
        sorted(found) == sorted(answers)
        if rtype != "A"
        else set(found) <= set(answers) and bool(found) == bool(answers)
    )


@pytest.fixture
def udp() -> Iterator[socket.socket]:
    """A bound UDP socket that answers only what the test makes it answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        yield link


def test_a_silent_dns_server_is_a_timeout(udp: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "CONNECT_SECONDS", 0.2)
    with pytest.raises(TimeoutError):
        Prober(settings(dnsmasq={"address": join_host_port(*udp.getsockname())})).dns("a.lan", "A")


def test_a_server_that_does_not_speak_dns_is_an_oserror(udp: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "CONNECT_SECONDS", 2.0)

    def answer() -> None:
        _, peer = udp.recvfrom(512)
        udp.sendto(b"hello, this is no DNS message", peer)

    threading.Thread(target=answer, daemon=True).start()
    with pytest.raises(OSError, match="DNS"):
        Prober(settings(dnsmasq={"address": join_host_port(*udp.getsockname())})).dns("a.lan", "A")
