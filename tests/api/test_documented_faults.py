"""The twenty faults of the software this API comes from, each as a test of what happens here instead."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import contract_rows
from contract_rows import answered, until_checked

from conduit.sandbox.machine import free_port, wait_for

API = {"slow_seconds": 30}
"""What a busy machine does to an answer degrades no service here."""


def test_fault_01_an_operation_that_does_nothing_is_not_ok(served: Any) -> None:
    served.daemons["dnsmasq"].pause()
    try:
        done = served.api("POST", "/api/dns/flush").json()
    finally:
        served.daemons["dnsmasq"].resume()
    assert not done["ok"]
    assert done["exit_code"] != 0
    assert "CND-0709" in done["stderr"]


def test_fault_02_reload_never_shrinks_caddy(served: Any) -> None:
    assert served.register("kept")["ok"]
    with served.caddy_admin() as caddy:
        foreign = {"listen": ["127.0.0.1:0"], "routes": [{"handle": [{"handler": "static_response", "body": "mine"}]}]}
        caddy.put("/config/apps/http/servers/foreign", json=foreign).raise_for_status()
        before = caddy.get("/config/").json()
        assert served.api("POST", "/api/routing/reload").json() == {"ok": True}
        assert caddy.get("/config/").json() == before
        caddy.delete("/config/apps/http/servers/foreign").raise_for_status()


def test_fault_03_rotation_reaches_the_served_certificate(served: Any) -> None:
    assert served.register("rotated")["ok"]
    serials = [contract_rows.serial(served, "rotated.home.arpa")]
    for _ in range(2):
        assert served.api("POST", "/api/tls/rotated/rotate").json()["ok"]
        serials.append(contract_rows.serial(served, "rotated.home.arpa"))
    assert len(set(serials)) == 3
    crl = served.certificates / "ca" / "root.crl"
    listed = served.program("openssl", "crl", "-in", str(crl), "-noout", "-text").stdout
    assert all(serial.strip().partition("=")[2] in listed for serial in serials[:2])
    verified = served.program("openssl", "crl", "-in", str(crl), "-noout", "-CAfile", str(crl.with_name("root.crt")))
    assert "verify OK" in verified.stderr + verified.stdout


def test_fault_04_a_name_resolves_without_a_flush(served: Any) -> None:
    assert served.dig("sudden.home.arpa") == []
    assert served.register("sudden")["ok"]
    assert served.dig("sudden.home.arpa") == ["127.0.0.1"]


def test_fault_05_the_daemons_user_can_read_the_dns_files(served: Any) -> None:
    assert served.register("readable")["ok"]
    files = list((served.directory / "dnsmasq").glob("*/conduit.*"))
    assert len(files) == 2
    for path in files:
        assert path.stat().st_mode & 0o044 == 0o044
        assert all(each.stat().st_mode & 0o001 for each in path.parents)


def test_fault_06_the_name_points_at_the_proxy(served: Any) -> None:
    silent = {"name": "behind", "host": "127.0.0.9", "port": free_port()}
    done = served.api("POST", "/api/services", silent).json()
    assert done["ok"]
    assert "unproven" in done["stderr"]
    assert served.dig("behind.home.arpa") == ["127.0.0.1"]
    assert served.api("DELETE", "/api/services/behind").json()["ok"]


def test_fault_07_nothing_is_injected_through_a_port(served: Any) -> None:
    before = served.live()
    attacks: list[dict[str, Any]] = [
        {"port": "80; }"},
        {"port": "80\naddress=/x/1.2.3.4"},
        {"port": 0},
        {"port": 65536},
        {"host": "10.0.0.1:80\ndhcp-script=/x"},
        {"host": "10.0.0.1:٣٣"},
        {"host": "user:pw@10.0.0.1"},
        {"host": "unix:/var/run/docker.sock"},
        {"name": "a\nserver { listen 81; }"},
        {"name": "../x"},
        {"health_path": "/h\r\nX: y"},
        {"health_path": "/" + "a" * 257},
        {"health_path": "//evil/"},
        {"host": "169.254.169.254"},
        {"host": "[::ffff:169.254.169.254]:80"},
        {"host": "0177.0.0.1"},
    ]
    for attack in attacks:
        answer = served.api("POST", "/api/services", {"name": "evil", "host": "10.0.0.1", **attack})
        assert answer.status_code == 422, (attack, answer.text)
        assert next(iter(attack)) in answer.json()["error"], answer.text
    assert served.live() == before


def test_fault_11_a_failed_reload_is_told(served: Any) -> None:
    served.daemons["caddy"].pause()
    try:
        assert served.api("POST", "/api/routing/reload").json() == {"ok": False, "error": "Caddy admin API unreachable"}
        assert served.api("GET", "/api/status").json()["caddy"] is False
    finally:
        served.daemons["caddy"].resume()
    newest = served.acted()
    assert (newest["action"], newest["status"]) == ("caddy_reload", "failure")


def test_fault_12_no_entry_is_lost_under_parallel_writes(served: Any) -> None:
    names = [f"parallel-{number}" for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        assert all(done["ok"] for done in pool.map(served.register, names))
    assert [served.dig(f"{name}.home.arpa") for name in names] == [["127.0.0.1"]] * 10
    assert all(answered(served, f"https://{name}.home.arpa/") for name in names)
    entries = served.api("GET", "/api/audit?limit=500").json()["entries"]
    acts = [each for each in entries if (each["action"], each["status"]) == ("service_register", "success")]
    assert {each["details"]["name"] for each in acts} >= set(names)


def test_fault_13_a_truncated_state_file_is_not_an_empty_one(served: Any) -> None:
    assert served.register("lasting")["ok"]
    records = served.directory / "state" / "records.db"
    os.truncate(records, 100)
    assert "lasting" in [each["name"] for each in served.api("GET", "/api/services").json()["services"]]
    assert served.api("POST", "/api/routing/reload").json() == {"ok": True}
    assert answered(served, "https://lasting.home.arpa/")
    assert f"they are now {records}.damaged" in served.register("mended")["stderr"]
    assert served.register("later")["stderr"] == "", "what was told once was told with every answer after it"


def test_fault_14_the_proxy_uses_the_health_path(served: Any) -> None:
    assert served.register("pathed", health_path="/status/200")["ok"]
    with served.caddy_admin() as caddy:
        assert '"uri": "/status/200"' in json.dumps(caddy.get("/config/").json())
    assert until_checked(served, "pathed")["health_status"] == "healthy"


def test_fault_15_no_tls_means_no_tls(served: Any) -> None:
    assert served.register("plain", no_tls=True)["ok"]
    assert answered(served, "http://plain.home.arpa/")
    assert not answered(served, "https://plain.home.arpa/")
    assert not list(served.certificates.glob("*plain*"))
    listed = {each["name"]: each for each in served.api("GET", "/api/services").json()["services"]}
    assert (listed["plain"]["tls_enabled"], listed["plain"]["protocol"]) == (False, "http")


def test_fault_16_counts_follow_what_happens(served: Any) -> None:
    other = served.new_upstream("dying")
    assert served.register("dying", host=other.address)["ok"]
    before = wait_for(lambda: _counts(served, "dying", "healthy"), "it is up")
    other.stop()
    served.api("GET", "/api/services/dying/health")
    after = served.api("GET", "/api/status").json()["services"]
    assert (after["up"], after["down"], after["total"]) == (before["up"] - 1, before["down"] + 1, before["total"])
    assert served.api("DELETE", "/api/services/dying").json()["ok"]
    assert served.api("GET", "/api/status").json()["services"]["total"] == before["total"] - 1
    changes = [each for each in served.api("GET", "/api/audit").json()["entries"] if each["action"] == "health_change"]
    dying = [each["details"]["after"] for each in changes if each["details"]["address"] == "service/dying"]
    assert dying[0] == "down"


def _counts(served: Any, name: str, state: str) -> dict[str, int] | None:
    listed = {each["name"]: each for each in served.api("GET", "/api/services").json()["services"]}
    settled = all(each["last_check"] for each in listed.values()) and listed[name]["health_status"] == state
    return served.api("GET", "/api/status").json()["services"] if settled else None


def test_fault_17_a_name_can_be_registered_again(served: Any) -> None:
    for _ in range(2):
        assert served.register("again")["ok"]
        assert answered(served, "https://again.home.arpa/")
        assert served.api("DELETE", "/api/services/again").json()["ok"]
        assert served.dig("again.home.arpa") == []


def test_fault_18_services_that_hang_delay_no_other_check(served: Any) -> None:
    hanging = served.new_upstream("hanging", hang=True)
    names = [f"hanging-{number}" for number in range(4)]
    manifest = "services:\n" + "".join(f"  {name}: {{upstream: '{hanging.address}'}}\n" for name in names)
    served.write("hanging.yaml", manifest)
    served.api("POST", "/api/apply")
    assert served.register("quick")["ok"]
    wait_for(lambda: until_checked(served, "quick")["health_status"] == "healthy", "the quick one is found up")
    down = [until_checked(served, name)["health_status"] for name in names]
    assert down == ["down"] * 4
    (served.desired / "hanging.yaml").unlink()
    assert served.api("POST", "/api/apply", params={"allow_deletes": 12}).json()["ok"]


def test_fault_19_only_our_own_dnsmasq_is_signalled(served: Any) -> None:
    before = served.names_log()
    assert served.register("signalled")["ok"]
    assert served.api("POST", "/api/dns/flush").json()["ok"]
    assert served.names_log() == before


def test_fault_20_our_own_names_are_never_forwarded(served: Any) -> None:
    assert served.dig("far.example") == ["10.7.7.7"]
    assert served.dig("unknown.home.arpa") == []
    assert "unknown.home.arpa" not in served.names_log()
    assert "far.example" in served.names_log()


def test_the_server_survives_all_of_this(served: Any) -> None:
    wait_for(lambda: served.visitor.get("/readyz").json()["ready"], "every daemon was read again")
    assert "Traceback" not in served.log
