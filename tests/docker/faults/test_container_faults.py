"""Docker says something odd about a container, or does not answer while one is made: a proxy stands before it."""

from __future__ import annotations

from collections.abc import Callable
from socket import socket

import fault_proxy
import pytest
from fault_proxy import FaultProxy

from tests.docker.container_world import SLEEP, Containers

INSPECT = r"GET /containers/[0-9a-f]{64}/json"
ODD = {
    "no host name": (b'"Hostname"', b'"Guestname"'),
    "another state": (b'"State":{', b'"State":{"Odd":1},"Stale":{'),
    "a wish that is none": (b'\\"Config\\"', b"Config"),
    "a wish of another shape": (b'\\"Config\\":{', b'\\"Config\\":[1],\\"Rest\\":{'),
    "mounts without a type": (b'"Type":"volume"', b'"Sort":"volume"'),
    "a time that is none": (b'"Created":"2', b'"Created":"x'),
    "an address that is none": (b'"IPAMConfig":{', b'"IPAMConfig":{"IPv4Address":"1.2.3","Was":1,'),
}
"""What is changed in an inspection, and to what."""


def changed(old: bytes, new: bytes) -> Callable[[socket, bytes], None]:
    """Change a part of an answer, which keeps its length as far as HTTP goes."""

    def spoil(client: socket, answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert old in answer, answer
        plain = body.replace(old, new)
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-length", b"transfer"))]
        kept.append(b"Content-Length: %d" % len(plain))
        client.sendall(b"\r\n".join(kept) + b"\r\n\r\n" + plain)

    return spoil


def test_an_odd_inspection_makes_docker_unknown_and_changes_nothing(containers: Containers, proxy: FaultProxy) -> None:
    containers.declare(containers.own_network, web=f"{SLEEP}, mounts: [{{type: volume, source: data, target: /data}}]")
    containers.apply()
    containers.hand("network", "connect", "--ip", containers.own_address(9), "conduit", "web")
    containers.declare(containers.own_network)
    for what, (old, new) in ODD.items():
        proxy.spoil = {INSPECT: changed(old, new)}
        plan = containers.world.plan()
        assert list(plan.unknown) == ["docker"], what
        assert plan.empty, what
    assert containers.running() == ["web"]


@pytest.mark.parametrize("call", ["POST /v[0-9.]+/containers/create", "POST /v[0-9.]+/containers/[0-9a-f]+/start"])
def test_a_container_made_without_an_answer_is_not_left_behind(
    containers: Containers, proxy: FaultProxy, call: str
) -> None:
    containers.declare(web=SLEEP)
    proxy.spoil = {call: fault_proxy.nothing}
    containers.apply(code=4)
    assert containers.names() == []
    proxy.spoil = {}
    containers.apply()
    assert containers.running() == ["web"]
    assert containers.settled()


def test_a_stop_without_an_answer_lets_the_old_one_run_on(containers: Containers, proxy: FaultProxy) -> None:
    fields = f"{SLEEP}, mounts: [{{type: volume, source: data, target: /data}}]"
    containers.declare(web=fields)
    containers.apply()
    containers.declare(web=f"{fields}, labels: {{a: b}}")
    proxy.spoil = {r"POST /v[0-9.]+/containers/[0-9a-f]+/stop": fault_proxy.nothing}
    containers.apply(code=4)
    assert containers.running() == ["web"]
    proxy.spoil = {}
    containers.apply()
    assert containers.running() == ["web-b"]
