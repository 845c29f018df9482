"""The audit trail of a served site: one entry for each change and each refusal, and no change without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def entries(served: Any) -> list[dict[str, Any]]:
    """Return every line of the trail, as a program that knows nothing of conduit reads it."""
    segments = sorted((served.directory / "state" / "audit").glob("*.jsonl"))
    return [json.loads(line) for segment in segments for line in segment.read_text().split("\n")[:-1]]


def newest(served: Any) -> dict[str, Any]:
    """Return the newest entry somebody caused."""
    return next(each for each in reversed(entries(served)) if each["event"] != "health_change")


def test_a_change_is_one_entry_that_tells_all_of_it(served: Any) -> None:
    before = len(entries(served))
    answer = served.api("POST", "/api/services", {"name": "told", "host": served.echo}, headers={"User-Agent": "me/1"})
    assert answer.status_code == 200, answer.text
    added = [each for each in entries(served)[before:] if each["event"] != "health_change"]
    assert [each["event"] for each in added] == ["service_register"]
    data = added[0]["data"]
    said = {name: data[name] for name in ("action", "status", "user", "address", "sort")}
    wanted = {"action": "services.create", "status": "success", "user": "admin", "address": "127.0.0.1"}
    assert said == {**wanted, "sort": "api_key"}
    asked = data["asked"]
    assert (asked["method"], asked["path"], asked["resource"], asked["agent"]) == (
        "POST",
        "/api/services",
        "services",
        "me/1",
    )
    assert (asked["status"], asked["request"]) == (200, answer.headers["x-request-id"])
    assert asked["milliseconds"] > 0
    assert json.loads(asked["body"]) == {"name": "told", "host": served.echo}
    assert data["details"]["commit"] == "" or len(data["details"]["commit"]) == 40
    registered = {name: data["details"][name] for name in ("name", "host", "port", "protocol", "health_path", "tls")}
    place = {"name": "told", "host": "127.0.0.1", "port": served.upstream_port}
    assert registered == {**place, "protocol": "https", "health_path": "/", "tls": True}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "action", "name"),
    [
        ("POST", "/api/services", {"name": "no/such"}, 422, "services.create", ""),
        ("DELETE", "/api/services/absent", None, 404, "services.delete", "absent"),
        ("PUT", "/api/resources/services/absent", {}, 428, "services.update", "absent"),
        ("PATCH", "/api/resources/services/absent", {"upstream": "10.0.0.1:1"}, 428, "services.update", "absent"),
        ("POST", "/api/dns/flush", None, 200, "dns_flush.create", ""),
        ("POST", "/api/routing/reload", None, 200, "routing_reload.create", ""),
    ],
)
def test_whatever_becomes_of_a_change_it_is_one_entry(
    served: Any, method: str, path: str, body: Any, status: int, action: str, name: str
) -> None:
    before = len(entries(served))
    answer = served.api(method, path, body)
    assert answer.status_code == status, answer.text
    added = [each["data"] for each in entries(served)[before:] if each["event"] != "health_change"]
    assert [(each["action"], each["asked"]["name"], each["asked"]["status"]) for each in added] == [
        (action, name, status)
    ]
    assert added[0]["status"] == ("success" if status < 400 else "failure")
    assert added[0]["message"]


def test_a_change_that_is_answered_at_once_is_recorded_again_when_it_has_ended(served: Any, wait_for: Any) -> None:
    before = len(entries(served))
    headers = {"If-None-Match": "*", "Prefer": "respond-async"}
    body = {"upstream": served.echo}
    assert served.api("PUT", "/api/resources/services/later", body, headers=headers).status_code == 202

    def ended() -> list[dict[str, Any]] | None:
        added = [each["data"] for each in entries(served)[before:] if each["event"] == "edit"]
        return added if len(added) == 2 else None

    first, second = wait_for(ended, "the change ended")
    assert [first["asked"]["status"], first["message"]] == [202, "set service/later; saved, and being applied"]
    assert [second["status"], second["message"]] == ["success", "set service/later"]
    assert second["details"]["run"] > 0


def test_what_the_loop_does_by_itself_is_recorded_as_such(served: Any, wait_for: Any) -> None:
    before = len(entries(served))
    record = "dns_records:\n  alone:\n    name: alone.home.arpa\n    value: 10.0.0.9\n"
    served.write("alone.yaml", record)
    wait_for(lambda: served.dig("alone.home.arpa") == ["10.0.0.9"], "the loop applied it")

    def applied() -> dict[str, Any] | None:
        return next((each for each in entries(served)[before:] if each["event"] == "apply"), None)

    data = wait_for(applied, "it is in the trail")["data"]
    assert (data["user"], data["sort"], data["status"]) == ("conduit", "system", "success")
    assert data["details"]["outcomes"] == {"ok": 1}
    assert data["details"]["digest"] in json.dumps(served.api("GET", "/api/journal").json())


def test_reading_is_not_recorded(served: Any) -> None:
    before = len(entries(served))
    for path in ("/api/services", "/api/dns", "/api/audit", "/api/diff"):
        assert served.api("GET", path).status_code == 200
    assert served.api("POST", "/api/dns/resolve", {"domain": "x"}).status_code == 200
    assert [each for each in entries(served)[before:] if each["event"] != "health_change"] == []


def test_a_refusal_is_one_entry_for_reads_as_well(served: Any) -> None:
    for method in ("GET", "POST"):
        before = len(entries(served))
        refused = served.visitor.request(method, "/api/services", json={"name": "x", "password": "hunter2"})
        assert refused.status_code == 401
        (entry,) = (each for each in entries(served)[before:] if each["event"] != "health_change")
        data = entry["data"]
        assert (entry["event"], data["sort"], data["user"], data["status"]) == (
            "denied",
            "anonymous",
            "anonymous",
            "failure",
        )
        assert (data["asked"]["method"], data["asked"]["status"]) == (method, 401)


def test_no_secret_of_a_body_is_kept(served: Any) -> None:
    compose = "services:\n  db:\n    environment:\n      DB_PASSWORD: canary-1\n      API_TOKEN=canary-2\n"
    compose += '    command: db --password canary-8 --config \'{"secret": "canary-9"}\'\n    image: kept:1\n'
    body = {
        "name": "leaky",
        "host": "https://me:canary-3@10.0.0.1",
        "Password": "canary-4",
        "nested": [{"api_key": {"a": "canary-5"}, "Authorization": "canary-6"}],
        "variables": [{"name": "MY_SECRET", "value": "canary-7"}, {"name": "HOME", "value": "kept"}],
        "compose": compose,
    }
    assert served.api("POST", "/api/services", body).status_code == 422
    text = json.dumps(newest(served))
    assert "canary" not in text
    assert "image: kept:1" in text
    assert '\\"kept\\"' in text


def test_a_long_body_is_cut(served: Any) -> None:
    assert served.api("POST", "/api/services", {"name": "x" * 50_000}).status_code == 422
    assert len(newest(served)["data"]["asked"]["body"]) == 10_000
    assert served.api("POST", "/api/services", {"name": "x" * 500_000}).status_code == 422
    assert newest(served)["data"]["asked"]["body"].endswith(" bytes]")


def test_l1_names_cannot_forge_lines(served: Any) -> None:
    before = (len(entries(served)), lines(served))
    forged = 'x\n{"event":"login","status":"success"}\x1b[31m\u202e'
    headers = {"User-Agent": "a\tb"}
    assert served.api("POST", "/api/services", {"name": forged, "host": "10.0.0.1"}, headers=headers).status_code == 422
    assert lines(served) - before[1] == len(entries(served)) - before[0]
    raw = b"".join(path.read_bytes() for path in trail(served))
    assert b"\x1b" not in raw
    assert "\u202e".encode() not in raw
    assert forged in json.loads(newest(served)["data"]["asked"]["body"])["name"]


def trail(served: Any) -> list[Path]:
    return sorted((served.directory / "state" / "audit").glob("*.jsonl"))


def lines(served: Any) -> int:
    return sum(path.read_bytes().count(b"\n") for path in trail(served))
