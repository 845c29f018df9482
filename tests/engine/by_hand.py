"""What a person can do to a site's daemons behind conduit's back, and where their files are."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.engine.conftest import World


def admin(world: World, method: str, path: str, body: Any = None) -> Any:
    """Talk to the site's Caddy as a person with curl would."""
    socket = world.site.daemons["caddy"].section["admin"].removeprefix("unix/")
    words = ["curl", "-sS", "-X", method, "--unix-socket", socket, f"http://localhost{path}"]
    if body is not None:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    out = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout
    return json.loads(out) if out.strip() else None


def route_path(world: World, server: str, host: str = "web.home.arpa") -> str:
    """The admin path of a service's route in one of our servers."""
    routes = admin(world, "GET", f"/config/apps/http/servers/conduit_{server}/routes")
    index = next(i for i, route in enumerate(routes) if host in json.dumps(route))
    return f"/config/apps/http/servers/conduit_{server}/routes/{index}"


def hosts_file(world: World) -> Path:
    return Path(world.site.daemons["dnsmasq"].section["hosts_file"])


def conf_file(world: World) -> Path:
    return Path(world.site.daemons["dnsmasq"].section["conf_file"])


def nginx_file(world: World) -> Path:
    return Path(world.site.daemons["nginx"].section["conf_file"])


def edit(path: Callable[[World], Path], old: str, new: str) -> Callable[[World], None]:
    """Damage that replaces a text in a file."""

    def damage(world: World) -> None:
        text = path(world).read_text()
        assert old in text
        path(world).write_text(text.replace(old, new))

    return damage


def docker_cli(*words: str) -> Callable[[World], str]:
    """Look, or meddle, with Docker's own command line."""

    def look(world: World) -> str:
        host = f"unix://{world.site.settings['docker']['socket']}"
        argv = ["/usr/bin/docker", "--host", host, *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30).stdout

    return look
