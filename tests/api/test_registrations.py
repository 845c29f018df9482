"""What a registration may say and what answers: a name in capitals, TLS to its upstream, since when it is there."""

from __future__ import annotations

from typing import Any

from contract_rows import answered

from conduit.sandbox.machine import wait_for
from tests.secure_upstream import SAID, secure_upstream


def test_https_to_the_upstream_is_https(served: Any) -> None:
    """`protocol: https` decided the port alone, and the proxy spoke plain HTTP to it."""
    with secure_upstream(served.directory) as (address, _):
        plain = served.register("guarded", host=address)
        assert "unproven" in plain["stderr"]
        asked = {"host": address, "protocol": "https", "overwrite": True}
        stranger = served.register("guarded", **asked)
        assert "unproven" in stranger["stderr"], "nobody vouches for its certificate"
        known = served.register("guarded", **asked, verify_upstream=False)
        assert (known["ok"], known["stderr"]) == (True, "")
        assert served.page("https://guarded.home.arpa/") == (200, SAID)
        manifest = (served.desired / "services" / "guarded.yaml").read_text()
        assert "upstream_tls: {verify: false}" in manifest
        assert served.api("DELETE", "/api/services/guarded").json()["ok"]


def test_a_name_may_be_written_in_capitals(served: Any) -> None:
    """Regression: it was refused, with the place in a file that was never written and without the field."""
    assert served.register("Big_Name")["ok"]
    assert answered(served, "https://big-name.home.arpa/")
    assert "big_name" in [each["name"] for each in served.api("GET", "/api/services").json()["services"]]
    assert served.api("GET", "/api/services/Big_Name/health").json()["health_status"] == "healthy"
    assert served.api("POST", "/api/dns/resolve", {"domain": "Big_Name"}).json()["ip"] == "127.0.0.1"
    assert served.api("GET", "/api/tls/BIG_NAME/inspect").json()["ok"]
    assert served.api("POST", "/api/services", {"name": "big_Name", "host": served.echo}).status_code == 409
    assert served.api("DELETE", "/api/services/Big_Name").json()["ok"]
    assert served.dig("big-name.home.arpa") == []
    for name in ("_begins", "xn--a"):
        refused = served.api("POST", "/api/services", {"name": name, "host": served.echo})
        assert (refused.status_code, refused.json()["field"]) == (422, "name")


def test_localhost_is_refused_with_what_to_write(served: Any) -> None:
    refused = served.api("POST", "/api/services", {"name": "near", "host": "localhost", "port": 80})
    assert (refused.status_code, refused.json()["field"]) == (422, "host")
    assert "127.0.0.1" in refused.json()["error"]


def test_a_service_that_a_file_declares_is_as_old_as_its_first_apply(served: Any) -> None:
    """Regression: registered_at was null unless it was registered over the API."""
    served.write("aged.yaml", f"services:\n  aged: {{upstream: '{served.echo}'}}\n")
    served.api("POST", "/api/apply")

    def born() -> str | None:
        services = served.api("GET", "/api/services").json()["services"]
        return next(each["registered_at"] for each in services if each["name"] == "aged")

    wait_for(born, "it is known since when it is there")
    first = born()
    served.write("aged.yaml", f"services:\n  aged: {{upstream: '{served.echo}', websockets: false}}\n")
    served.api("POST", "/api/apply")
    assert born() == first
    assert first in [run["finished"] for run in served.api("GET", "/api/runs").json()["runs"]]
