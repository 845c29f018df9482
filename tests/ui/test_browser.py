"""The dashboard as a person uses it, and what other programs then see of the site."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from window import Window

from conduit.sandbox.machine import wait_for

pytestmark = pytest.mark.soak


def summary(served: Any) -> dict[str, Any]:
    """Return the numbers of `conduit diff`."""
    found: dict[str, Any] = json.loads(served.conduit("diff", "--json").stdout)["summary"]
    return found


def certificate(served: Any, host: str) -> str:
    """Return the certificate the proxy serves, as openssl gets it."""
    listener = served.daemons["caddy"].section["https"][0]
    shown = served.program("openssl", "s_client", "-connect", listener, "-servername", host, input="").stdout
    return str(shown.partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END")[0])


def test_the_overview_has_the_numbers_of_the_command_line(
    window: Window, served: Any, hold: Callable[[], None]
) -> None:
    assert served.register("counted")["ok"]
    hold()
    served.write("more.yaml", f"services:\n  pending: {{upstream: '{served.echo}'}}\n")
    served.forget_route("counted.home.arpa")
    wanted = summary(served)
    assert wanted["drift"]
    assert wanted["create"]
    window.open("/")
    window.page.get_by_text("moving the rack").wait_for()
    window.page.get_by_role("heading", name="Health").wait_for()
    assert window.counts("Plan") == {name: wanted[name] for name in ("create", "update", "replace", "delete", "adopt")}
    assert window.counts("Drift") == {"changed on the host": wanted["drift"], "ignored": wanted["ignored"]}
    assert window.counts("Resources") == {name: wanted[name] for name in ("unchanged", "unmanaged", "unknown")}
    (served.desired / "more.yaml").unlink()
    assert served.api("POST", "/api/apply").json()["ok"]


def test_a_service_is_registered_breaks_is_seen_and_is_put_back(
    window: Window, served: Any, hold: Callable[[], None]
) -> None:
    window.open("/services/new")
    window.page.get_by_label("Name", exact=True).fill("shop")
    window.page.get_by_label("Host").fill(served.echo)
    window.press("Register", exact=True)
    window.page.get_by_text("Registered service: shop").wait_for()
    assert served.dig("shop.home.arpa") == ["127.0.0.1"]
    window.page.get_by_role("link", name="Services").click()
    window.row("shop.home.arpa").get_by_text("up").wait_for()

    hold()
    served.forget_route("shop.home.arpa")
    window.page.get_by_role("link", name="Drift").click()
    window.row("route/shop").wait_for()
    window.page.get_by_text("moving the rack").wait_for()
    window.press("Put everything back")
    window.page.get_by_role("dialog").get_by_text("route/shop").wait_for()
    window.press("Apply", exact=True)
    window.page.get_by_text("Done").wait_for()
    window.page.get_by_role("log").get_by_text("route/shop").wait_for()
    window.page.get_by_text("Nothing was changed on the host.").wait_for()
    assert served.curl("https://shop.home.arpa/").stdout.startswith("HTTP/2 200")

    assert served.conduit("resume").code == 0
    window.page.get_by_role("link", name="Runs").click()
    window.page.get_by_label("Only what touched").fill("route/shop")
    for run in (0, 1):
        window.row("create route/shop").nth(run).get_by_text("ada").wait_for()

    window.open("/services/shop")
    window.press("Remove")
    window.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    window.page.get_by_text("Deregistered service: shop").wait_for()
    assert served.dig("shop.home.arpa") == []


def test_a_plan_that_moved_on_is_not_applied(window: Window, served: Any, hold: Callable[[], None]) -> None:
    hold()
    served.write("seen.yaml", f"services:\n  seen: {{upstream: '{served.echo}'}}\n")
    window.open("/plan")
    window.press("Apply this plan")
    window.page.get_by_role("dialog").get_by_text("route/seen").wait_for()
    served.write("unseen.yaml", f"services:\n  unseen: {{upstream: '{served.echo}'}}\n")
    window.press("Apply", exact=True)
    window.page.get_by_text("Nothing was applied that you did not see.").wait_for()
    assert served.dig("seen.home.arpa") == []
    window.press("Apply this plan")
    window.page.get_by_role("dialog").get_by_text("route/unseen").wait_for()
    window.press("Apply", exact=True)
    window.page.get_by_text("Done").wait_for()
    assert served.dig("unseen.home.arpa") == ["127.0.0.1"]


def test_a_live_value_is_accepted_into_the_manifest(window: Window, served: Any, hold: Callable[[], None]) -> None:
    record = "dns_records:\n  printer: # second floor\n    name: printer.home.arpa\n    value: 10.0.0.7\n"
    served.write("printer.yaml", record)
    assert served.api("POST", "/api/apply").json()["ok"]
    hold()
    served.move_record("10.0.0.7", "10.0.0.8")
    window.open("/drift")
    window.press("Accept dns_record/printer")
    window.page.get_by_text("Accepted").wait_for()
    window.row("dns_record/printer").wait_for(state="detached")
    assert (served.desired / "printer.yaml").read_text() == record.replace("10.0.0.7", "10.0.0.8")


def test_a_service_is_changed_as_a_form_and_as_yaml(window: Window, served: Any) -> None:
    assert served.register("edited")["ok"]
    file = served.desired / "services" / "edited.yaml"
    file.write_text(file.read_text() + "    # keep me\n")
    window.open("/services/edited")
    window.page.get_by_label("Health path").fill("/health")
    window.press("Show what it would change")
    window.page.get_by_role("region", name="What it would change").wait_for()
    assert "/health" not in file.read_text()
    window.press("Save and apply")
    window.page.get_by_text("Done").wait_for()
    assert "path: /health" in file.read_text()
    window.page.get_by_label("As", exact=True).select_option("yaml")
    window.page.get_by_label("Fields").fill(f"upstream: {served.echo}\ntls: 'off'\n")
    window.press("Save and apply")
    wait_for(lambda: served.curl("http://edited.home.arpa/").stdout.startswith("HTTP/1.1 200"), "it is served as HTTP")
    window.page.get_by_role("region", name="Result").get_by_text("set service/edited").wait_for()
    assert "# keep me" in file.read_text()


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(window: Window, served: Any) -> None:
    assert served.register("shared")["ok"]
    window.open("/services/shared")
    window.page.get_by_label("Health path").fill("/mine")
    assert served.register("shared", overwrite=True, health_path="/theirs")["ok"]
    window.press("Save and apply")
    window.press("Load the newer version")
    window.page.get_by_label("Health path").and_(window.page.locator('[value="/theirs"]')).wait_for()
    assert "/theirs" in (served.desired / "services" / "shared.yaml").read_text()


def test_an_error_stands_beside_its_field(window: Window) -> None:
    window.open("/services/new")
    window.page.get_by_label("Name", exact=True).fill("metadata")
    window.page.get_by_label("Host").fill("169.254.169.254")
    window.press("Register", exact=True)
    host = window.page.get_by_label("Host")
    window.page.get_by_role("alert").wait_for()
    assert host.get_attribute("aria-invalid") == "true"
    described = (host.get_attribute("aria-describedby") or "").split()[0]
    assert "169.254.169.254" in window.page.locator(f'[id="{described}"]').inner_text()


def test_a_certificate_is_rotated(window: Window, served: Any) -> None:
    assert served.register("rotated")["ok"]
    before = certificate(served, "rotated.home.arpa")
    assert before
    window.open("/certificates")
    window.press("Rotate rotated")
    window.page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
    window.page.get_by_text("Done").wait_for()
    assert certificate(served, "rotated.home.arpa") not in ("", before)


def test_the_loop_is_suspended_with_a_reason_and_resumed(window: Window, served: Any) -> None:
    window.open("/")
    window.press("Suspend the loop")
    window.page.get_by_label("Reason").fill("moving the rack")
    window.press("Suspend", exact=True)
    window.page.get_by_text("moving the rack").wait_for()
    assert "moving the rack" in served.conduit("status").stderr
    window.press("Resume")
    window.page.get_by_text("moving the rack").wait_for(state="detached")
    assert "suspended" not in served.conduit("status").stderr


def test_the_audit_trail_is_verified(window: Window, served: Any) -> None:
    window.open("/audit")
    window.press("Verify the trail")
    window.page.get_by_text("The trail holds").wait_for()
    (segment,) = (served.directory / "state" / "audit").glob("*.jsonl")
    whole = segment.read_bytes()
    segment.write_bytes(whole.replace(b"logged in", b"looked on", 1))
    try:
        window.press("Verify the trail")
        window.page.get_by_text("The trail was changed").wait_for()
    finally:
        segment.write_bytes(whole)


def test_a_name_is_resolved(window: Window, served: Any) -> None:
    assert served.register("asked")["ok"]
    window.open("/dns")
    window.page.get_by_label("Resolve a name").and_(window.page.get_by_role("textbox")).fill("asked.home.arpa")
    window.press("Resolve")
    window.page.get_by_text("asked.home.arpa is 127.0.0.1").wait_for()


def test_a_long_list_is_searched_and_shown_in_steps(window: Window, served: Any) -> None:
    """Regression: a thousand names were one table of a thousand rows."""
    names = "".join(f"  long-{n}: {{name: long-{n}.home.arpa, value: 10.0.7.{n}}}\n" for n in range(120))
    file = served.write("long.yaml", f"dns_records:\n{names}")
    assert served.api("POST", "/api/apply").json()["ok"]
    window.open("/dns")
    window.row("long-0.home.arpa").wait_for()
    rows = window.page.locator("tbody tr")
    assert rows.count() == 50
    window.press("Show more")
    window.page.get_by_text("100 of ").wait_for()
    assert rows.count() == 100
    window.page.get_by_label("Search: Names").fill("LONG-119")
    window.page.get_by_text("1 of 1").wait_for()
    assert window.row("long-119.home.arpa").count() == rows.count() == 1
    file.unlink()
    assert served.conduit("apply", "--yes", "--allow-deletes", "120").code == 0
