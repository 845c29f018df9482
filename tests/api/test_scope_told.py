"""Row A3: plans, runs, events and lists tell only of what is within reach."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from people_world import minted
from scope_world import IDLE, as_, shared_out, version

from conduit.sandbox import image
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import wait_for


@pytest.fixture(scope="module")
def served(shared_dockerd: Daemon) -> Iterator[Any]:
    """Three deployments, and an operator for each level of the first one."""
    with shared_out(shared_dockerd) as site:
        yield site


@pytest.fixture
def still(served: Any) -> Iterator[None]:
    """The loop is suspended, so that what was declared stays a plan."""
    assert served.conduit("suspend", "--reason", "a test looks").code == 0
    yield
    assert served.conduit("resume").code == 0


@pytest.fixture
def changed(served: Any) -> Iterator[str]:
    """The name of a volume that somebody declared, of no deployment that was granted, and that no plan has seen yet.

    Each test has one of its own: a volume outlives its declaration, and the next to declare it changes nothing.
    """
    name = f"hidden-{secrets.token_hex(4)}"
    manifest = served.write("others.yaml", f"volumes: {{{name}: {{}}}}\n")
    yield name
    manifest.unlink()
    assert served.api("POST", "/api/apply", params={"allow_deletes": 1}).json()["ok"]


NATIVE = ("/api/diff", "/api/drift", "/api/runs?limit=500", "/api/journal?limit=500")


def test_plans_runs_and_the_journal_tell_only_what_is_within_reach(changed: str, served: Any) -> None:
    """A plan told everybody who may read the system what changes in deployments of others."""
    assert served.api("POST", "/api/apply").json()["ok"]
    number = served.api("GET", "/api/runs?limit=1").json()["runs"][-1]["run"]
    for path in (*NATIVE, f"/api/runs/{number}"):
        told = as_(served, "w-admin", "GET", path)
        assert told.status_code == 200, told.text
        for foreign in (changed, "deployment/shop", "deployment/blog", "user/", "grant/"):
            assert foreign not in told.text, (path, foreign)
    whole = served.api("GET", f"/api/runs/{number}").text
    assert changed in whole, "an admin sees it"


def test_a_preview_tells_nothing_of_what_else_would_change(still: None, changed: str, served: Any) -> None:
    seen = version(served, "deployment/wiki")
    body = {"env": {"WHO": "previewed"}}
    path = "/api/resources/deployment/wiki?dry_run=true"
    told = as_(served, "w-admin", "PATCH", path, body, **{"If-Match": seen})
    assert told.status_code == 200, told.text
    assert changed not in told.text
    assert changed in served.api("PATCH", path, body, headers={"If-Match": seen}).text


def test_what_the_loop_leaves_alone_is_told_only_within_reach(still: None, changed: str, served: Any) -> None:
    """It told everybody who may read the system which changes in deployments of others wait."""
    wait_for(lambda: changed in served.api("GET", "/api/loop").text, "the loop holds it back")
    told = as_(served, "w-admin", "GET", "/api/loop")
    assert (told.status_code, told.json()["suspended"]["reason"]) == (200, "a test looks")
    assert changed not in told.text


def test_why_no_pass_ends_is_told_by_its_code(served: Any) -> None:
    """It told everybody who may read the system the words of an error in a manifest of others."""
    manifest = served.write("others.yaml", "volumes: {broken: {no-field: 1}}\n")
    wait_for(lambda: "no-field" in served.api("GET", "/api/loop").text, "the loop says what is wrong")
    told = as_(served, "w-admin", "GET", "/api/loop")
    assert "no-field" not in told.text
    assert "others.yaml" not in told.text
    assert all(each["code"] for each in told.json()["problems"])
    assert told.json()["problems"]
    manifest.unlink()
    wait_for(lambda: not served.api("GET", "/api/loop").json()["problems"], "the loop works again")


def test_an_apply_tells_nothing_of_others(still: None, changed: str, served: Any) -> None:
    told = as_(served, "w-admin", "POST", "/api/apply")
    assert told.json()["ok"]
    assert changed not in told.text
    assert changed in served.api("GET", f"/api/runs/{told.json()['run']}").text, "it was this apply's"
    assert as_(served, "w-admin", "POST", "/api/apply?allow_deletes=5").status_code == 403


def test_events_tell_only_what_is_within_reach(served: Any) -> None:
    told: dict[str, list[str]] = {"root": [], "w-admin": []}

    def read(user: str) -> None:
        headers = {"Authorization": f"Bearer {minted(served, user)}"}
        with httpx.stream("GET", f"{served.url}/api/events", headers=headers, timeout=60) as stream:
            for line in stream.iter_lines():
                told[user].append(line)
                if "named-canary" in line and "report" in told[user][-2]:
                    return

    readers = [threading.Thread(target=read, args=(user,), daemon=True) for user in told]
    for reader in readers:
        reader.start()
    wait_for(lambda: all(told.values()), "both streams are open")
    manifest = served.write("others.yaml", "volumes: {event-canary: {}}\n")
    assert served.api("POST", "/api/apply").json()["ok"]
    assert served.register("named-canary")["ok"]
    for reader in readers:
        reader.join(30)
        assert not reader.is_alive(), "it was told of the service, which both may read"
    assert "event-canary" in "".join(told["root"])
    assert "event-canary" not in "".join(told["w-admin"])
    manifest.unlink()
    assert served.api("POST", "/api/apply", params={"allow_deletes": 1}).json()["ok"]


def test_of_containers_those_within_reach_are_listed(served: Any) -> None:
    image.load(Path(served.settings["docker"]["socket"]))
    running = {"web": {"image": image.NAME, "command": ["sleep", "600"], "stop_grace_period": "1s"}}
    seen = {name: version(served, f"deployment/{name}") for name in ("wiki", "shop")}
    for name, tag in seen.items():
        body = {"compose": {"services": running}}
        made = served.api("PUT", f"/api/resources/deployment/{name}", body, headers={"If-Match": tag})
        assert made.json()["ok"], made.text
    whole = served.api("GET", "/api/servers/containers").text
    assert "wiki-web-1" in whole
    assert "shop-web-1" in whole
    for path in ("/api/servers", "/api/servers/containers", "/api/servers/local", "/api/servers/local/containers"):
        told = as_(served, "w-read", "GET", path).text
        assert "wiki-web-1" in told, path
        assert "shop-web-1" not in told, path
    for name in seen:
        headers = {"If-Match": version(served, f"deployment/{name}")}
        assert served.api("PUT", f"/api/resources/deployment/{name}", IDLE, headers=headers).status_code == 200


def test_the_newest_entry_of_the_trail_is_for_who_may_read_it(served: Any) -> None:
    assert served.api("GET", "/api/status").json()["last_audit"]
    assert as_(served, "w-admin", "GET", "/api/status").json()["last_audit"] is None
