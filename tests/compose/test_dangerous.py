"""The settings that hand over the host: every one is found with its place, and nothing harmless is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conduit.compose.dangerous import Danger, dangers
from conduit.compose.load import load_file
from conduit.providers.files import read_regular
from conduit.providers.host_paths import Grounds, HostPaths
from tests.compose.kit import ENVIRONMENT, FILES, Site, application

PLAIN = HostPaths(os.path.realpath)
"""The judge of a host without conduit."""
OURS = Grounds(own=("/etc/conduit/keys",), commands=("/etc/conduit/desired",), homes=("/etc/conduit",))
"""Where conduit stands on a host that follows the guide."""


def found(site: Site, fields: str, shared: str = "") -> list[Danger]:
    """Return the dangers of a service; links are followed as the file system has them."""
    return list(dangers(site.load(application(fields, shared), {"HOME": "/root"}), PLAIN))


FIELDS = {
    "privileged: true": "root",
    "privileged: 'yes'": "root",
    "network_mode: host": "network",
    "pid: host": "processes",
    "ipc: host": "shared memory",
    "network_mode: container:other": "outside the application",
    "cap_add: [SYS_ADMIN]": "SYS_ADMIN",
    "cap_add: [cap_sys_module]": "SYS_MODULE",
    "cap_add: [SYS_PTRACE]": "SYS_PTRACE",
    "cap_add: [all]": "every capability",
    "devices: [/dev/sda]": "/dev/sda",
    "security_opt: ['seccomp:unconfined']": "protection",
    "security_opt: [apparmor=unconfined]": "protection",
    "security_opt: ['label:disable']": "protection",
    "security_opt: [systempaths=unconfined]": "protection",
    "volumes: ['/var/run/docker.sock:/s']": "socket",
    "volumes: ['/var/run/docker.sock:/s:ro']": "socket",
    "volumes: ['/run/docker.sock:/s']": "socket",
    "volumes: ['/run/../run/./docker.sock:/s']": "socket",
    "volumes: ['//run//docker.sock:/s']": "socket",
    "volumes: ['/srv/proxy/docker.sock:/s']": "socket",
    "volumes: ['/run/user/1000/podman/podman.sock:/s']": "socket",
    "volumes: [{type: bind, source: /run/containerd/containerd.sock, target: /s}]": "socket",
    "volumes: ['/:/host']": "holds",
    "volumes: ['/../..:/host:ro']": "holds",
    "volumes: ['/var:/v']": "holds /var/lib",
    "volumes: ['~:/h']": "/root",
    "volumes: ['/etc:/x']": "/etc",
    "volumes: ['/etc/shadow:/x:ro']": "/etc/shadow",
    "volumes: ['/proc:/x']": "/proc",
    "volumes: ['/sys/fs/cgroup:/x:ro']": "/sys",
    "volumes: ['/dev:/x']": "/dev",
    "volumes: ['/boot:/x']": "/boot",
    "volumes: ['/var/run:/x']": "/var/run",
    "volumes: ['/run:/x']": "/run",
    "volumes: ['/var/lib/docker/volumes:/x']": "/var/lib/docker",
    "volumes: ['/etc/localtime:/x']": "/etc/localtime",
    "build: /": "the build reads",
    "build: {context: /etc}": "the build reads",
}


@pytest.mark.parametrize("fields", FIELDS)
def test_a_dangerous_setting_is_found_at_its_line(fields: str, site: Site) -> None:
    danger, *more = found(site, fields)
    assert not more
    assert FIELDS[fields] in danger.words
    assert danger.path[:2] == ("services", "a")
    assert danger.source.line == 4


OPTIONS = {
    "{type: none, o: bind, device: /}": "holds",
    "{type: none, o: 'rw,bind', device: /etc}": "/etc",
    "{type: none, o: rbind, device: ../../../../../../../../etc}": "/etc",
    "{type: ext4, device: /dev/sda1}": "/dev/sda1",
    "{type: overlay, device: overlay, o: 'lowerdir=/srv:/etc,upperdir=/srv/u,workdir=/srv/w'}": "/etc",
    "{type: none, o: bind, device: /run/docker.sock}": "socket",
    "{mountpoint: /root}": "/root",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_a_named_volume_cannot_hide_a_path_of_the_host(options: str, site: Site) -> None:
    (danger,) = found(site, "volumes: ['v:/v']", f"volumes: {{v: {{driver: local, driver_opts: {options}}}}}")
    assert danger.path[:3] == ("volumes", "v", "driver_opts")
    assert OPTIONS[options] in danger.words
    assert danger.source.line == 5


@pytest.mark.parametrize(
    "fields",
    [
        "volumes: ['./data:/data', 'v:/v', '/srv/media:/media', '/home/op/x:/x', '/var/log/app:/log']",
        "volumes: ['/etc/localtime:/etc/localtime:ro', '/etc/timezone:/etc/timezone:ro']",
        "cap_add: [NET_ADMIN, NET_BIND_SERVICE, SYS_NICE]",
        "security_opt: ['no-new-privileges:true']",
        "network_mode: bridge",
        "ipc: shareable",
        "volumes: ['/etcetera:/x', '/runs:/y', '/devices:/z']",
        "build: ./app",
    ],
)
def test_what_is_harmless_is_not_told(fields: str, site: Site) -> None:
    remote = "volumes: {v: {driver_opts: {type: nfs, o: 'addr=10.0.0.1,rw', device: ':/etc/exports'}}}"
    assert found(site, fields, remote) == []


def test_a_link_is_followed(site: Site, tmp_path: Path) -> None:
    (tmp_path / "innocent").symlink_to("/etc")
    (danger,) = found(site, f"volumes: ['{tmp_path}/innocent/ssl:/x']")
    assert "/etc/ssl" in danger.words
    assert "through a link" in danger.words


def test_files_of_the_system_cannot_be_given_to_a_container(site: Site) -> None:
    shared = "secrets: {s: {file: /etc/shadow}}\nconfigs: {c: {file: ../../../../../../../../etc/passwd}}"
    assert [danger.path[:2] for danger in found(site, "secrets: [s]\nconfigs: [c]", shared)] == [
        ("secrets", "s"),
        ("configs", "c"),
    ]


def test_an_env_file_of_the_system_is_told(site: Site) -> None:
    path = site.write("compose.yaml", application("env_file: /etc/conduit-test.env"))

    def read(name: Path, limit: int) -> bytes:
        return b"A=1" if name.parent == Path("/etc") else read_regular(name, limit)

    (danger,) = dangers(load_file(path, {}, read=read), PLAIN)
    assert danger.source.file == "/etc/conduit-test.env"


def test_directories_of_the_caller_are_protected(site: Site) -> None:
    loaded = site.load(application("volumes: ['/var/lib/conduit/keys:/x', '/var/lib:/y']"))
    judge = HostPaths(os.path.realpath, Grounds(own=("/var/lib/conduit",)))
    words = [danger.words for danger in dangers(loaded, judge)]
    assert len(words) == 2


@pytest.mark.parametrize(
    ("path", "read_only", "harmless"),
    [
        ("/etc/conduit/apps/notes/data", False, True),
        ("/etc/conduit/desired/notes/nginx.conf", True, True),
        ("/etc/conduit/desired/notes/data", False, False),
        ("/etc/conduit/keys/site.key", True, False),
        ("/etc/conduit", True, False),
        ("/etc/conduit-other", True, False),
        ("/etc/conduit/../shadow", True, False),
    ],
)
def test_the_sites_own_directory_is_no_part_of_the_system(path: str, read_only: bool, harmless: bool) -> None:
    assert (HostPaths(lambda path: path, OURS).reach(path, read_only) == "") is harmless


def test_a_link_out_of_the_sites_directory_reaches_the_system() -> None:
    judge = HostPaths(lambda path: path.replace("/etc/conduit/link", "/etc"), OURS)
    assert "through a link" in judge.reach("/etc/conduit/link/shadow", True)


@pytest.mark.parametrize("home", ["/", "/etc", "/root", "/var"])
def test_settings_in_a_directory_of_the_system_open_nothing(home: str) -> None:
    assert HostPaths(lambda path: path, Grounds(homes=(home,))).reach("/etc/shadow", True)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("traefik", [("volumes", 1)]),
        ("homeassistant", [("privileged",), ("network_mode",), ("volumes", 2), ("devices", 0)]),
        ("jellyfin", [("network_mode",), ("devices", 0), ("devices", 1)]),
        ("prometheus", [("network_mode",), ("pid",), ("volumes", 0)]),
        ("backup", [("security_opt", 0)]),
        ("vaultwarden", []),
        ("nextcloud", []),
        ("gitea", []),
    ],
)
def test_the_dangers_of_the_suite(name: str, wanted: list[tuple[str, ...]]) -> None:
    loaded = load_file(FILES / name / "compose.yaml", ENVIRONMENT)
    judge = HostPaths(os.path.realpath, Grounds(homes=(str(FILES),)))
    told = [danger.path[2:] for danger in dangers(loaded, judge) if danger.path[0] == "services"]
    assert sorted(map(str, told)) == sorted(map(str, wanted))
