"""The health of services: what each answer is worth, and checks that follow what happens."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from conduit.change import Level, Proof
from conduit.health import Health, State, due_after, health_of
from conduit.model import Key
from conduit.sandbox.machine import wait_for

KEY = Key("service", "wiki")


@pytest.mark.parametrize(
    ("proof", "state"),
    [
        (Proof(KEY, Level.EXPECTED, seconds=0.1), State.UP),
        (Proof(KEY, Level.EXPECTED, seconds=1.5), State.DEGRADED),
        (Proof(KEY, Level.UPSTREAM_ANSWERED, seconds=0.1), State.DEGRADED),
        (Proof(KEY, Level.PROXY_ERROR, seconds=0.1), State.DOWN),
        (Proof(KEY, Level.NO_TLS), State.DOWN),
        (Proof(KEY, Level.NO_NAME), State.DOWN),
    ],
)
def test_what_a_proof_is_worth(proof: Proof, state: State) -> None:
    found = health_of(proof, slow=1.0, now=5.0)
    assert isinstance(found, Health)
    assert (found.state, found.at) == (state, 5.0)
    assert found.milliseconds == (None if proof.seconds is None else proof.seconds * 1000)


def test_what_promises_nothing_visible_has_no_health() -> None:
    assert health_of(None, slow=1.0, now=5.0) is None


def test_checks_that_fall_together_are_spread_over_the_next_interval() -> None:
    keys, now = [Key("service", f"svc{number}") for number in range(300)], 12_345.6
    first = [due_after(key, 30.0, now) for key in keys]
    assert all(now < due <= now + 30.0 for due in first)
    assert max(Counter(int((due - now) / 3) for due in first).values()) < 60
    assert [due_after(key, 30.0, due) for key, due in zip(keys, first, strict=True)] == pytest.approx(
        [due + 30.0 for due in first]
    )


def state_of(served: Any, name: str) -> str:
    routes = {each["name"]: each for each in served.api("GET", "/api/routing").json()["routes"]}
    return str(routes[name]["health_status"])


def test_a_service_is_checked_as_soon_as_it_was_changed(served: Any) -> None:
    failing = served.new_upstream("failing", status=404)
    assert served.register("moved", host=failing.address, health_path="/x")["ok"]
    wait_for(lambda: state_of(served, "moved") in ("degraded", "down"), "it is checked")
    assert served.register("moved", overwrite=True, health_path="/status/200")["ok"]
    wait_for(lambda: state_of(served, "moved") == "up", "it is checked again long before its interval")


def test_a_service_has_an_interval_of_its_own(served: Any) -> None:
    other = served.new_upstream("other")
    fields = {"upstream": other.address, "health": {"path": "/status/200", "interval": "1s"}}
    path = "/api/resources/service/often"
    made = served.api("PUT", path, fields, headers={"If-None-Match": "*"})
    assert made.json()["ok"], made.text
    wait_for(lambda: state_of(served, "often") == "up", "it is up")
    other.stop()
    wait_for(lambda: state_of(served, "often") == "down", "its end is noticed by itself")
