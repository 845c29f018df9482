"""A private dnsmasq on a free loopback port; it knows nothing but what conduit gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conduit.providers.dnsmasq_config import INTERFACE_GONE
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import current_user, find_program, free_port


def prepare(
    directory: Path, *, port: int | None = None, user: str | None = None, upstream: str | None = None
) -> Daemon:
    """Write the configuration of a private dnsmasq and return it, not yet started.

    `port` is a free one by default. `user` is whom it becomes when started by root (by default nobody else, so that a
    directory below /root works). `upstream` is a DNS server as dnsmasq writes it (`127.0.0.1#5353`) for names it does
    not know; by default none.
    """
    port, user, program = port or free_port(), user or current_user(), find_program("dnsmasq")
    for name in ("conf.d", "hosts"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    config = directory / "dnsmasq.conf"
    config.write_text(_configuration(directory, port, user, upstream))
    argv = (str(program), f"--conf-file={config}")
    address = f"127.0.0.1:{port}"
    section = {
        "address": address,
        "conf_file": str(directory / "conf.d" / "conduit.conf"),
        "hosts_file": str(directory / "hosts" / "conduit.hosts"),
        "program": str(program),
        "user": user,
        "process": {"pid_file": str(directory / "pid"), "start": list(argv)},
    }
    return Daemon("dnsmasq", directory, argv, address, section, detaches=True, passes=INTERFACE_GONE.words)


def start(directory: Path, **options: Any) -> Daemon:
    """Start a private dnsmasq in `directory`; the options are those of `prepare`. Raises `SandboxError`."""
    daemon = prepare(directory, **options)
    daemon.start()
    return daemon


def _configuration(directory: Path, port: int, user: str, upstream: str | None) -> str:
    lines = [
        f"port={port}",
        "listen-address=127.0.0.1",
        "bind-interfaces",
        "no-hosts",
        "no-resolv",
        *([f"server={upstream}"] if upstream else []),
        f"user={user}",
        f"pid-file={directory / 'pid'}",
        f"log-facility={directory / 'dnsmasq.log'}",
        f"conf-dir={directory / 'conf.d'},*.conf",
    ]
    return "\n".join(lines) + "\n"
