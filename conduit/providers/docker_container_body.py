"""The request that makes a container, from its native form, its secrets, and what the plan decided. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from conduit.model import Fingerprint, Native, revealed
from conduit.providers.docker_config import Config
from conduit.providers.docker_container_mounts import asked
from conduit.providers.docker_container_read import OF_ANOTHER, wish
from conduit.providers.docker_marks import COMPOSE, WISH

Value = Callable[[str, Any], str]
"""Returns the value of a variable by its name, and as it is declared."""


def values(secret: Callable[[str], str], kept: Mapping[str, str]) -> Value:
    """Return what finds values: `secret` reads stored ones, `kept` are those of the container that is replaced.

    A value of which only the fingerprint is known is one that an `ignore` entry leaves as it is.
    """
    return lambda name, value: kept[name] if isinstance(value, Fingerprint) else revealed(value, secret)


def labels(native: Native, marks: Mapping[str, str]) -> dict[str, str]:
    """Return all labels of a container: the declared ones, those of Compose, and ours."""
    compose = native.get("Compose", {})
    words = {"Project": "project", "Service": "service", "Number": "container-number"}
    grouped = {COMPOSE + word: compose[name] for name, word in words.items() if name in compose}
    asked = wish(native)
    if grouped:  # docker compose lists none without a hash of its configuration, and warns without its files
        more = {"oneoff": "False", "config-hash": sha256(asked.encode()).hexdigest(), "project.config_files": ""}
        grouped |= {COMPOSE + word: text for word, text in more.items()}
    return {**native["Config"].get("Labels", {}), **grouped, **marks, WISH: asked}


def body(
    native: Native,
    marks: Mapping[str, str],
    variables: Mapping[str, str],
    files: Mapping[str, str],
    unnamed: Mapping[str, str],
    endpoint: tuple[str, Mapping[str, Any]] | None,
) -> dict[str, Any]:
    """Return the body of ContainerCreate.

    `variables` are the environment, `files` the host's paths of injected files by target, `unnamed` the volumes that
    pass on from the container before by target, `endpoint` the first network with how it is joined.
    """
    lines, entries = asked(native.get("Mounts", {}) | {target: {"Type": "volume"} for target in unnamed})
    for entry in entries:
        if entry["Type"] == "volume" and entry["Target"] in unnamed and "Source" not in entry:
            entry["Source"] = unnamed[entry["Target"]]
    host = native["HostConfig"] | {"Binds": lines + [f"{path}:{target}:ro" for target, path in files.items()]}
    host |= {"Mounts": entries} | {
        mode: f"container:{native[of]['Id']}" for of, mode in OF_ANOTHER.items() if of in native
    }
    ports = native["Config"].get("ExposedPorts", {}) | {
        port: {} for port in native["HostConfig"].get("PortBindings", {})
    }
    config: dict[str, Any] = native["Config"] | {
        "Image": native["Image"]["Id"],
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "ExposedPorts": ports,
        "Labels": labels(native, marks),
        "HostConfig": host | ({"NetworkMode": endpoint[0]} if endpoint else {}),
    }
    return config | ({"NetworkingConfig": {"EndpointsConfig": dict([endpoint])}} if endpoint else {})


def endpoints(name: str, native: Native, config: Config, address: str | None) -> dict[str, dict[str, Any]]:
    """Return how the container of a name joins each of its networks, conduit's own last (EndpointSettings)."""
    found = {}
    for network, form in native["Networks"].items():
        own = {name: form[name] for name in ("IPv4Address", "IPv6Address") if name in form}
        found[network] = {"Aliases": form.get("Aliases", []), "IPAMConfig": own}
    if native.get("Reached"):
        aliases = [] if "Name" in native else [name]
        found[config.network] = {"Aliases": aliases, "IPAMConfig": {"IPv4Address": address}}
    return found
