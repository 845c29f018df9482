"""The fields of a container that are one word of Docker's API each (v1.41, ContainerCreate), both ways. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

MILLION: Final = 1_000_000
"""Nanoseconds in a millisecond."""
BILLION: Final = 1_000_000_000
"""NanoCpus in a processor."""


def _same(value: Any) -> Any:
    return value


class Word(Struct, frozen=True):
    """A field of the spec, Docker's word for it in a section, and how a value is said there and read back."""

    field: str
    section: str
    name: str
    there: Callable[[Any], Any] = _same
    back: Callable[[Any], Any] = _same


def _restart(text: str) -> dict[str, Any]:
    name, _, times = text.partition(":")
    return {"Name": name, "MaximumRetryCount": int(times or 0)}


def _restart_back(policy: Mapping[str, Any]) -> str:
    times = policy["MaximumRetryCount"]
    return f"{policy['Name']}:{times}" if times else str(policy["Name"])


def _hosts(hosts: Mapping[str, Iterable[str]]) -> list[str]:
    return [f"{host}:{address}" for host, addresses in sorted(hosts.items()) for address in addresses]


def _hosts_back(lines: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        host, _, address = line.partition(":")
        found.setdefault(host, []).append(address)
    return found


_TIMES: Final = {
    "Interval": "interval",
    "Timeout": "timeout",
    "StartPeriod": "start_period",
    "StartInterval": "start_interval",
}


def _health(check: Any) -> dict[str, Any]:
    """Return a health check; a time or count of zero means what the image says, as an absent one does."""
    if check.disable:
        return {"Test": ["NONE"]}
    times = {name: getattr(check, field) for name, field in _TIMES.items()}
    form: dict[str, Any] = {name: time * MILLION for name, time in times.items() if time}
    form |= {"Test": list(check.test)} if check.test else {}
    return form | ({"Retries": check.retries} if check.retries else {})


def _health_back(form: Mapping[str, Any]) -> dict[str, Any]:
    if form.get("Test") == ["NONE"]:
        return {"disable": True}
    times = {field: f"{form[name] // MILLION}ms" for name, field in _TIMES.items() if name in form}
    return times | {name.lower(): form[name] for name in ("Test", "Retries") if name in form}


def _ports(ports: Iterable[Any]) -> dict[str, list[dict[str, str]]]:
    form: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        outside = {"HostIp": port.host_ip or "", "HostPort": port.published}
        form.setdefault(f"{port.target}/{port.protocol}", []).append(outside)
    return {inside: sorted(outside, key=lambda one: tuple(one.values())) for inside, outside in form.items()}


def _ports_back(form: Mapping[str, Iterable[Mapping[str, str]]]) -> list[dict[str, Any]]:
    found = []
    for inside, bindings in form.items():
        port, _, protocol = inside.partition("/")
        for outside in bindings:
            one = {"target": int(port), "published": outside["HostPort"], "protocol": protocol}
            found.append(one | ({"host_ip": outside["HostIp"]} if outside["HostIp"] else {}))
    return sorted(found, key=lambda one: (one.get("host_ip", ""), one["published"], one["target"], one["protocol"]))


def _log(logging: Any) -> dict[str, Any]:
    driver = {"Type": logging.driver} if logging.driver else {}
    return driver | ({"Config": dict(logging.options)} if logging.options else {})


def _log_back(form: Mapping[str, Any]) -> dict[str, Any]:
    return {field: form[name] for name, field in (("Type", "driver"), ("Config", "options")) if name in form}


def _ulimits(limits: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"Name": name, "Soft": limits[name].soft, "Hard": limits[name].hard} for name in sorted(limits)]


