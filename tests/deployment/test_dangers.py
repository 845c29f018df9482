"""D1 to D3: what hands over the host is refused, wherever in an application it hides, until somebody asks for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from deployment_world import Site, place

from conduit.providers import host_paths
from conduit.providers.site_files import SiteFiles
from conduit.resources.deployment_dangers import DANGEROUS

NOBODY = 65534
SERVICE = [
    "privileged: true",
    "cap_add: [SYS_ADMIN]",
    "pid: host",
    "ipc: host",
    "network_mode: host",
    "network_mode: 'container:other'",
    "security_opt: ['seccomp:unconfined']",
    "devices: [/dev/sda]",
    "volumes: ['/:/host']",
    "volumes: ['/etc:/etc:ro']",
    "volumes: ['/proc:/p']",
    "volumes: ['/var/run/docker.sock:/s']",
    "volumes: ['./../../../../../../../../etc:/etc']",
    "volumes: ['../link:/x']",
    "volumes: [{type: bind, source: /root, target: /r}]",
    "volumes: ['./data:/data']",
    "volumes: ['../.git:/git']",
    "volumes: ['../conduit.yaml:/settings']",
]
OWN = ["state", "keys", "keys/site.key", "certs", "copies", "files", "."]
VOLUMES = [
    "{driver_opts: {type: none, o: bind, device: /}}",
    "{driver_opts: {type: none, o: bind, device: /var/lib/docker}}",
    "{driver_opts: {type: none, o: 'bind', device: ../../../../../../../../etc}}",
    "{driver_opts: {type: ext4, device: /dev/sda1}}",
    "{driver_opts: {type: overlay, o: 'lowerdir=/etc,upperdir=/tmp/u,workdir=/tmp/w', device: overlay}}",
]


def inline(service: str, volume: str = "", spec: str = "") -> str:
    """Return a manifest with an application of one service, its fields and its volume on lines of their own."""
    volumes = f"      volumes:\n        v: {volume}\n" if volume else ""
    head = f"deployments:\n  a:\n{spec}    compose:\n      services:\n        a:\n          image: a\n"
    return f"{head}          {service}\n{volumes}"


@pytest.fixture
def linked(site: Site) -> Site:
    """A site with a link beside its manifests that leads to the host's system."""
    (site.directory / "link").symlink_to("/etc")
    return site


@pytest.mark.parametrize("service", SERVICE)
def test_a_dangerous_service_is_refused_at_its_line(linked: Site, service: str) -> None:
    found = linked.problem(inline(service))
    assert (found.code, place(found)) == (DANGEROUS, "site.yaml:7")
    assert "dangerous: true in deployment/a" in found.hint


def test_a_link_that_may_not_be_followed_is_judged_by_where_it_ends(directory: Path) -> None:
    """Only who may trace a process may follow its links; the bare errno of that was all a user got."""
    link = directory / "link"
    link.symlink_to("/proc/1/root")
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        found = SiteFiles().resolved(str(link))
    finally:
        if root:
            os.seteuid(0)
    assert found == "/proc/1/root"


@pytest.mark.parametrize("volume", VOLUMES)
def test_a_volume_that_hides_a_bind_is_refused_at_its_line(site: Site, volume: str) -> None:
    found = site.problem(inline("volumes: ['v:/v']", volume))
    assert (found.code, place(found)) == (DANGEROUS, "site.yaml:9")


@pytest.mark.parametrize("own", OWN)
def test_conduits_own_directories_are_refused(site: Site, own: str) -> None:
    directory = site.directory
    copies = {"caddy": {"dir": str(directory / "copies")}}
    certs = {"dir": str(directory / "certs"), "copies": copies}
    site = Site(directory, certs=certs, docker={"files": str(directory / "files")})
    found = site.problem(inline(f"volumes: ['{directory / own}:/x:ro']"))
    assert (found.code, place(found)) == (DANGEROUS, "site.yaml:7")


@pytest.mark.parametrize("service", SERVICE)
def test_whoever_asks_for_it_gets_it(linked: Site, service: str) -> None:
    found = linked.expand(inline(service.replace("'container:other'", "none"), spec="    dangerous: true\n"))
    assert found["container/a-a-1"].spec.dangerous


@pytest.mark.parametrize("door", ["file", "include", "extends", "merge", "variable"])
def test_there_is_no_way_round(site: Site, door: str) -> None:
    site.write("apps/bad.yaml", "services: {a: {image: a, privileged: true}}\n")
    site.write("apps/inc/compose.yaml", "include: [../bad.yaml]\n")
    doors = {
        "file": "{file: ../apps/bad.yaml}",
        "include": "{file: ../apps/inc/compose.yaml}",
        "extends": "{compose: {services: {b: {extends: {file: ../apps/bad.yaml, service: a}}}}}",
        "merge": "{compose: {x-a: &a {privileged: true}, services: {a: {<<: *a, image: a}}}}",
        "variable": "{env: {P: 'true'}, compose: {services: {a: {image: a, privileged: '${P}'}}}}",
    }
    found = site.problem(f"deployments:\n  a: {doors[door]}\n")
    assert found.code is DANGEROUS


def test_files_of_the_system_are_no_secrets(site: Site) -> None:
    text = inline("secrets: [s]") + "      secrets:\n        s: {file: /etc/shadow}\n"
    found = site.problem(text)
    assert (found.code, place(found)) == (DANGEROUS, "site.yaml:9")
    assert "root" not in found.summary.replace("/root", "")


def test_a_site_within_a_directory_of_the_system_builds_what_lies_beside_its_manifests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guide puts a site in /etc/conduit, and whoever is root clones into /root."""
    monkeypatch.setattr(host_paths, "SYSTEM", (str(tmp_path),))
    site = Site(tmp_path / "clone", desired="../desired")
    site.settings._base = site.directory / ".sandbox"
    site.settings.base.mkdir(parents=True)
    site.write("desired/notes/Dockerfile", "FROM scratch")
    site.write("desired/notes/compose.yaml", "services: {web: {build: .}}")
    assert site.expand("deployments: {notes: {file: notes/compose.yaml}}")
    site.write("apps/wiki/compose.yaml", "services: {web: {build: ../../desired/notes}}")
    assert site.expand("deployments: {wiki: {file: ../apps/wiki/compose.yaml}}"), "beside settings in .sandbox"
    site.write("desired/notes/compose.yaml", "services: {web: {build: ../../../other}}")
    assert site.problem("deployments: {notes: {file: notes/compose.yaml}}").code is DANGEROUS


def test_the_time_zone_is_harmless(site: Site) -> None:
    assert site.expand(inline("volumes: ['/etc/localtime:/etc/localtime:ro', '../data:/data']"))
