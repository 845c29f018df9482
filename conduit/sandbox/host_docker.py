"""The host's own Docker, lent to a sandbox that asks for it: what the sandbox made in it goes with the sandbox."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conduit.providers.docker_image_names import Names
from conduit.providers.docker_marks import SITE
from conduit.sandbox import image
from conduit.sandbox.machine import free_network

if TYPE_CHECKING:
    from docker import APIClient

RECORD: Final = "host-docker.json"
_BROUGHT: Final = "host-docker-image"
"""Holds the id of the image the sandbox brought; there is none when the host's Docker had one already."""
_GONE_OR_IN_USE: Final = (404, 409)
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


def bring_image(directory: Path, socket: Path) -> None:
    """Give the host's Docker the image of the sandbox unless it has one, and note that it goes with the sandbox."""
    if brought := image.load(socket):
        (directory / _BROUGHT).write_text(f"{brought}\n")


def clear(directory: Path) -> None:
    """Remove what the sandbox made in the host's Docker, and nothing else; a sandbox that borrowed none is fine."""
    from docker import APIClient

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
    for name in (*names, *_brought(client, directory)):
        _let_go(client, name)
    client.close()


def _brought(client: APIClient, directory: Path) -> list[str]:
    """Return the name of the image while it is that of the one this sandbox brought."""
    from docker.errors import ImageNotFound

    try:
        ours = (directory / _BROUGHT).read_text().strip()
        return [image.NAME] if client.inspect_image(image.NAME)["Id"] == ours else []
    except (FileNotFoundError, ImageNotFound):
        return []


def _let_go(client: APIClient, name: str) -> None:
    """Take a name from an image; the last one of an image that somebody's container uses stays."""
    from docker.errors import APIError

    try:
        client.remove_image(name)
    except APIError as error:
        if error.status_code not in _GONE_OR_IN_USE:
            raise
