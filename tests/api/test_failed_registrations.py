"""Faults 8 to 10 of the software this API comes from: what a registration that fails leaves behind, and tells."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from contract_rows import answered

from conduit.sandbox.machine import wait_for
from tests.failing import paused_at


def test_fault_08_one_bad_entry_is_told_and_blocks_nobody_silently(served: Any) -> None:
    bad = served.write("broken.yaml", "services:\n  broken: {upsteam: 10.0.0.1:80}\n")
    refused = served.api("POST", "/api/services", {"name": "later", "host": served.echo})
    assert refused.status_code == 422
    assert "desired/broken.yaml:2" in refused.json()["error"]
    bad.unlink()
    assert served.register("later")["ok"]
    assert answered(served, "https://later.home.arpa/")


def test_fault_09_a_failing_duplicate_leaves_the_live_service_alone(served: Any) -> None:
    assert served.register("taken")["ok"]
    second = served.api("POST", "/api/services", {"name": "taken", "host": "10.255.255.1:1"})
    assert second.status_code == 409
    assert second.json()["error"] == "service/taken is declared already, in desired/services/taken.yaml"
    assert "overwrite" in second.json()["detail"], "it tells what to do"
    assert answered(served, "https://taken.home.arpa/")
    assert served.register("taken", overwrite=True, health_path="/")["ok"]


def test_a_name_may_end_with_a_sign_and_its_host_name_does_not(served: Any) -> None:
    """Regression: the documented API takes such names, and they were refused."""
    assert served.register("Signed_")["ok"]
    assert served.dig("signed.home.arpa") == ["127.0.0.1"]
    assert answered(served, "https://signed.home.arpa/")
    taken = served.api("POST", "/api/services", {"name": "signed-", "host": served.echo})
    assert (taken.status_code, "service/signed_" in taken.json()["error"]) == (409, True), taken.text
    assert served.api("DELETE", "/api/services/Signed_").json()["ok"]
    assert served.dig("signed.home.arpa") == []


def test_two_ports_that_differ_are_refused(served: Any) -> None:
    """Regression: the one in `port` won silently over the one in `host`."""
    refused = served.api("POST", "/api/services", {"name": "torn", "host": "10.0.0.1:8080", "port": 9090})
    assert (refused.status_code, refused.json()["error"]) == (422, "port: host says 8080; give one of them")
    host, port = served.echo.split(":")
    assert served.register("agreed", host=f"{host}:{port}", port=int(port))["ok"]
    assert answered(served, "https://agreed.home.arpa/")


def test_a_host_that_belongs_to_another_service_is_a_conflict(served: Any) -> None:
    """Regression: a name that is another one's alias was answered as a wrong field."""
    fields = {"upstream": served.echo, "aliases": ["also.home.arpa"]}
    made = served.api("PUT", "/api/resources/service/first", fields, headers={"If-None-Match": "*"})
    assert made.status_code == 201, made.text
    refused = served.api("POST", "/api/services", {"name": "also", "host": served.echo})
    assert refused.status_code == 409, refused.text
    assert "service/first" in refused.json()["error"]
    assert answered(served, "https://also.home.arpa/")


def test_fault_10_a_name_that_does_not_resolve_leaves_nothing_behind(served: Any) -> None:
    """Regression: a pass that read the manifest before it was taken back made the rest of it after the answer."""
    before = settled(served)
    for number in range(10):
        answer = served.api("POST", "/api/services", {"name": f"lost-{number}", "host": "nobody.invalid:80"})
        done = answer.json()
        assert (answer.status_code, done["ok"]) == (200, False), done
        assert "nobody.invalid" in done["stderr"]
        assert "Registered" not in done["stdout"]
    assert settled(served) == before
    runs = served.api("GET", "/api/runs").json()["runs"]
    assert not [each for run in runs for each in run["outcomes"] if "lost-" in each["address"]]


def test_fault_10_nothing_is_left_behind_by_a_failure(served: Any) -> None:
    assert served.register("staying")["ok"]
    before = settled(served)
    served.daemons["caddy"].pause()
    try:
        done = served.api("POST", "/api/services", {"name": "failing", "host": served.echo}).json()
    finally:
        served.daemons["caddy"].resume()
    assert not done["ok"]
    assert "caddy" in done["stderr"]
    assert not (served.desired / "services" / "failing.yaml").exists()
    assert served.dig("failing.home.arpa") == []
    wait_for(lambda: not list(served.certificates.glob("*failing*")), "the loop removes the certificate", deadline=60)
    assert settled(served) == before
    assert served.register("failing")["ok"]


def test_what_the_loop_made_true_first_is_told_in_the_answer(served: Any) -> None:
    """A registration that the loop had applied before its own pass began was answered with no changes and run 0."""
    gate = served.directory / "gate"
    served.stop()
    served.serve(**paused_at("edit.renamed", gate))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(served.register, "overtaken")
        wait_for(lambda: served.dig("overtaken.home.arpa") == ["127.0.0.1"], "the loop applies what was saved")
        gate.touch()
        done = answer.result()
    assert {"route/overtaken", "certificate/overtaken"} <= {each["address"] for each in done["changes"]}
    assert done["run"] > 0
    served.stop()
    served.serve()


def test_a_refused_registration_is_on_the_trail_by_its_documented_name(served: Any) -> None:
    for wrong in ({"name": "refused", "host": "169.254.169.254"}, {"name": "refused"}):
        assert served.api("POST", "/api/services", wrong).status_code == 422
        newest = served.acted()
        assert (newest["action"], newest["status"]) == ("service_register", "failure")
    taken = {"name": "refused", "host": served.echo}
    assert served.register(**taken)["ok"]
    assert served.api("POST", "/api/services", taken).status_code == 409
    assert (newest := served.acted())["action"] == "service_register"
    assert newest["details"]["name"] == "refused"
    assert served.api("POST", "/api/tls/nobody/rotate").status_code == 404
    assert served.acted()["action"] == "cert_rotate"


def settled(served: Any) -> list[Any]:
    """Return what the daemons have once no pass is under way any more and nothing is to be done."""
    assert served.api("POST", "/api/apply").json()["ok"]
    return list(served.live())


def test_fault_10_a_certificate_goes_with_its_service_once_caddy_tells_that_nothing_serves_it(served: Any) -> None:
    """Caddy starts with the configuration it had: while it is down, a file that it may name is not taken away."""
    assert served.register("leaving")["ok"]

    def files() -> list[Path]:
        return list(served.directory.rglob("leaving.*.pem"))

    assert len(files()) == 2, "a master and Caddy's copy"
    caddy = served.daemons["caddy"]
    caddy.stop()
    try:
        answer = served.api("DELETE", "/api/services/leaving").json()
        assert not answer["ok"]
        assert "caddy could not be read and may still use it" in answer["stderr"]
    finally:
        caddy.start()
    wait_for(lambda: not files(), "the certificate goes")
    assert served.dig("leaving.home.arpa") == []
