"""The documented audit API over the trail of a served site."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from api_world import make_served

from conduit import chain_writer
from conduit.audit.act import SUCCESS, Act
from conduit.audit.trail import Trail
from conduit.manifests.settings_file import read_settings


@pytest.fixture(scope="module")
def done(served: Any) -> Any:
    """A served site on which a few things happened."""
    assert served.register("first")["ok"]
    assert served.register("second")["ok"]
    assert served.api("DELETE", "/api/services/first").status_code == 200
    assert served.api("DELETE", "/api/services/first").status_code == 404
    assert served.visitor.get("/api/services").status_code == 401
    assert served.api("POST", "/api/dns/flush").status_code == 200
    return served


def found(served: Any, **query: Any) -> dict[str, Any]:
    answer = served.api("GET", "/api/audit/events", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def actions(served: Any, **query: Any) -> list[str]:
    return [each["action"] for each in found(served, **query)["events"] if "health" not in each["action"]]


def test_each_filter_chooses(done: Any) -> None:
    assert actions(done, action="services.create") == ["services.create"] * 2
    assert actions(done, resource_type="services", success="false", actor_type="api_key") == ["services.delete"]
    assert actions(done, resource_type="services", resource_id="first") == [*["services.delete"] * 2, "services.create"]
    assert actions(done, actor_type="anonymous") == ["services.list"]
    assert actions(done, actor_id="admin", resource_type="dns") == ["dns_flush.create"]
    assert actions(done, actor_type="jwt") == []
    assert actions(done, client_ip="192.0.2.1") == []
    assert found(done, client_ip="127.0.0.1")["total"] == 6
    assert {each["actor_type"] for each in found(done, actor_type="system")["events"]} <= {"system"}


def test_times_bound_what_is_found(done: Any) -> None:
    first, second = found(done, action="services.create")["events"]
    assert first["timestamp"] > second["timestamp"], "newest first"
    assert found(done, action="services.create", start_time=first["timestamp"])["events"] == [first]
    assert found(done, action="services.create", end_time=second["timestamp"])["events"] == [second]
    assert done.api("GET", "/api/audit/events", params={"start_time": "yesterday"}).status_code == 400


def test_pages_and_limits(done: Any) -> None:
    whole = found(done, client_ip="127.0.0.1")
    pages = [found(done, client_ip="127.0.0.1", limit=2, offset=offset)["events"] for offset in (0, 2, 4, 6)]
    assert [event for page in pages for event in page] == whole["events"]
    assert found(done, client_ip="127.0.0.1", limit=2, offset=100)["total"] == 6
    for limit in (0, -1, 1001):
        assert found(done, limit=limit)["limit"] == 50


def test_one_event_by_number_and_by_uuid(done: Any) -> None:
    (event,) = found(done, action="dns_flush.create")["events"]
    for name in (event["id"], event["event_id"], event["event_id"].upper()):
        assert done.api("GET", f"/api/audit/events/{name}").json() == event
    for name in ("0", "999999", "9" * 30, "nothing", "00000000-0000-8000-8000-000000000000", "٣"):
        assert done.api("GET", f"/api/audit/events/{name}").status_code == 404, name


def test_statistics_add_up(done: Any) -> None:
    total = found(done)["total"]
    stats = done.api("GET", "/api/audit/stats").json()
    assert stats["total_events"] == stats["last_24_hours"] == stats["last_7_days"] >= total
    for name in ("by_action", "by_actor_type", "by_resource_type"):
        assert sum(stats[name].values()) == stats["total_events"], name
    assert stats["failure_count"] >= 2
    assert sum(day["count"] for day in stats["events_trend"]) == stats["total_events"]
    assert {each["actor_id"] for each in stats["top_actors"]} >= {"admin", "anonymous"}


def test_exports_are_attachments_and_are_recorded(done: Any) -> None:
    answer = done.api("POST", "/api/audit/export", {"format": "csv", "action": "services.create"})
    assert answer.headers["content-disposition"].startswith('attachment; filename="audit_export_')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["action"], row["success"]) for row in rows] == [("services.create", "true")] * 2
    answer = done.api("POST", "/api/audit/export", {"actor_type": "anonymous"})
    assert answer.text.startswith("[\n  {\n    ")
    assert [each["action"] for each in json.loads(answer.text)] == ["services.list"]
    assert found(done, action="audit_export.create")["total"] == 2
    assert len(json.loads(done.api("POST", "/api/audit/export", {"limit": 1}).text)) == 1
    assert done.api("POST", "/api/audit/export", {"format": "xml"}).status_code == 422


def test_an_index_that_is_gone_is_made_again(done: Any) -> None:
    index = done.directory / "state" / "audit-index.db"
    before = found(done, actor_type="api_key")
    index.unlink()
    assert found(done, actor_type="api_key") == before
    assert index.stat().st_mode & 0o777 == 0o600


def test_a_damaged_index_is_made_again_within_the_request(done: Any) -> None:
    """Regression: the first request was answered with 503, though the trail had all that was asked for."""
    index = done.directory / "state" / "audit-index.db"
    before = found(done, actor_type="api_key")
    index.write_bytes(os.urandom(8192))
    assert found(done, actor_type="api_key") == before
    index.write_bytes(index.read_bytes()[:8192])
    assert found(done, actor_type="api_key") == before


def test_an_index_of_another_conduit_is_made_again_at_once(done: Any) -> None:
    """Regression: the first request was refused."""
    index = done.directory / "state" / "audit-index.db"
    before = found(done, actor_type="api_key")
    index.unlink()
    with closing(sqlite3.connect(index)) as other:
        other.executescript("CREATE TABLE entries (entry INTEGER PRIMARY KEY, at REAL)")
    assert found(done, actor_type="api_key") == before


def test_cleanup_keeps_what_is_young(done: Any) -> None:
    answer = done.api("DELETE", "/api/audit/cleanup")
    assert (answer.status_code, answer.json()["deleted"]) == (200, 0)
    assert done.conduit("audit", "verify").code == 0


def test_the_first_documented_answer_keeps_its_shape(done: Any) -> None:
    body = done.api("GET", "/api/audit?limit=1").json()
    assert set(body) == {"entries", "total"}
    assert set(body["entries"][0]) == {"timestamp", "action", "status", "message", "user", "details", "address"}


def test_cleanup_removes_what_is_old_and_the_rest_still_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    two_years_ago = SimpleNamespace(time=lambda: time.time() - 730 * 86400)
    with make_served() as site:
        directory, keys = site.directory / "state" / "audit", site.directory / "keys"
        assert site.register("new")["ok"]
        shutil.rmtree(directory)
        next(keys.rglob("audit.head")).unlink()
        trail = Trail(read_settings(site.settings_file))
        with monkeypatch.context() as patched:
            patched.setattr(chain_writer, "time", two_years_ago)
            for _ in range(7):
                trail.append(Act("edit", SUCCESS, "long ago", "mona"))
            trail.seal()
        assert found(site, actor_id="mona")["total"] == 7
        assert site.api("POST", "/api/dns/flush").status_code == 200
        answer = site.api("DELETE", "/api/audit/cleanup")
        assert (answer.status_code, answer.json()["deleted"]) == (200, 7)
        assert [path.name for path in sorted(directory.glob("*.jsonl"))] == ["000000000008.jsonl"]
        assert found(site, actor_id="mona")["total"] == 0
        assert found(site, action="audit_cleanup.delete")["total"] == 1
        told = site.conduit("audit", "verify")
        assert (told.code, told.stdout[:39]) == (0, "The audit trail holds: entries 8 to 9, "), told
