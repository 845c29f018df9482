"""What the sandbox asks of the machine: free ports, programs, whether something answers, waiting."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Final

from conduit.errors import Code, ConduitError, Diagnostic
from conduit.providers.http_call import NotWhole, call

NO_PROGRAM = Code(
    "CND-1181",
    "a daemon's program is missing",
    "The sandbox runs real daemons and needs their programs. `make quickstart` and `make test` install what is "
    "missing: Caddy comes with the Python packages, dnsmasq is the Debian package dnsmasq-base, dockerd is docker.io.",
)
PORT_TAKEN = Code(
    "CND-1182",
    "a sandbox address is taken",
    "Another program already answers where a sandbox daemon should listen. Ports that are not fixed are chosen free "
    "once and kept, so that names and addresses stay the same. Stop the other program, or remove the sandbox "
    "(`make clean-sandbox`) to choose new ports.",
)

DEADLINE: Final = 20.0
"""Seconds a daemon may take to start or to end; generous, because a busy machine is no error."""

LONGEST_SOCKET: Final = 107
"""Bytes of a unix socket's path that the kernel takes (unix(7): sun_path, less its closing zero)."""

_PORTS: Final = range(20_000, 32_000)
_BLOCK: Final = 200
_handed_out = 0

_NETWORKS: Final = tuple(IPv4Network("10.64.0.0/10").subnets(new_prefix=20))
_NETWORK_BLOCK: Final = 8
_networks_handed_out = 0


class SandboxError(ConduitError):
    """The sandbox could not do what was asked."""


def answers(address: str) -> bool:
    """Tell whether something accepts a connection at `unix//path` or `host:port`."""
    family = socket.AF_UNIX if address.startswith("unix/") else socket.AF_INET
    with socket.socket(family) as probe, suppress(OSError):
        probe.settimeout(1)
        if family == socket.AF_UNIX:
            probe.connect(address.removeprefix("unix/"))
        else:
            host, _, port = address.rpartition(":")
            probe.connect((host, int(port)))
        return True
    return False


def replies(address: str, path: str) -> bool:
    """Tell whether `unix//path` answers a request for an HTTP path with status 200."""
    with socket.socket(socket.AF_UNIX) as peer, suppress(OSError, NotWhole):
        peer.settimeout(1)
        peer.connect(address.removeprefix("unix/"))
        request = f"GET {path} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n\r\n"
        return call(peer, request.encode(), 1, 2**16, lambda: None).status == 200
    return False


def wait_for(condition: Callable[[], Any], what: str, *, deadline: float = DEADLINE) -> Any:
    """Return the first true value of `condition`, tried every 10 ms; raises TimeoutError naming `what`."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {deadline:g} s: {what}")
        time.sleep(0.01)
    return value


def free_port() -> int:
    """Return a port that nobody listens on at 127.0.0.1, for TCP and UDP.

    Each process walks a block of its own, below the range of outgoing connections: parallel tests do not pick the
    same port between the choice and the listening, or while a daemon is restarted. Raises `SandboxError` when the
    whole block is taken.
    """
    global _handed_out
    first = _PORTS.start + _own("ports", len(_PORTS) // _BLOCK, os.getpid())[0] * _BLOCK
    for _ in range(_BLOCK):
        port = first + _handed_out % _BLOCK
        _handed_out += 1
        if _is_free(port):
            return port
    raise SandboxError(Diagnostic(PORT_TAKEN, f"no free port between {first} and {first + _BLOCK - 1}"))


def _is_free(port: int) -> bool:
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            stream.bind(("127.0.0.1", port))
            datagram.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_network() -> IPv4Network:
    """Return a private /20 that no route of this machine leads into; as with ports, each process walks its own block.

    Raises `SandboxError` when all are taken.
    """
    global _networks_handed_out
    first, taken = _own("networks", len(_NETWORKS) // _NETWORK_BLOCK, os.getpid())[0] * _NETWORK_BLOCK, list(_routed())
    for _ in _NETWORKS:
        network = _NETWORKS[(first + _networks_handed_out) % len(_NETWORKS)]
        _networks_handed_out += 1
        if not any(network.overlaps(other) for other in taken):
            return network
    raise SandboxError(Diagnostic(PORT_TAKEN, "no free network in 10.64.0.0/10"))


@lru_cache
def _own(what: str, blocks: int, pid: int) -> tuple[int, socket.socket]:
    """Return the number of a block that no other process has, and what holds it until this process, `pid`, ends.

    An abstract name of a socket has one owner in a network namespace, and goes with it (unix(7)).
    """
    for step in range(blocks):
        number, claim = (pid + step) % blocks, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0conduit-sandbox-{what}-{number}")
        except OSError:
            claim.close()
        else:
            return number, claim
    raise SandboxError(Diagnostic(PORT_TAKEN, f"{blocks} processes have all {what} of this machine"))


def _routed() -> Iterator[IPv4Network]:
    """Yield where this machine's routes lead, without those to everywhere (proc(5): /proc/net/route)."""
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        words = line.split()
        address, mask = (int.from_bytes(bytes.fromhex(words[column]), "little") for column in (1, 7))
        if mask:
            yield IPv4Network((address, mask.bit_count()))


def find_program(name: str) -> Path:
    """Return a daemon's program: beside this Python, in PATH, or where Debian puts it. Raises `SandboxError`."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/bin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        hint = "run `make venv`, which installs it"
        raise SandboxError(Diagnostic(NO_PROGRAM, f"{name} is not installed", hint=hint))
    return Path(found)


def current_user() -> str:
    """Return the name of the user this process runs as."""
    return pwd.getpwuid(os.geteuid()).pw_name
