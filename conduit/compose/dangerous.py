"""The settings of an application that hand over the host: listed with their place and in words. Pure.

None of them is an error here. Whoever runs the application decides; the list says what is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from conduit.compose.load import Loaded
from conduit.compose.mounts import Mount
from conduit.compose.nodes import Path
from conduit.compose.process import Process
from conduit.compose.service import Service
from conduit.model import Source
from conduit.providers.host_paths import HostPaths

CAPABILITIES: Final = {
    "ALL": "every capability of the kernel",
    "BPF": "loading programs into the kernel",
    "DAC_READ_SEARCH": "reading every file of the host by its handle",
    "MAC_ADMIN": "changing the host's access policy",
    "MAC_OVERRIDE": "passing over the host's access policy",
    "PERFMON": "watching every process of the host",
    "SYS_ADMIN": "mounting, namespaces and most of what root may do",
    "SYS_BOOT": "rebooting the host",
    "SYS_MODULE": "loading modules into the kernel",
    "SYS_PTRACE": "reading and changing other processes",
    "SYS_RAWIO": "access to the host's ports and memory",
    "SYS_TIME": "setting the host's clock",
    "SYSLOG": "reading the kernel's addresses",
}
REMOTE: Final = frozenset(("cifs", "nfs", "nfs3", "nfs4", "tmpfs"))
"""File systems whose device is no path of the host."""


class Danger(Struct, frozen=True):
    """One dangerous setting: where in the application, where in the file, and what it gives away."""

    path: Path
    source: Source
    words: str


def dangers(loaded: Loaded, places: HostPaths) -> tuple[Danger, ...]:
    """Return every dangerous setting of an application, in the order of its fields."""
    application = loaded.application
    found: list[tuple[Path, str]] = []
    for name, service in application.services.items():
        found += [(("services", name, *path), words) for path, words in _of_service(service, places)]
    for name, volume in application.volumes.items():
        options = _of_options(volume.driver_opts, places)
        found += [(("volumes", name, "driver_opts", option), words) for option, words in options]
    for section, contents in (("secrets", application.secrets), ("configs", application.configs)):
        for name, content in contents.items():
            if content.file and (words := places.reach(content.file, True)):
                found.append(((section, name, "file"), f"it gives a container {words}"))
    located = [Danger(path, loaded.source(path), words) for path, words in found]
    return (*located, *_of_files(loaded, places))


def dangers_of_options(driver_opts: Mapping[str, str], places: HostPaths) -> list[str]:
    """Return in words what the options of a volume's driver hand over."""
    return [f"{option}: {words}" for option, words in _of_options(driver_opts, places)]


def dangers_of_process(
    process: Process, namespaces: Mapping[str, str], mounts: Iterable[Mount], places: HostPaths
) -> list[str]:
    """Return in words what one container by itself hands over."""
    found = (*_of_process(process), *_of_namespaces(namespaces), *_of_mounts(mounts, places))
    return [f"{path[0]}: {words}" for path, words in found]


def danger_of_context(directory: str, places: HostPaths) -> str:
    """Return in words what a build from a directory reads of the host, nothing when that is harmless."""
    words = places.reach(directory, True)
    return f"the build reads {words}" if words else ""


def _of_service(service: Service, places: HostPaths) -> Iterator[tuple[Path, str]]:
    yield from _of_process(service)
    yield from _of_namespaces(service.namespaces())
    yield from _of_mounts(service.volumes, places)
    if service.build and service.build.context.startswith("/") and (words := places.reach(service.build.context, True)):
        yield ("build", "context"), f"the build reads {words}"


def _of_process(process: Process) -> Iterator[tuple[Path, str]]:
    if process.privileged:
        yield ("privileged",), "a privileged container may do on the host whatever root may"
    for index, capability in enumerate(process.cap_add):
        if capability in CAPABILITIES:
            yield ("cap_add", index), f"the capability {capability} allows {CAPABILITIES[capability]}"
    for index, device in enumerate(process.devices):
        yield ("devices", index), f"the container gets the host's device {device.source}"
    for index, option in enumerate(process.security_opt):
        if "unconfined" in option or re.fullmatch(r"label[:=]disable|seccomp[:=]/.*", option):
            yield ("security_opt", index), f"{option} takes a protection of the host away"


def _of_mounts(mounts: Iterable[Mount], places: HostPaths) -> Iterator[tuple[Path, str]]:
    for index, mount in enumerate(mounts):
        if mount.type == "bind" and (words := places.reach(mount.source or "/", mount.read_only)):
            yield ("volumes", index), f"the container gets {words}"


def _of_namespaces(namespaces: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    shared = {"network_mode": "network", "pid": "processes", "ipc": "shared memory"}
    for field, value in namespaces.items():
        if value == "host":
            yield (field,), f"the container shares the host's {shared[field]}"
        elif value.startswith("container:"):
            yield (field,), f"the container shares the {shared[field]} of one outside the application"


def _of_options(driver_opts: Mapping[str, str], places: HostPaths) -> Iterator[tuple[str, str]]:
    """Yield the options of a driver that name a dangerous path of the host."""
    remote = driver_opts.get("type", "").lower() in REMOTE
    for option, value in driver_opts.items():
        if option == "device" and remote:
            continue
        for part in re.split("[,=:]", value):
            # dockerd works in /, so that a relative device counts from there
            words = places.reach(f"/{part}", False) if part.startswith("/") or option == "device" else ""
            if words:
                yield option, f"the volume gives a container {words}"
                break


def _of_files(loaded: Loaded, places: HostPaths) -> Iterator[Danger]:
    """Yield the files outside the application's directory that were read for it from the host's system."""
    for file in loaded.files:
        if words := places.reach(file, True):
            yield Danger((), Source(file), f"the application reads {words}")
