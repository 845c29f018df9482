"""A private dockerd in the host's network, so that the sandbox's proxies reach containers by their addresses.

It changes nothing of the host but what containers need: no firewall rule, no forwarding, no default bridge. Containers
reach each other and the host, and nothing beyond it. Restarting containers come back when it is started again.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Final

from conduit.errors import Code, Diagnostic
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import LONGEST_SOCKET, SandboxError, find_program, free_network

NEEDS_ROOT = Code(
    "CND-1184",
    "a private dockerd needs root",
    "dockerd makes mounts, network interfaces and control groups, which only root may. Run the command as root, or use "
    "the sandbox without Docker.",
)

_LONGEST_INSIDE: Final = len("/exec/containerd/containerd.sock.ttrpc")
_POOL_PREFIX: Final = 26
"""Networks that Docker gives out by itself have 62 addresses each."""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def prepare(directory: Path, *, network: IPv4Network | None = None) -> Daemon:
    """Write the configuration of a private dockerd and return it, not yet started. Raises `SandboxError`.

    `network` is a private range of /24 or larger, by default a free one: its lower half is for conduit's own network,
    its upper half for those that Docker chooses.
    """
    if os.geteuid() != 0:
        raise SandboxError(Diagnostic(NEEDS_ROOT, "dockerd cannot run as this user", hint="become root"))
    directory.mkdir(parents=True, exist_ok=True)
    own, pool = (network or free_network()).subnets()
    running, name = _running(directory), f"conduit-{_short(directory)}"
    config = directory / "dockerd.json"
    config.write_text(json.dumps(_configuration(directory, running, pool, name), indent=2) + "\n")
    for program in ("containerd", "runc", "iptables"):  # the last for names inside of containers' networks
        find_program(program)
    section = {"socket": str(running / "docker.sock"), "subnet": str(own), "files": str(directory / "files")}
    return Daemon(
        "docker",
        directory,
        (str(find_program("dockerd")), "--config-file", str(config)),
        f"unix/{section['socket']}",
        section,
        {"PATH": _PATH},
        ping="/_ping",
        sweep=("docker_sweep", str(running), str(directory), name, str(own.supernet())),
    )


def start(directory: Path, **options: Any) -> Daemon:
    """Start a private dockerd in `directory`; the options are those of `prepare`. Raises `SandboxError`."""
    daemon = prepare(directory, **options)
    daemon.start()
    return daemon


def _configuration(directory: Path, running: Path, pool: IPv4Network, name: str) -> dict[str, Any]:
    """Return dockerd's configuration (dockerd(8), daemon.json); what is not named here would be the host's."""
    return {
        "data-root": str(directory / "data"),
        "exec-root": str(running / "exec"),
        "pidfile": str(running / "dockerd.pid"),
        "hosts": [f"unix://{running / 'docker.sock'}"],
        "deprecated-key-path": str(directory / "key.json"),
        "bridge": "none",
        "iptables": False,
        "ip6tables": False,
        "ip-forward": False,
        "ip-masq": False,
        "default-address-pools": [{"base": str(pool), "size": max(_POOL_PREFIX, pool.prefixlen)}],
        "cgroup-parent": f"/{name}",
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "shutdown-timeout": 2,
    }


def _running(directory: Path) -> Path:
    """Return where the sockets lie: in the directory, or in a short one where its path is too long for them."""
    fits = len(bytes(directory)) + _LONGEST_INSIDE <= LONGEST_SOCKET
    return directory if fits else Path("/run", f"conduit-{_short(directory)}")


def _short(directory: Path) -> str:
    return sha256(bytes(directory)).hexdigest()[:12]
