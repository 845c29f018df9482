"""An act on one resource carries along what the loop would apply now, and nothing that the loop leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from api_world import make_served
from contract_rows import answered

from conduit.sandbox.machine import wait_for
from tests.loop.conftest import SAFE, WHO

RECORD = "dns_records:\n  kept: {name: kept.home.arpa, value: 10.0.0.1}\n"


@pytest.fixture(scope="module")
def committed() -> Iterator[Any]:
    """A served site whose manifests are in git; what happens to a route is only told, never put right."""
    with make_served(sections={"reconcile": {"kinds": {"route": "observe"}}}) as site:
        site.write("kept.yaml", RECORD)
        for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "by hand")):
            done = site.program("git", "-C", str(site.desired), *WHO, *words, env=SAFE)
            assert done.code == 0, done
        assert site.api("POST", "/api/apply").json()["ok"]
        yield site


def act(site: Any, name: str) -> bool:
    """Do one thing to a service, or to all of them, and tell whether it went well."""
    match name:
        case "register":
            answer = site.api("POST", "/api/services", {"name": "fresh", "host": site.echo})
        case "remove":
            answer = site.api("DELETE", "/api/services/other")
        case "rotate":
            answer = site.api("POST", "/api/tls/other/rotate")
        case _:
            answer = site.api("POST", "/api/routing/reload")
    return bool(answer.json()["ok"])


@pytest.mark.parametrize("name", ["register", "remove", "rotate", "reload"])
def test_a_deletion_that_is_not_committed_waits(committed: Any, name: str) -> None:
    """Regression: any edit over the API carried out what somebody was about to remove in another file."""
    site = committed
    site.register("other", overwrite=True)
    (site.desired / "kept.yaml").write_text("dns_records: {}\n")
    try:
        assert act(site, name)
        assert site.dig("kept.home.arpa") == ["10.0.0.1"]
        assert bool(site.dig("other.home.arpa")) == (name != "remove")
    finally:
        site.write("kept.yaml", RECORD)


@pytest.mark.parametrize("name", ["rotate", "reload"])
def test_what_is_suspended_stays_as_it_is(committed: Any, name: str) -> None:
    """Regression: a rotation and a reload applied all that a suspended site was not to apply."""
    site = committed
    site.register("other", overwrite=True)
    assert site.conduit("suspend", "--reason", "quiet").code == 0
    site.write("kept.yaml", RECORD.replace("10.0.0.1", "10.0.0.2"))
    try:
        assert act(site, name)
        assert site.dig("kept.home.arpa") == ["10.0.0.1"]
    finally:
        site.write("kept.yaml", RECORD)
        assert site.conduit("resume").code == 0


def test_what_is_only_observed_stays_as_it_is(committed: Any) -> None:
    """Regression: an edit of one service put right what another kind's mode said to leave alone."""
    site = committed
    assert site.register("seen")["ok"]
    site.forget_route("seen.home.arpa")
    assert site.register("another")["ok"], "what is edited is applied all the same"
    assert answered(site, "https://another.home.arpa/")
    with site.caddy_admin() as caddy:
        assert "seen.home.arpa" not in caddy.get("/config/").text
    assert site.api("POST", "/api/apply").json()["ok"], "whoever applies everything means it"
    assert answered(site, "https://seen.home.arpa/")


def test_what_the_loop_would_apply_is_carried_along(committed: Any) -> None:
    site = committed
    site.write("more.yaml", "dns_records:\n  more: {name: more.home.arpa, value: 10.0.0.3}\n")
    assert site.register("third")["ok"]
    wait_for(lambda: site.dig("more.home.arpa") == ["10.0.0.3"], "it is applied")
