"""What people and accidents do behind conduit's back is told with its field, and healed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conduit.change import Origin
from conduit.model import UNRESOLVED, Key
from tests.engine.by_hand import admin, conf_file, edit, hosts_file, route_path
from tests.engine.conftest import World


def drifted(world: World) -> dict[str, list[str]]:
    """The drifting keys with their fields."""
    return {str(change.key): [field.path for field in change.diff.fields] for change in world.plan().drift}


def heals(world: World) -> bool:
    return world.apply().exit_code == 0 and world.plan().empty


def test_an_upstream_changed_in_caddy_is_told_by_its_field(service: World) -> None:
    path = route_path(service, "https")
    route = admin(service, "GET", path)
    proxy = next(h for h in route["handle"] if h["handler"] == "reverse_proxy")
    proxy["upstreams"][0]["dial"] = "127.0.0.1:9"
    admin(service, "PATCH", path, route)
    assert drifted(service) == {"route/web": ["upstreams.0.address"]}
    assert heals(service)
    assert "HTTP/2 200" in service.site.curl("https://web.home.arpa/health").stdout


@pytest.mark.parametrize("server", ["https", "http"])
def test_names_changed_in_one_of_two_servers_are_told_by_their_field(service: World, server: str) -> None:
    """Once shown as raw text, because no manifest says such a thing of one half alone."""
    path = route_path(service, server)
    route = admin(service, "GET", path)
    route["match"][0]["host"].append("more.home.arpa")
    admin(service, "PATCH", path, route)
    manifest = service.site.desired / "web.yaml"
    manifest.write_text(manifest.read_text() + "    response_headers: {X-Test: one}\n")
    (change,) = service.plan().drift
    assert {field.path: field.old for field in change.diff.fields} == {
        "names": ("web.home.arpa", "more.home.arpa"),
        "response_headers.X-Test": UNRESOLVED,
    }
    assert (change.diff.raw, "disagree" in change.diff.reason) == ("", True)
    assert heals(service)


def test_a_field_conduit_does_not_know_is_told_as_raw_text(service: World) -> None:
    path = route_path(service, "https")
    route = admin(service, "GET", path)
    next(h for h in route["handle"] if h["handler"] == "reverse_proxy")["flush_interval"] = 7
    admin(service, "PATCH", path, route)
    (change,) = service.plan().drift
    assert '"flush_interval": 7' in change.diff.raw
    assert heals(service)


def test_a_changed_address_in_the_hosts_file_is_told_by_its_field(service: World) -> None:
    edit(hosts_file, "127.0.0.1 web.home.arpa", "127.0.0.9 web.home.arpa")(service)
    assert drifted(service)["dns_record/web"] == ["value"]
    assert heals(service)
    assert service.site.dig("web.home.arpa") == ["127.0.0.1"]


def test_a_file_restored_by_hand_but_never_loaded_is_a_difference(service: World) -> None:
    """Contents equal to the wish prove nothing while the daemon serves something else."""
    whole = hosts_file(service).read_bytes()
    hosts_file(service).write_bytes(b"")
    pid = int((service.site.directory / "dnsmasq" / "pid").read_text())
    os.kill(pid, 1)
    hosts_file(service).write_bytes(whole)
    assert not service.plan().empty
    assert heals(service)


def test_a_damaged_certificate_comes_back_without_a_new_serial_or_reload(service: World) -> None:
    (copy,) = (service.site.directory / "caddy-certs").glob("web.*")
    whole = copy.read_bytes()
    before = admin(service, "GET", "/config/")
    copy.write_bytes(b"broken")
    assert drifted(service) == {"certificate/web": ["copies.caddy"]}
    assert heals(service)
    assert copy.read_bytes() == whole
    assert admin(service, "GET", "/config/") == before


def test_a_caddy_that_lost_its_configuration_gets_it_back_in_one_apply(service: World) -> None:
    service.site.daemons["caddy"].stop()
    service.site.daemons["caddy"].start()
    assert "route/web" in drifted(service)
    assert heals(service)
    assert "HTTP/2 200" in service.site.curl("https://web.home.arpa/health").stdout


def test_git_and_the_host_moving_apart_are_told_apart(service: World) -> None:
    edit(hosts_file, "127.0.0.1 web.home.arpa", "127.0.0.9 web.home.arpa")(service)
    manifest = service.site.desired / "web.yaml"
    manifest.write_text(manifest.read_text() + "    response_headers: {X-Test: one}\n")
    origins = {str(change.key): change.origin for change in service.plan().changes}
    assert origins["dns_record/web"] is Origin.DRIFT
    assert origins["route/web"] is Origin.PENDING


def test_without_the_state_directory_the_plan_has_the_same_changes(service: World) -> None:
    edit(hosts_file, "127.0.0.1 web.home.arpa", "127.0.0.9 web.home.arpa")(service)
    with_records = service.plan()
    for path in sorted((service.site.directory / "state").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    without = service.plan()
    assert without.digest == with_records.digest
    assert {change.origin for change in without.changes} == {Origin.UNKNOWN}
    assert heals(service)


def test_a_second_apply_writes_no_byte_anywhere(service: World) -> None:
    service.plan()
    before = fingerprint(service.site.directory)
    report = service.apply()
    assert (report.run, report.outcomes) == (0, ())
    assert fingerprint(service.site.directory) == before


def fingerprint(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, size and time of every file but the daemons' own logs."""

    def files() -> Iterator[Path]:
        return (p for p in directory.rglob("*") if p.is_file() and not p.name.endswith("log"))

    return {str(p): (p.stat().st_ino, p.stat().st_size, p.stat().st_mtime_ns) for p in files()}


def test_a_protected_service_outlives_its_manifest(service: World) -> None:
    manifest = service.site.desired / "web.yaml"
    manifest.write_text(manifest.read_text() + "    protect: true\n")
    assert service.apply().exit_code == 0
    assert service.plan().empty
    manifest.write_text("dns_records:\n  x: {name: x.home.arpa, type: A, value: 10.0.0.1}\n")
    report = service.apply()
    assert report.exit_code == 0
    assert "HTTP/2 200" in service.site.curl("https://web.home.arpa/health").stdout
    kept = {str(warning).partition(" is protected")[0].rpartition(" ")[2] for warning in service.plan().warnings}
    assert {"certificate/web", "dns_record/web", "route/web"} <= kept


def test_an_emptied_tree_deletes_nothing(service: World) -> None:
    (service.site.desired / "web.yaml").write_text("services: {}\n")
    assert service.plan().unsafe
    assert "HTTP/2 200" in service.site.curl("https://web.home.arpa/health").stdout


def test_an_address_taken_out_of_dns_by_hand_is_put_back(service: World) -> None:
    conf = conf_file(service).read_text()
    conf_file(service).write_text(conf + "address=/intruder.home.arpa/10.66.0.1\n")
    (change,) = service.plan().drift
    assert change.key == Key("frame", "dnsmasq")
    assert heals(service)
    assert conf_file(service).read_text().count("intruder") == 0


def test_a_certificate_issued_anew_within_a_second_outlives_the_old_one(service: World) -> None:
    """Equal in all but protection and issued in one second, the old generation was once kept and the new pruned."""
    manifest = service.site.desired / "web.yaml"
    plain = manifest.read_text()
    for turn in range(4):
        manifest.write_text(plain + f"    protect: {'false' if turn % 2 else 'true'}\n")
        assert service.apply(prove=False).exit_code == 0
        assert service.plan().empty
