"""`conduit serve` keeps the site as `conduit watch` does: it tells people and its log the same."""

from __future__ import annotations

import json
from typing import Any

from api_world import make_served

from conduit.sandbox.machine import wait_for
from tests.loop.receiver import receiving


def logged(site: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in site.log.splitlines() if line.startswith("{")]


def test_what_goes_wrong_is_sent_and_logged() -> None:
    """Regression: the loop of a server had no log, and no channels."""
    with receiving() as receiver:
        channels = {"hook": {"url": f"json://127.0.0.1:{receiver.port}/"}}
        sections = {"notify": {"calm": 1, "channels": channels}, "reconcile": {"interval": 1}}
        with make_served(sections=sections) as site:
            assert site.register("told")["ok"]
            broken = site.write("broken.yaml", "dns_records: {two: {}}\n")
            wait_for(lambda: "failure" in receiver.titles(), "the failure is sent")
            broken.unlink()
            wait_for(lambda: "recovery of failure" in receiver.titles(), "its end is sent")
            site.move_record("127.0.0.1 told", "10.9.9.9 told")
            wait_for(lambda: "drift" in receiver.titles(), "the drift is sent")
            wait_for(lambda: site.dig("told.home.arpa") == ["127.0.0.1"], "and put back")
            lines = logged(site)
    assert {"plan", "applied", "drift", "failed"} <= {line["event"] for line in lines}
    (failed,) = [line for line in lines if line["event"] == "failed"][:1]
    assert failed["source"].startswith("desired/broken.yaml:")