def _ulimits_back(form: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {limit["Name"]: {"soft": limit["Soft"], "hard": limit["Hard"]} for limit in form}


_DEVICE: Final = {"PathOnHost": "source", "PathInContainer": "target", "CgroupPermissions": "permissions"}


def _devices(devices: Iterable[Any]) -> list[dict[str, str]]:
    return [{name: getattr(device, field) for name, field in _DEVICE.items()} for device in devices]


def _devices_back(form: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{field: device[name] for name, field in _DEVICE.items()} for device in form]


WORDS: Final = (
    Word("command", "Config", "Cmd", list),
    Word("entrypoint", "Config", "Entrypoint", list),
    Word("working_dir", "Config", "WorkingDir"),
    Word("user", "Config", "User"),
    Word("hostname", "Config", "Hostname"),
    Word("labels", "Config", "Labels", dict),
    Word("healthcheck", "Config", "Healthcheck", _health, _health_back),
    Word("expose", "Config", "ExposedPorts", lambda ports: {port: {} for port in ports}, sorted),
    Word("stop_signal", "Config", "StopSignal"),
    Word("stop_grace_period", "Config", "StopTimeout", lambda ms: math.ceil(ms / 1000), lambda seconds: f"{seconds}s"),
    Word("ports", "HostConfig", "PortBindings", _ports, _ports_back),
    Word("network_mode", "HostConfig", "NetworkMode"),
    Word("restart", "HostConfig", "RestartPolicy", _restart, _restart_back),
    Word("memory", "HostConfig", "Memory"),
    Word("memory_reservation", "HostConfig", "MemoryReservation"),
    Word("memswap_limit", "HostConfig", "MemorySwap"),
    Word("cpus", "HostConfig", "NanoCpus", lambda cpus: round(cpus * BILLION), lambda nano: nano / BILLION),
    Word("pids", "HostConfig", "PidsLimit"),
    Word("shm_size", "HostConfig", "ShmSize"),
    Word("init", "HostConfig", "Init"),
    Word("group_add", "HostConfig", "GroupAdd", list),
    Word("sysctls", "HostConfig", "Sysctls", dict),
    Word("ulimits", "HostConfig", "Ulimits", _ulimits, _ulimits_back),
    Word("dns", "HostConfig", "Dns", list),
    Word("dns_search", "HostConfig", "DnsSearch", list),
    Word("dns_opt", "HostConfig", "DnsOptions", list),
    Word("extra_hosts", "HostConfig", "ExtraHosts", _hosts, _hosts_back),
    Word("tmpfs", "HostConfig", "Tmpfs", dict),
    Word("devices", "HostConfig", "Devices", _devices, _devices_back),
    Word("read_only", "HostConfig", "ReadonlyRootfs"),
    Word("privileged", "HostConfig", "Privileged"),
    Word("cap_add", "HostConfig", "CapAdd", list),
    Word("cap_drop", "HostConfig", "CapDrop", list),
    Word("security_opt", "HostConfig", "SecurityOpt", list),
    Word("logging", "HostConfig", "LogConfig", _log, _log_back),
    Word("pid", "HostConfig", "PidMode"),
    Word("ipc", "HostConfig", "IpcMode"),
)

CHANGEABLE: Final = ("Memory", "MemoryReservation", "MemorySwap", "NanoCpus", "PidsLimit", "RestartPolicy")
"""What `docker update` changes of a running container and a spec can say."""
BY_HAND: Final = ("CpuShares", "CpuPeriod", "CpuQuota", "CpusetCpus", "CpusetMems", "BlkioWeight", "KernelMemory")
"""What `docker update` changes as well, and no spec says."""


def changed(host: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may change while a container lives, of a HostConfig, where it is not what Docker says by itself.

    Docker allows as much swap as memory when nothing else is said.
    """
    found = {name: host[name] for name in (*CHANGEABLE, *BY_HAND) if host.get(name) not in (None, 0, -1, "")}
    memory, swap = host.get("Memory"), host.get("MemorySwap")
    if memory and swap == -1:
        found["MemorySwap"] = swap
    elif swap == 2 * (memory or 0):
        found.pop("MemorySwap", None)
    if found.get("RestartPolicy", {}).get("Name") in ("", "no"):
        del found["RestartPolicy"]
    return found
