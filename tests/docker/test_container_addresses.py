"""The addresses of containers that proxies reach: kept, assigned anew, never held twice."""

from __future__ import annotations

import pytest

from conduit.change import Action
from tests.docker.container_world import Containers, website


@pytest.fixture
def proxies() -> tuple[str, ...]:
    """The proxy before the container."""
    return ("caddy",)


ROUTE = "routes:\n  web: {names: [web.home.arpa], tls: false, upstreams: [{container: web, port: 8080}]}\n"


def serve(containers: Containers, text: str, delay: float = 0, more: str = "") -> None:
    containers.declare(containers.own_network, ROUTE, web=website(text, delay) + more)


def answer(containers: Containers) -> str:
    """What the site says, or why it does not."""
    told = containers.site.curl("http://web.home.arpa/")
    return told.stdout.rpartition("\n\n")[2].strip() or f"{told.stdout}{told.stderr}"


def address(containers: Containers, name: str) -> str:
    return str(containers.inspect(name)["NetworkSettings"]["Networks"]["conduit"]["IPAMConfig"]["IPv4Address"])


def test_an_address_is_kept_while_the_container_is(containers: Containers) -> None:
    serve(containers, "one")
    containers.apply()
    before = address(containers, "web")
    containers.hand("stop", "web")
    containers.apply()
    assert address(containers, "web") == before
    containers.hand("rm", "--force", "web")
    containers.apply()
    assert address(containers, "web") == before, "the address of a key and slot is always the same"
    assert answer(containers) == "one"


def test_an_address_taken_by_hand_is_assigned_anew(containers: Containers) -> None:
    serve(containers, "one")
    containers.apply()
    before = address(containers, "web")
    for how in ("network", "disconnect", "conduit", "web"), ("network", "connect", "conduit", "web"):
        containers.hand(*how)
        change = next(change for change in containers.world.changes() if change.key.kind == "container")
        assert (change.action, "serves" in [each.path for each in change.diff.fields]) == (Action.UPDATE, True)
    containers.apply()
    assert (address(containers, "web"), answer(containers)) == (before, "one")
    assert containers.settled()


def test_addresses_that_any_container_declares_are_passed_over(containers: Containers) -> None:
    serve(containers, "one")
    containers.apply()
    taken = address(containers, "web")
    containers.declare(containers.own_network)
    containers.apply(allow_deletes=1)
    containers.hand(
        "create", "--network", "conduit", "--ip", taken, "--name", "stranger", "sandbox/busybox:1", "sleep", "9"
    )
    serve(containers, "one")
    containers.apply()
    assert address(containers, "web") != taken
    assert answer(containers) == "one"
    containers.hand("start", "stranger")


def test_an_address_that_a_stranger_took_meanwhile_is_given_up(containers: Containers) -> None:
    serve(containers, "one")
    containers.apply()
    taken = address(containers, "web")
    containers.hand("stop", "web")
    containers.hand(
        "run", "-d", "--network", "conduit", "--ip", taken, "--name", "thief", "sandbox/busybox:1", "sleep", "99"
    )
    containers.apply()
    assert address(containers, "web") != taken
    assert answer(containers) == "one"
    assert containers.settled()
