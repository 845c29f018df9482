"""What Docker has of a container that is ours, in the native form of `docker_container_form`. Pure.

Docker merges what the image brings into what was asked for and does not tell the two apart, and of most of it nothing
can be changed on a living container. So a label of ours names what was asked for (never a value), and of what cannot
change only that is read; of what can, all that is not as Docker would have it by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import Any, Final

from conduit.model import Fingerprint, Native
from conduit.providers.docker_addresses import slots
from conduit.providers.docker_config import Config
from conduit.providers.docker_container_form import REFS
from conduit.providers.docker_container_mounts import mounted
from conduit.providers.docker_container_words import CHANGEABLE, changed
from conduit.providers.docker_marks import COMPOSE, WISH

SHORT: Final = 12
"""Digits of a container's id that Docker uses as a name."""
OF_ANOTHER: Final = {"NetworkOf": "NetworkMode", "PidOf": "PidMode", "IpcOf": "IpcMode"}
"""Where Docker holds the id of a container whose namespace is shared, as container:ID."""
NAMED_AFTER_MODE: Final = {"default": "bridge", "bridge": "bridge", "host": "host", "none": "none"}
"""The network Docker lists for a network mode that joins none."""

FileAt = Callable[[str], Native]
"""Returns what an injected file holds, by its path on the host; its form without content when it is not whole."""


def wish(native: Native) -> str:
    """Return the label that says what was asked for: names, never values; ids of what nothing else in Docker tells."""
    asked: dict[str, Any] = {name: native[name]["Name"] for name in REFS.values() if name in native}
    asked |= {name: sorted(native[name]) for name in ("Env", "Mounts", "Files") if name in native}
    asked |= {name: native[name] for name in ("Name", "Once", "Follows") if name in native}
    for section in ("Config", "HostConfig"):
        words = native[section].items()
        asked[section] = {
            name: sorted(v) if isinstance(v, dict) else True for name, v in words if name not in CHANGEABLE
        }
    return json.dumps(asked, sort_keys=True, separators=(",", ":"))


def followed(labels: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the resources that a container of ours is made anew after."""
    return frozenset(json.loads(labels.get(WISH, "{}")).get("Follows", ()))


def read(
    inspected: Mapping[str, Any], name: str, config: Config, seal: Callable[[Any], Fingerprint], at: FileAt
) -> Native:
    """Return the native form of one inspected container, which is the resource `name`.

    Raises LookupError, TypeError, AttributeError or ValueError when Docker's answer has another shape.
    """
    asked = json.loads(inspected["Config"]["Labels"].get(WISH, "{}"))
    host = inspected["HostConfig"]
    native: dict[str, Any] = {
        "Config": _picked(inspected["Config"], asked.get("Config", {})),
        "HostConfig": _picked(host, asked.get("HostConfig", {})) | changed(host),
        "State": _state(inspected["State"], "Once" in asked),
        "Networks": _networks(inspected, config),
    }
    native |= _named(inspected, asked) | _name(inspected, asked, name)
    if native["Networks"].pop(REACHED, None):
        native["Reached"] = True
    variables = variables_of(inspected)
    mounts = mounted(host)
    parts = {
        "Once": "Once" in asked,
        "Follows": asked.get("Follows", {}),
        "Env": {name: seal(variables[name]) for name in asked.get("Env", ())},
        "Mounts": {target: mounts[target] for target in asked.get("Mounts", ())},
        "Files": {target: at(mounts[target]["Source"]) for target in asked.get("Files", ())},
        "Compose": _compose(inspected["Config"]["Labels"]),
    }
    return native | {part: value for part, value in parts.items() if value}


def variables_of(inspected: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment of an inspected container."""
    return dict(line.partition("=")[::2] for line in inspected["Config"]["Env"] or ())


def _picked(section: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a section what has the names in `shape`, and of a mapping in it only the entries named there."""
    found = {}
    for name, entries in shape.items():
        value = section.get(name)
        if entries is not True:
            value = {entry: of for entry, of in (value or {}).items() if entry in entries}
        found[name] = [] if value is None else _capabilities(value) if name in ("CapAdd", "CapDrop") else value
    return found


def _capabilities(names: list[str]) -> list[str]:
    """Newer Dockers write CAP_ before them."""
    return [name.removeprefix("CAP_") for name in names]


def _state(state: Mapping[str, Any], once: bool) -> str:
    status = state["Status"]
    if status == "created":
        return "created" if once else "stopped"
    if status != "exited":
        return str(status)
    return ("failed" if state["ExitCode"] else "finished") if once else "stopped"


def _named(inspected: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resources that were named, with the ids Docker has of them."""
    found = {"Image": {"Name": asked.get("Image", ""), "Id": inspected["Image"]}}
    for part, mode in OF_ANOTHER.items():
        if part in asked:
            found[part] = {"Name": asked[part], "Id": inspected["HostConfig"][mode].removeprefix("container:")}
    return found


def _name(inspected: Mapping[str, Any], asked: Mapping[str, Any], name: str) -> dict[str, str]:
    declared, found = asked.get("Name"), name_of(inspected)
    right = found in ((declared,) if declared else slots(name).values())
    return ({"Name": declared} if declared else {}) | ({} if right else {"Renamed": found})


def name_of(inspected: Mapping[str, Any]) -> str:
    """Return the real name of an inspected container."""
    return str(inspected["Name"]).removeprefix("/")


REACHED: Final = ""
"""Stands among the networks for conduit's own while the container has one of the addresses conduit assigns."""


def _networks(inspected: Mapping[str, Any], config: Config) -> dict[str, Any]:
    mode = inspected["HostConfig"]["NetworkMode"]
    hostname = inspected["Config"]["Hostname"]
    found: dict[str, Any] = {}
    for name, endpoint in inspected["NetworkSettings"]["Networks"].items():
        if name == NAMED_AFTER_MODE.get(mode):
            continue
        own = endpoint.get("IPAMConfig") or {}
        if name == config.network and assigned(own.get("IPv4Address"), config):
            found[REACHED] = True
            continue
        aliases = sorted(set(endpoint.get("Aliases") or ()) - {inspected["Id"][:SHORT], hostname})
        values = {"Aliases": aliases, "IPv4Address": own.get("IPv4Address"), "IPv6Address": own.get("IPv6Address")}
        found[name] = {word: value for word, value in values.items() if value}
    return found


def assigned(address: str | None, config: Config) -> bool:
    """Return whether an address is one of those conduit assigns."""
    first, last = config.assignable
    return bool(address) and first <= int(IPv4Address(address)) <= last


def address_of(container: Mapping[str, Any], config: Config) -> str:
    """Return a container's address in conduit's network, declared or given by Docker; rows of the list will do."""
    endpoint = container["NetworkSettings"]["Networks"].get(config.network) or {}
    return str((endpoint.get("IPAMConfig") or {}).get("IPv4Address") or endpoint.get("IPAddress") or "")


def _compose(labels: Mapping[str, str]) -> dict[str, str]:
    words = {"Project": "project", "Service": "service", "Number": "container-number"}
    return {name: labels[COMPOSE + word] for name, word in words.items() if COMPOSE + word in labels}
