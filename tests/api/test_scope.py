"""Row A3: whoever is no admin reaches the deployments that were granted, and the others do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from people_world import ask, declare, minted, rows
from scope_world import IDLE, NEW, as_, names, shared_out, version

from conduit.sandbox.daemon import Daemon


@pytest.fixture(scope="module")
def served(shared_dockerd: Daemon) -> Iterator[Any]:
    """Three deployments, and an operator for each level of the first one."""
    with shared_out(shared_dockerd) as site:
        yield site


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


@pytest.mark.parametrize(("kind", "status"), [("container", 404), ("image", 404), ("network", 403), ("volume", 404)])
def test_what_belongs_to_no_deployment_is_for_admins(kind: str, status: int, served: Any) -> None:
    assert as_(served, "w-admin", "PUT", f"/api/resources/{kind}/mine", {}, **NEW).status_code == status
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


def test_a_grant_taken_back_counts_at_once(served: Any) -> None:
    declare(served, "tmp", "operator", deployment="blog")
    token = minted(served, "tmp")
    assert names(ask(served, token, "/api/resources/deployment")) == ["blog"]
    seen = version(served, "grant/tmp-blog")
    assert served.api("DELETE", "/api/resources/grant/tmp-blog", headers={"If-Match": seen}).status_code == 200
    assert names(ask(served, token, "/api/resources/deployment")) == []
