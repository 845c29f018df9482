"""Row A3: whoever is no admin reaches the deployments that were granted, and the others do not exist."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_world import make_served
from people_world import ask, declare, minted, rows

from conduit.sandbox import image
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import wait_for

IDLE = {"compose": {"services": {"web": {"image": image.NAME, "profiles": ["off"]}}}}
"""A deployment of which nothing runs, so that these tests need no container."""
NEW = {"If-None-Match": "*"}


@pytest.fixture(scope="module")
def served(private_dockerd: Daemon) -> Iterator[Any]:
    """Three deployments, and an operator for each level of the first one."""
    with make_served(sections={"docker": private_dockerd.section}) as site:
        for name in ("wiki", "shop", "blog"):
            answer = site.api("PUT", f"/api/resources/deployment/{name}", IDLE, headers=NEW)
            assert answer.status_code == 201, answer.text
        declare(site, "root", "admin")
        for level in ("read", "write", "admin"):
            user = f"w-{level}"
            declare(site, user, "operator")
            grant = {"user": user, "deployment": "wiki", "level": level}
            assert site.api("PUT", f"/api/resources/grant/{user}", grant, headers=NEW).status_code == 201
        yield site


def as_(served: Any, name: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return ask(served, minted(served, name), path, method, json=body, headers=headers)


def version(served: Any, key: str) -> str:
    return str(served.api("GET", f"/api/resources/{key}").headers["etag"])


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer.json()["items"]]


def test_a_list_has_only_what_is_within_reach(served: Any) -> None:
    path = "/api/resources/deployment"
    assert names(as_(served, "w-read", "GET", path)) == ["wiki"]
    assert {"blog", "shop", "wiki"} <= set(names(as_(served, "root", "GET", path)))


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
def test_what_was_not_granted_does_not_exist(method: str, served: Any) -> None:
    there = as_(served, "w-admin", method, "/api/resources/deployment/shop", IDLE, **{"If-Match": '"x"'})
    assert there.status_code == 404
    assert served.acted()["action"] == "denied"
    nowhere = as_(served, "w-admin", method, "/api/resources/deployment/none", IDLE, **{"If-Match": '"x"'})
    if method != "PUT":  # one that is not there may be made
        assert nowhere.json()["detail"] == there.json()["detail"].replace("shop", "none")


@pytest.mark.parametrize("key", ["deployment/shop", "container/shop-web-1", "deployment/none"])
def test_no_live_value_is_accepted_for_what_was_not_granted(key: str, served: Any) -> None:
    answer = as_(served, "w-admin", "POST", f"/api/drift/{key}/accept")
    assert (answer.status_code, answer.json()["detail"]) == (404, f"{key} is not declared")
    assert served.acted()["action"] == "denied"


def test_a_preview_is_no_way_around(served: Any) -> None:
    path, seen = "/api/resources/deployment/shop", version(served, "deployment/shop")
    for method in ("PUT", "PATCH"):
        answer = as_(served, "w-admin", method, f"{path}?dry_run=true", IDLE, **{"If-Match": seen})
        assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(("user", "status"), [("w-read", 403), ("w-write", 200), ("w-admin", 200)])
def test_a_level_says_how_far(user: str, status: int, served: Any) -> None:
    seen = version(served, "deployment/wiki")
    body = {"env": {"WHO": user.replace("-", "_")}}
    answer = as_(served, user, "PATCH", "/api/resources/deployment/wiki", body, **{"If-Match": seen})
    assert answer.status_code == status, answer.text
    text = (served.desired / "deployments" / "wiki.yaml").read_text()
    assert (user.replace("-", "_") in text) == (status == 200)


@pytest.mark.parametrize("kind", ["container", "image", "network", "volume"])
def test_what_belongs_to_no_deployment_is_for_admins(kind: str, served: Any) -> None:
    assert as_(served, "w-admin", "PUT", f"/api/resources/{kind}/mine", {}, **NEW).status_code in (403, 404)
    assert as_(served, "w-admin", "GET", f"/api/resources/{kind}").json() == {"items": []}


def test_a_site_may_lead_only_to_what_is_within_reach(served: Any) -> None:
    body = {"deployment": "shop", "port": 80}
    assert as_(served, "w-admin", "PUT", "/api/resources/service/window", body, **NEW).status_code == 404
    assert not (served.desired / "services" / "window.yaml").exists()


def test_danger_is_for_whom_it_was_given(served: Any) -> None:
    """Row D1: an admin too needs `docker:dangerous` by name."""
    for user in ("w-write", "root"):
        seen = version(served, "deployment/wiki")
        answer = as_(served, user, "PATCH", "/api/resources/deployment/wiki", {"dangerous": True}, **{"If-Match": seen})
        assert (answer.status_code, "docker:dangerous" in answer.text) == (403, True)
    user = {"role": "admin", "permissions": ["docker:dangerous"]}
    seen = version(served, "user/root")
    assert served.api("PUT", "/api/resources/user/root", user, headers={"If-Match": seen}).status_code == 200
    seen = version(served, "deployment/blog")
    answer = as_(served, "root", "PATCH", "/api/resources/deployment/blog", {"dangerous": True}, **{"If-Match": seen})
    assert answer.status_code == 200, answer.text


def test_who_makes_a_deployment_is_its_admin_until_it_is_gone(served: Any) -> None:
    answer = as_(served, "w-read", "PUT", "/api/resources/deployment/own", IDLE, **NEW)
    assert answer.status_code == 201, answer.text
    assert rows(served, "SELECT user, level FROM grants WHERE deployment = 'own'") == [("w-read", "admin")]
    assert names(as_(served, "w-read", "GET", "/api/resources/deployment")) == ["own", "wiki"]
    assert as_(served, "w-admin", "GET", "/api/resources/deployment/own").status_code == 404
    seen = version(served, "deployment/own")
    assert served.api("DELETE", "/api/resources/deployment/own", headers={"If-Match": seen}).status_code == 200
    assert rows(served, "SELECT * FROM grants WHERE deployment = 'own'") == []
    assert not list(served.desired.glob("grants/*own*"))


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


def test_a_grant_taken_back_counts_at_once(served: Any) -> None:
    declare(served, "tmp", "operator", deployment="blog")
    token = minted(served, "tmp")
    assert names(ask(served, token, "/api/resources/deployment")) == ["blog"]
    seen = version(served, "grant/tmp-blog")
    assert served.api("DELETE", "/api/resources/grant/tmp-blog", headers={"If-Match": seen}).status_code == 200
    assert names(ask(served, token, "/api/resources/deployment")) == []
