"""Row C1 on the documented routes: what is sent as If-Match is the version that is changed, or nothing is."""

from __future__ import annotations

from typing import Any

from people_world import PASSWORD, rows
from scope_world import version

from conduit.identity.numbers import number_of

PERSON = f"/api/users/{number_of('user', 'seen')}"
GRANTS = f"{PERSON}/deployments"


def test_people_and_grants_are_changed_in_the_version_that_was_seen(served: Any) -> None:
    """Regression: the documented routes took no notice of If-Match."""
    body = {"username": "seen", "password": PASSWORD, "role": "viewer"}
    assert served.api("POST", "/api/users", body).status_code == 201
    given = {"deployment_name": "wiki", "access_level": "read"}
    assert served.api("POST", GRANTS, given).status_code == 201
    user, grant = "user/seen", "grant/seen-wiki"
    old, older = version(served, user), version(served, grant)
    edits = (
        ("PUT", PERSON, {"email": "one@home.arpa"}, user, old),
        ("PUT", f"{GRANTS}/wiki", {"access_level": "write"}, grant, older),
    )
    for method, path, change, native, tag in edits:
        assert served.api(method, path, change, headers={"If-Match": tag}).status_code == 200
        for again, sent in ((method, change), ("DELETE", None)):
            refused = served.api(again, path, sent, headers={"If-Match": tag})
            assert (refused.status_code, refused.json()["code"]) == (412, "CND-2007"), refused.text
        assert served.api("GET", f"/api/resources/{native}").status_code == 200
    assert rows(served, "SELECT level FROM grants WHERE user = 'seen'") == [("write",)]
    for path, native in ((f"{GRANTS}/wiki", grant), (PERSON, user)):
        tag = version(served, native)
        assert served.api("DELETE", path, headers={"If-Match": tag}).status_code == 200
    assert rows(served, "SELECT 1 FROM users WHERE name = 'seen'") == []


def test_a_service_is_changed_in_the_version_that_was_seen(served: Any) -> None:
    """Regression: they took no notice of If-Match, so that a client which sent it overwrote what it had not seen."""
    service = "service/agreed"
    assert served.register("agreed")["ok"]
    old, again = version(served, service), {"name": "agreed", "host": served.echo, "overwrite": True}
    assert served.register("agreed", overwrite=True, health_path="/health")["ok"]
    for method, path, body in (("POST", "/api/services", again), ("DELETE", "/api/services/agreed", None)):
        refused = served.api(method, path, body, headers={"If-Match": old})
        assert (refused.status_code, refused.json()["code"]) == (412, "CND-2007"), refused.text
    tag = version(served, service)
    assert served.api("POST", "/api/services", again, headers={"If-Match": tag}).json()["ok"]
    gone = served.api("DELETE", "/api/services/agreed", headers={"If-Match": version(served, service)})
    assert gone.json()["ok"], gone.text
    assert served.dig("agreed.home.arpa") == []
