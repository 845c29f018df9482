"""What a container's spec asks of Docker, as JSON, and back. Pure.

`build` and `fields` are each other's inverse. The form has the sections `Config` and `HostConfig` of Docker's API,
holding nothing but what is asked for, and beside them what is asked for in other ways:

- `Image`, `NetworkOf`, `PidOf`, `IpcOf`: the resource that is named, and its id; `Follows`: several, ids by name;
- `Name`: the declared name; live also `Renamed`: the name it has by hand instead of the one it should have;
- `State`: running, stopped or finished; live also paused, restarting, failed, dead. `Once`: it runs to its end;
- `Env` and `Files`: fingerprints of values by name and by target; `Mounts` by target;
- `Networks` by name; `Reached`: it has an address of conduit's own network; `Compose`: application, service, number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from conduit.model import Fingerprint, Key, Native, Ref, revealed
from conduit.providers.docker_container_mounts import file_fields, file_form, mount_fields, mount_form
from conduit.providers.docker_container_words import CHANGEABLE, WORDS, changed

REFS: Final = {"image": "Image", "network_of": "NetworkOf", "pid_of": "PidOf", "ipc_of": "IpcOf"}
ENDPOINT: Final = {"aliases": "Aliases", "ipv4_address": "IPv4Address", "ipv6_address": "IPv6Address"}

Seal = Callable[[Any], Fingerprint]
"""Turns a value that is written out, a secret or a fingerprint into its fingerprint."""


def sealing(fingerprint: Callable[[str], str], secret: Callable[[str], str]) -> Seal:
    """Return what turns values into fingerprints; `secret` reads a stored secret by its name."""

    def seal(value: Any) -> Fingerprint:
        return value if isinstance(value, Fingerprint) else Fingerprint(fingerprint(revealed(value, secret)))

    return seal


def build(spec: Any, seal: Seal) -> Native:
    """Return the native form of a container spec."""
    native: dict[str, Any] = {"Config": {}, "HostConfig": {}, "State": spec.state, "Networks": _networks(spec)}
    absent = {name: field.default for name, field in type(spec).model_fields.items()}
    for word in WORDS:
        value = getattr(spec, word.field)
        if value is not None and value != absent[word.field]:
            native[word.section][word.name] = word.there(value)
    _only_changed(native["HostConfig"])
    for field, name in REFS.items():
        if (ref := getattr(spec, field)) is not None:
            native[name] = {"Name": ref.key.name, "Id": ref.value}
    parts = {
        "Name": spec.container_name,
        "Once": spec.state == "finished",
        "Reached": bool(spec.serves),
        "Follows": {each.container.key.name: each.container.value for each in spec.follows},
        "Env": {name: seal(value) for name, value in spec.environment.items()},
        "Mounts": {mount.target: mount_form(mount) for mount in spec.mounts},
        "Files": {file.target: file_form(file, seal(file.content)) for file in spec.files},
        "Compose": _compose(spec),
    }
    return native | {name: part for name, part in parts.items() if part}


def _only_changed(host: dict[str, Any]) -> None:
    """Leave out what says the same as saying nothing, such as a limit of 0."""
    for name in [name for name in host if name in CHANGEABLE and name not in changed(host)]:
        del host[name]


def _networks(spec: Any) -> dict[str, Any]:
    """Return what is asked for in each network. Docker itself adds the host name to the aliases."""
    found = {}
    for network, attachment in spec.networks.items():
        aliases = sorted(set(attachment.aliases) - {spec.hostname})
        values = {"Aliases": aliases, "IPv4Address": attachment.ipv4_address, "IPv6Address": attachment.ipv6_address}
        found[network] = {name: value for name, value in values.items() if value}
    return found


def _compose(spec: Any) -> dict[str, str]:
    values = {"Project": spec.project, "Service": spec.service}
    named = {name: value for name, value in values.items() if value}
    return named | ({"Number": str(spec.number)} if named or spec.number != 1 else {})


def fields(native: Native) -> dict[str, Any]:
    """Return the fields of the spec that a native form stands for; values that are secret or no spec says come apart.

    Raises LookupError, TypeError, AttributeError or ValueError for a form of another shape.
    """
    found: dict[str, Any] = {}
    for word in WORDS:
        if word.name in native[word.section]:
            found[word.field] = word.back(native[word.section][word.name])
    for field, name in REFS.items():
        if name in native:
            kind = "image" if field == "image" else "container"
            found[field] = Ref(Key(kind, native[name]["Name"]), "id", native[name]["Id"])
    followed = native.get("Follows", {}).items()
    found["follows"] = [{"container": Ref(Key("container", name), "id", of)} for name, of in followed]
    networks = native["Networks"].items()
    found["networks"] = {net: {f: form[name] for f, name in ENDPOINT.items() if name in form} for net, form in networks}
    found["mounts"] = [mount_fields(target, form) for target, form in sorted(native.get("Mounts", {}).items())]
    found["files"] = [file_fields(target, form) for target, form in sorted(native.get("Files", {}).items())]
    compose: Mapping[str, str] = native.get("Compose", {})
    found |= {"project": compose.get("Project"), "service": compose.get("Service")}
    return found | {"container_name": native.get("Name"), "number": int(compose.get("Number", "1"))}
