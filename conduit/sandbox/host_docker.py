"""The host's own Docker, lent to a sandbox that asks for it: what the sandbox made in it goes with the sandbox."""

from __future__ import annotations

import json
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from conduit.providers.docker_image_names import Names
from conduit.providers.docker_marks import SITE
from conduit.sandbox import image
from conduit.sandbox.machine import free_network

RECORD: Final = "host-docker.json"
_SECONDS: Final = 60


def site_of(directory: Path) -> str:
    """Return the name of the site, which no other sandbox on this host has."""
    return f"sandbox-{sha256(bytes(directory)).hexdigest()[:8]}"


def section(directory: Path, socket: Path) -> dict[str, Any]:
    """Return the settings for the host's Docker; its network is chosen at the first call and kept."""
    record = directory / RECORD
    if not record.exists():
        own = next(free_network().subnets())
        files = str(directory / "docker-files")
        chosen = {"socket": str(socket), "network": site_of(directory), "subnet": str(own), "files": files}
        record.write_text(json.dumps(chosen, indent=2) + "\n")
    found: dict[str, Any] = json.loads(record.read_text())
    return found


def clear(directory: Path) -> None:
    """Remove what the sandbox made in the host's Docker, and nothing else; a sandbox that borrowed none is fine."""
    from docker import APIClient
    from docker.errors import ImageNotFound

    record = directory / RECORD
    if not record.exists():
        return
    socket = json.loads(record.read_text())["socket"]
    client = APIClient(base_url=f"unix://{socket}", version="auto", timeout=_SECONDS)
    ours = {"label": f"{SITE}={site_of(directory)}"}
    for container in client.containers(all=True, filters=ours):
        client.remove_container(container["Id"], v=True, force=True)
    for network in client.networks(filters=ours):
        client.remove_network(network["Id"])
    for volume in client.volumes(filters=ours)["Volumes"] or ():
        client.remove_volume(volume["Name"])
    given = Names(site_of(directory), lambda *_: "").repository
    names = [name for row in client.images(given) for name in row["RepoTags"]]
    for name in (*names, image.NAME):
        with suppress(ImageNotFound):
            client.remove_image(name)
    client.close()
