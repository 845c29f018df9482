"""Messages as a real receiver gets them; a receiver that is not there changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conduit.sandbox.machine import free_port
from tests.conftest import Ran, Site
from tests.loop.conftest import Watch
from tests.loop.receiver import Receiver, receiving

A = "10.0.0.1"
SECRET = "canary-8f2d"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_failure_drift_and_recovery_reach_the_channel_and_a_dead_one_harms_nobody(
    site: Site,
    kept: Callable[..., Watch],
    wait_for: Callable[..., Any],
    receiver: Receiver,
    cli: Callable[..., Ran],
) -> None:
    url = f"json://127.0.0.1:{receiver.port}/{SECRET}"
    assert cli("secret", "set", "hook", input=url).code == 0
    site.settings["notify"] = {
        "calm": 2,
        "channels": {
            "dead": {"url": f"json://127.0.0.1:{free_port()}/"},
            "nonsense": {"url": "nonsense"},
            "hook": {"url": {"secret": "hook"}, "events": ["failure", "drift", "recovery"]},
        },
    }
    loop = kept({"interval": 1}, one=A)
    broken = site.write("broken.yaml", "dns_records: {two: {}}\n")
    wait_for(lambda: "failure" in receiver.titles(), "the failure is told")
    broken.unlink()
    wait_for(lambda: "recovery of failure" in receiver.titles(), "its end is told")
    hosts = Path(site.daemons["dnsmasq"].section["hosts_file"])
    hosts.write_text(hosts.read_text().replace(A, "10.0.0.9"))
    wait_for(lambda: "drift" in receiver.titles(), "the drift is told")
    wait_for(lambda: "recovery of drift" in receiver.titles(), "and its end")
    assert receiver.titles() == ["failure", "recovery of failure", "drift", "recovery of drift"]
    assert set(receiver.paths) == {f"/{SECRET}"}
    assert "dns_record" in receiver.messages[2]["message"]
    assert site.dig("one.home.arpa") == [A]
    assert loop.ended() == 143
    assert SECRET not in loop.log.read_text()
