"""The native part: plans, applies, records, kinds, events, and what is asked without a key."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from conduit.sandbox.machine import answers, wait_for


def test_what_is_served_without_a_key(served: Any) -> None:
    for path in ("/api/ping", "/healthz", "/readyz"):
        assert served.visitor.get(path).status_code == 200
    for path in ("/api/diff", "/metrics", "/schema", "/api/services"):
        refused = served.visitor.get(path)
        assert refused.status_code == 401, path
        assert refused.headers["www-authenticate"] == "Bearer"


def test_a_plan_is_applied_by_its_digest_and_no_other(served: Any) -> None:
    assert served.conduit("suspend").code == 0
    served.write("plans.yaml", f"services:\n  planned: {{upstream: '{served.echo}'}}\n")
    plan = served.api("GET", "/api/diff").json()
    assert "route/planned" in [each["address"] for each in plan["resource_changes"]]
    other = served.api("POST", f"/api/plans/{'0' * 64}/apply")
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"
    assert other.json()["code"] == "CND-2021"
    assert served.dig("planned.home.arpa") == []
    done = served.api("POST", f"/api/plans/{plan['plan_digest']}/apply").json()
    assert done["ok"], done
    assert served.dig("planned.home.arpa") == ["127.0.0.1"]
    assert served.curl("https://planned.home.arpa/").stdout.startswith("HTTP/2 200")
    assert done["run"] in [run["run"] for run in served.api("GET", "/api/runs").json()["runs"]]
    assert served.api("GET", f"/api/runs/{done['run']}").json()["entries"][-1]["event"] == "run_finished"
    assert served.api("GET", "/api/journal").json()["broken"] is None
    assert served.conduit("resume").code == 0


def test_drift_is_told_and_undone(served: Any) -> None:
    assert served.register("drifting")["ok"]
    assert served.conduit("suspend").code == 0
    hosts = next(served.directory.glob("dnsmasq/hosts/*"))
    hosts.write_text(hosts.read_text().replace("127.0.0.1 drifting", "10.9.9.9 drifting"))
    (drift,) = served.api("GET", "/api/drift").json()["drift"][-1:]
    assert (drift["address"], drift["field"], drift["origin"]) == ("dns_record/drifting", "value", "drift")
    assert (drift["live"], drift["declared"]) == ("10.9.9.9", "127.0.0.1")
    assert served.api("POST", "/api/apply").json()["ok"]
    assert served.dig("drifting.home.arpa") == ["127.0.0.1"]
    assert served.conduit("resume").code == 0


def test_the_loop_tells_that_it_is_suspended_and_why(served: Any) -> None:
    assert served.api("GET", "/api/loop").json()["suspended"] is None
    assert served.conduit("suspend", "--reason", "moving the rack", "--until", "2999-01-01T00:00:00Z").code == 0
    told = served.api("GET", "/api/loop").json()
    assert told["mode"] == "apply"
    assert (told["suspended"]["reason"], told["suspended"]["until"]) == ("moving the rack", "2999-01-01T00:00:00Z")
    served.write("held.yaml", f"services:\n  held: {{upstream: '{served.echo}'}}\n")
    wait_for(lambda: "route/held" in [each["address"] for each in _loop(served)["held"]], "the change is held back")
    (served.desired / "held.yaml").unlink()
    assert served.conduit("resume").code == 0
    assert served.api("GET", "/api/loop").json()["suspended"] is None


def test_the_loop_is_not_suspended_until_something_that_is_no_time(served: Any) -> None:
    refused = served.api("POST", "/api/loop/suspend", {"until": "next week"})
    assert (refused.status_code, refused.json()["field"]) == (422, "until")
    assert served.api("GET", "/api/loop").json()["suspended"] is None


def test_the_loop_tells_why_the_manifests_do_not_load(served: Any) -> None:
    broken = served.write("broken.yaml", "services:\n  broken: {upstraem: 'a:1'}\n")
    (problem,) = wait_for(lambda: _loop(served)["problems"], "the pass fails")
    assert (problem["source"]["file"], problem["source"]["line"]) == ("desired/broken.yaml", 2)
    assert "upstraem" in problem["message"]
    broken.unlink()
    wait_for(lambda: not _loop(served)["problems"], "the next pass works")


def _loop(served: Any) -> Any:
    return served.api("GET", "/api/loop").json()


def test_kinds_and_their_schemas(served: Any) -> None:
    kinds = {kind["name"]: kind for kind in served.api("GET", "/api/kinds").json()["kinds"]}
    assert "rotate" in kinds["certificate"]["operations"]
    assert "upstream" in served.api("GET", "/api/schema/service").json()["properties"]
    assert "services" in served.api("GET", "/api/schema").json()["properties"]
    assert served.api("GET", "/api/schema/nonsense").status_code == 404


def test_openapi_is_served_as_the_command_prints_it(served: Any) -> None:
    document = served.api("GET", "/schema").json()
    assert document["openapi"].startswith("3.1")
    printed = served.conduit("api", "schema")
    assert printed.code == 0
    assert json.loads(printed.stdout)["paths"].keys() == document["paths"].keys()


def test_a_key_that_may_be_absent_is_not_required_in_openapi(served: Any) -> None:
    """Regression: with postponed annotations every key of an answer was told to be always there."""
    schemas = served.api("GET", "/schema").json()["components"]["schemas"]
    problem = schemas["Problem"]
    assert {"field", "hint", "errors"} <= problem["properties"].keys()
    assert problem["required"] == ["code", "detail", "request_id", "status", "title", "type"]
    assert "certificate" not in schemas["Inspected"]["required"]
    assert schemas["Service"]["required"] == sorted(schemas["Service"]["properties"])


def test_events_are_resumed_after_the_last_one_seen(served: Any) -> None:
    seen: list[str] = []

    def read() -> None:
        with served.client.stream("GET", "/api/events") as stream:
            for line in stream.iter_lines():
                seen.append(line)
                if line == "event: report":
                    return

    assert served.api("GET", "/api/diff").status_code == 200, "the first pass of the loop has ended"
    reader = threading.Thread(target=read)
    reader.start()
    wait_for(lambda: seen, "the stream is open")
    assert served.register("eventful")["ok"]
    reader.join(20)
    kinds = [line.removeprefix("event: ") for line in seen if line.startswith("event: ") and "health" not in line]
    assert kinds[0] == "plan"
    assert "progress" in kinds
    last = max(int(line.removeprefix("id: ")) for line in seen if line.startswith("id: "))
    with served.client.stream("GET", "/api/events", headers={"Last-Event-ID": str(last - 2)}) as stream:
        again = next(line for line in stream.iter_lines() if line.startswith("id: "))
    assert int(again.removeprefix("id: ")) == last - 1


def test_what_was_never_loaded_is_not_told_to_be_empty(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that had just started, or could not load, said that there are no services."""
    assert served.register("declared")["ok"]
    served.stop()
    broken = served.write("broken.yaml", "services: {x: {upsteam: 10.0.0.1}}\n")
    with monkeypatch.context() as patched:
        patched.setattr(served, "_ready", lambda: answers(f"127.0.0.1:{served.port}"))
        served.serve()
    lists = ("/api/services", "/api/routing", "/api/tls", "/api/status", "/api/resources/service")
    asked = [("GET", path) for path in (*lists, "/api/services/declared/health")]
    for method, path in (*asked, ("DELETE", "/api/services/declared")):
        answer = served.api(method, path)
        assert (answer.status_code, answer.json()["code"]) == (503, "CND-2023"), (path, answer.text)
        assert answer.headers["retry-after"]
    broken.unlink()
    listed = wait_for(lambda: served.api("GET", "/api/services").json().get("services"), "the manifests load")
    assert "declared" in [each["name"] for each in listed]


def test_a_server_that_is_stopped_ends_in_time(served: Any) -> None:
    with served.client.stream("GET", "/api/events") as stream:
        next(stream.iter_lines())
        assert served.stop() == 143
    served.serve()
