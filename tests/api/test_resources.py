"""Native resources: versions, splices that keep every byte, dry runs, answers at once, one commit for each edit."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_world import make_served
from contract_rows import answered

from conduit.sandbox.machine import wait_for
from tests.failing import paused_at, reached


@pytest.fixture(scope="module")
def committed() -> Iterator[Any]:
    """A served site whose manifests are in git."""
    with make_served() as site:
        git(site, "init", "-q", "-b", "main")
        git(site, "config", "user.name", "anna")
        git(site, "config", "user.email", "anna@example.com")
        site.write("README", "manifests\n")
        commit_all(site)
        yield site


def git(site: Any, *words: str) -> str:
    done = site.program("git", "-C", str(site.desired), *words)
    assert done.code == 0, done
    return str(done.stdout)


def commit_all(site: Any) -> None:
    git(site, "add", "-A")
    git(site, "commit", "-qm", "by hand")


def put_new(site: Any, name: str, **fields: Any) -> Any:
    path = f"/api/resources/service/{name}"
    return site.api("PUT", path, {"upstream": site.echo, **fields}, headers={"If-None-Match": "*"})


def version(site: Any, name: str) -> str:
    answer = site.api("GET", f"/api/resources/service/{name}")
    assert answer.status_code == 200, answer.text
    return str(answer.headers["etag"])


def test_a_resource_is_made_changed_and_removed(committed: Any) -> None:
    made = put_new(committed, "whole")
    assert (made.status_code, made.json()["ok"]) == (201, True), made.text
    assert answered(committed, "https://whole.home.arpa/")
    tag = version(committed, "whole")
    assert made.headers["etag"] == tag
    changed = committed.api(
        "PATCH", "/api/resources/service/whole", {"aliases": ["other.home.arpa"]}, headers={"If-Match": tag}
    )
    assert (changed.status_code, changed.json()["ok"]) == (200, True), changed.text
    assert answered(committed, "https://other.home.arpa/")
    removed = committed.api("DELETE", "/api/resources/service/whole", headers={"If-Match": changed.headers["etag"]})
    assert removed.json()["ok"], removed.text
    assert committed.dig("whole.home.arpa") == []
    assert committed.api("GET", "/api/resources/service/whole").status_code == 404


def test_c1_only_the_version_that_was_seen_is_changed(committed: Any) -> None:
    put_new(committed, "versioned")
    old = version(committed, "versioned")
    path = "/api/resources/service/versioned"
    assert committed.api("PATCH", path, {"websockets": False}, headers={"If-Match": old}).status_code == 200
    before = committed.dig("versioned.home.arpa"), git(committed, "rev-parse", "HEAD")
    put_new(committed, "elsewhere")
    other = version(committed, "elsewhere")
    before = before[0], git(committed, "rev-parse", "HEAD")
    tries = {"stale": old, "any": "*", "weak": f"W/{version(committed, 'versioned')}", "another file's": other}
    for what, tag in tries.items():
        refused = committed.api("DELETE", path, headers={"If-Match": tag})
        assert refused.status_code == 412, what
        assert refused.json()["code"] == "CND-2007", refused.text
    absent = committed.api("DELETE", path)
    assert (absent.status_code, absent.json()["code"]) == (428, "CND-2008")
    assert put_new(committed, "versioned").status_code == 409
    assert (committed.dig("versioned.home.arpa"), git(committed, "rev-parse", "HEAD")) == before


def test_an_edit_keeps_every_other_byte_and_is_one_commit_of_its_caller(committed: Any) -> None:
    text = (
        "# what runs here\n"
        "services:\n"
        "  # the first one\n"
        f"  commented: {{upstream: '{committed.echo}', websockets: true}}   # trailing\n"
        "  untouched:\n"
        f"    upstream: '{committed.echo}'\n"
    )
    file = committed.write("hand.yaml", text)
    commit_all(committed)
    committed.api("POST", "/api/apply")
    head = git(committed, "rev-parse", "HEAD")
    tag = version(committed, "commented")
    done = committed.api("PATCH", "/api/resources/service/commented", {"websockets": False}, headers={"If-Match": tag})
    assert done.json()["ok"], done.text
    assert file.read_text() == text.replace("websockets: true", "websockets: false")
    log = git(committed, "log", "--format=%an|%s", f"{head.strip()}..HEAD").splitlines()
    assert log == ["admin|Set service/commented"]
    assert git(committed, "status", "--porcelain") == ""
    newest = committed.acted()
    assert newest["details"]["commit"] == git(committed, "rev-parse", "HEAD").strip()


def test_a_file_somebody_works_on_is_not_edited(committed: Any) -> None:
    put_new(committed, "dirty")
    file = committed.desired / "services" / "dirty.yaml"
    file.write_text("# half done\n" + file.read_text())
    tag = version(committed, "dirty")
    refused = committed.api("PATCH", "/api/resources/service/dirty", {"websockets": False}, headers={"If-Match": tag})
    assert (refused.status_code, refused.json()["code"]) == (409, "CND-0137")
    assert file.read_text().startswith("# half done\n")
    commit_all(committed)


def test_a_dry_run_plans_and_changes_nothing(committed: Any) -> None:
    before = committed.live(), git(committed, "rev-parse", "HEAD")
    new = {"headers": {"If-None-Match": "*"}, "params": {"dry_run": "true"}}
    plan = committed.api("PUT", "/api/resources/service/maybe", {"upstream": committed.echo}, **new).json()
    assert {each["address"] for each in plan["resource_changes"]} >= {"route/maybe", "dns_record/maybe"}
    assert not (committed.desired / "services" / "maybe.yaml").exists()
    assert (committed.live(), git(committed, "rev-parse", "HEAD")) == before


def test_an_answer_at_once_is_made_true_afterwards(committed: Any) -> None:
    headers = {"If-None-Match": "*", "Prefer": "respond-async"}
    answer = committed.api("PUT", "/api/resources/service/later", {"upstream": committed.echo}, headers=headers)
    assert answer.status_code == 202
    wait_for(lambda: committed.dig("later.home.arpa"), "the name is there")
    # The name is there before the route is, and Caddy drops requests while it loads: this waits for the whole run.
    assert committed.api("POST", "/api/apply").json()["ok"]
    assert answered(committed, "https://later.home.arpa/")


def test_a_wish_that_does_not_load_is_refused_whole(committed: Any) -> None:
    before = committed.live(), git(committed, "rev-parse", "HEAD")
    for fields in ({"upsteam": "10.0.0.1:80"}, {"upstream": "169.254.169.254:80"}, {}, {"domain": "x;}"}):
        refused = committed.api("PUT", "/api/resources/service/bad", fields, headers={"If-None-Match": "*"})
        assert refused.status_code == 422, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["request_id"] == refused.headers["x-request-id"]
    assert (committed.live(), git(committed, "rev-parse", "HEAD")) == before


def test_a_wish_that_does_not_load_is_told_with_the_path_of_each_field(committed: Any) -> None:
    wrong = {
        "upsteam": {"upsteam": "10.0.0.1:80"},
        "upstream": {"upstream": "169.254.169.254:80"},
        "upstreams.1": {"upstreams": ["10.0.0.1:80", "169.254.169.254:80"]},
        "health.path": {"upstream": "10.0.0.1:80", "health": {"path": "no slash"}},
        "deployment": {"deployment": "nowhere"},
        "needs": {"upstream": "10.0.0.1:80", "needs": ["service/nowhere"]},
    }
    for path, fields in wrong.items():
        refused = committed.api("PUT", "/api/resources/service/bad", fields, headers={"If-None-Match": "*"}).json()
        assert refused["field"] == path, refused
        assert [each["field"] for each in refused["errors"]] == [path], refused
    two = {"upsteam": "10.0.0.1:80", "health": {"path": 1}}
    refused = committed.api("PUT", "/api/resources/service/bad", two, headers={"If-None-Match": "*"}).json()
    assert {each["field"] for each in refused["errors"]} == {"upsteam", "health.path"}, refused
    assert {each["source"]["file"] for each in refused["errors"]} == {"desired/services/bad.yaml"}


def test_a_field_that_is_not_edited_is_named(committed: Any) -> None:
    text = 'vars: {box: 10.0.0.9}\nservices:\n  varied: {upstream: "{{ box }}:80"}\n'
    file = committed.write("varied.yaml", text)
    commit_all(committed)
    edit = {"headers": {"If-Match": version(committed, "varied")}}
    refused = committed.api("PATCH", "/api/resources/service/varied", {"upstream": "10.0.0.1:80"}, **edit)
    assert (refused.status_code, refused.json()["field"]) == (409, "upstream")
    file.unlink()
    commit_all(committed)


def test_what_hides_a_password_is_not_given_out(committed: Any) -> None:
    hashed = "$2b$10$" + "a" * 53
    assert put_new(committed, "guarded", basic_auth={"anna": hashed}).status_code == 201
    shown = committed.api("GET", "/api/resources/service/guarded").text
    assert hashed not in shown
    assert "anna" in shown
    assert hashed not in committed.api("GET", "/api/resources/services").text


def test_every_leaf_kind_is_a_resource_too(committed: Any) -> None:
    record = {"name": "printer.home.arpa", "value": "10.0.0.9"}
    made = committed.api("PUT", "/api/resources/dns_record/printer", record, headers={"If-None-Match": "*"})
    assert made.status_code == 201, made.text
    assert committed.dig("printer.home.arpa") == ["10.0.0.9"]
    assert committed.api("GET", "/api/resources/dns_records").json()["items"][0]["name"] == "printer"
    assert committed.api("GET", "/api/resources/nonsense").status_code == 404


def test_an_edit_of_a_suspended_site_is_saved_and_not_applied(committed: Any) -> None:
    assert committed.conduit("suspend", "--reason", "moving the rack").code == 0
    try:
        answer = put_new(committed, "waiting")
        assert answer.status_code == 202
        assert "moving the rack" in answer.json()["stdout"]
        registered = committed.api("POST", "/api/services", {"name": "patient", "host": committed.echo})
        assert registered.status_code == 202
        assert committed.dig("waiting.home.arpa") == []
    finally:
        assert committed.conduit("resume").code == 0
    wait_for(lambda: committed.dig("waiting.home.arpa") and committed.dig("patient.home.arpa"), "the loop applies both")


def test_a_removal_that_the_loop_sees_first_is_still_one_by_name(tmp_path: Any) -> None:
    """Regression: a pass of the loop between edit and apply forgot what the removed root had stood for, so that the
    removal of all a site has counted as a mass deletion."""
    gate = tmp_path / "gate"
    with make_served() as site:
        assert put_new(site, "only").status_code == 201
        tag = version(site, "only")
        site.stop()
        site.serve(**paused_at("edit.renamed", gate))
        with ThreadPoolExecutor(1) as pool:
            removal = pool.submit(site.api, "DELETE", "/api/resources/service/only", headers={"If-Match": tag})
            wait_for(reached(gate).exists, "the manifest is gone")
            os.kill(site.pid, signal.SIGHUP)
            listed = "/api/resources/service"
            wait_for(lambda: not site.api("GET", listed).json()["items"], "the loop has seen it")
            gate.touch()
            answer = removal.result(60)
        assert (answer.status_code, answer.json().get("ok")) == (200, True), answer.text
        assert site.dig("only.home.arpa") == []
