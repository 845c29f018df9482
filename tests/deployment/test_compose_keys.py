"""Every key of a Compose file that conduit reads, declared once, and what Docker's own CLI then says of it.

One application is applied with all of them; each key is a row: where `docker inspect` tells it, and what it must tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from typing import Any

import pytest
from compose_keys import COMPOSE, FILES, IMAGE, MANIFEST, TOLD

from tests.conftest import Ran, Site


@pytest.fixture
def proxies() -> tuple[str, ...]:
    return ()


def test_docker_tells_of_every_key_what_was_declared(docker_site: Site, docker: Callable[..., Ran]) -> None:
    declare(docker_site, docker)
    applied = docker_site.conduit("apply", "--yes", timeout=150)
    assert applied.code == 0, applied.stdout + applied.stderr

    def inspect(sort: str, name: str) -> Any:
        return json.loads(docker("inspect", "--type", sort, name).stdout)[0]

    wrong = {
        f"{name} {path}": told
        for (sort, name), rows in TOLD.items()
        for path, expected in rows.items()
        if (told := _at(inspect(sort, name), path)) != expected
    }
    assert wrong == {}
    _look_inside(inspect("container", "fixed"), inspect, docker, docker_site)
    names = set(docker("ps", "--all", "--format", "{{.Names}}").stdout.split())
    tabled = {name for sort, name in TOLD if sort == "container"}
    assert names == tabled | {"keys-limited-1", "keys-beside-1", "keys-made-1"}
    again = docker_site.conduit("diff", "--detailed-exitcode")
    assert again.code == 0, again.stdout


def declare(site: Site, docker: Callable[..., Ran]) -> None:
    """Write the manifest and its files; what is external is made by hand."""
    platform = docker("version", "--format", "{{.Server.Arch}}").stdout.strip()
    for name, text in {**FILES, "compose.yaml": COMPOSE.replace("PLATFORM", platform)}.items():
        path = site.directory / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert docker("network", "create", "theirs").code == 0
    assert docker("volume", "create", "kept").code == 0
    site.write("site.yaml", MANIFEST)


def _look_inside(fixed: Any, inspect: Callable[[str, str], Any], docker: Callable[..., Ran], site: Site) -> None:
    """Check what no single field tells: mounts, files, variables, whose namespaces are shared, images, the order."""
    mounts = {mount["Destination"]: mount for mount in fixed["Mounts"]}
    assert (mounts["/data"]["Name"], mounts["/data"]["RW"]) == ("keys-data", False)
    assert (mounts["/bound"]["Source"], mounts["/bound"]["RW"]) == (str(site.directory / "app" / "bound"), True)
    assert mounts["/fast"]["Type"] == "tmpfs"
    assert {"MOOD=calm", "EMPTY=", "FROM_FILE=as it is $HOME"} <= set(fixed["Config"]["Env"])
    assert {"www", "all"} <= set(fixed["NetworkSettings"]["Networks"]["keys-front"]["Aliases"])
    shown = docker("exec", "fixed", "sh", "-c", "cat /run/word /srv/page; stat -c ' %u %a' /run/word")
    assert shown.stdout == "secret wordhello 12 400\n"
    limits = docker("exec", "fixed", "grep", "-E", "open files|processes", "/proc/1/limits").stdout
    assert [line.split()[-3:-1] for line in limits.splitlines()] == [["99", "99"], ["100", "200"]]
    beside = inspect("container", "keys-beside-1")["HostConfig"]
    assert {beside[mode] for mode in ("NetworkMode", "IpcMode", "PidMode")} == {f"container:{fixed['Id']}"}
    assert inspect("container", "keys-job-1")["State"]["FinishedAt"] <= fixed["State"]["StartedAt"]
    assert fixed["Image"] == inspect("image", IMAGE)["Id"]
    assert inspect("image", inspect("container", "keys-made-1")["Image"])["Config"]["Labels"]["says"] == "hello"
    one = inspect("container", "single-one-1")
    assert "theirs" in one["NetworkSettings"]["Networks"]
    assert [mount["Name"] for mount in one["Mounts"]] == ["kept"]


def _at(told: Any, path: str) -> Any:
    """Return what stands at a dotted path; a label's own name may hold no dot here."""
    return reduce(lambda found, name: found[name], path.split("."), told)
