"""A private nginx on free loopback ports; it serves nothing but what conduit gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import current_user, find_program, free_port

BACKLOG: Final = 4096
"""Connections that may wait to be accepted, as many as Linux allows by itself (net.core.somaxconn)."""


def prepare(
    directory: Path, *, http: int | None = None, https: int | None = None, program: Path | None = None
) -> Daemon:
    """Write the configuration of a private nginx and return it, not yet started.

    `http` and `https` are the ports conduit may serve on, free ones by default. It listens on a port of its own too,
    which is its address, so that it answers before conduit has told it anything.
    """
    for name in ("conf.d", "temporary"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    program, address = program or find_program("nginx"), f"127.0.0.1:{free_port()}"
    config = directory / "nginx.conf"
    config.write_text(_configuration(directory, address))
    argv = (str(program), "-c", str(config), "-e", str(directory / "error.log"))
    section = {
        "conf_file": str(directory / "conf.d" / "conduit.conf"),
        "config": str(config),
        "backlog": BACKLOG,
        "http": [f"127.0.0.1:{http or free_port()}"],
        "https": [f"127.0.0.1:{https or free_port()}"],
        "marker": f"127.0.0.1:{free_port()}",
        "passwords": str(directory / "passwords"),
        "program": str(program),
        "user": current_user(),
        "process": {"pid_file": str(directory / "pid"), "start": list(argv)},
    }
    return Daemon("nginx", directory, argv, address, section, detaches=True)


def start(directory: Path, **options: Any) -> Daemon:
    """Start a private nginx in `directory`; the options are those of `prepare`. Raises `SandboxError`."""
    daemon = prepare(directory, **options)
    daemon.start()
    return daemon


def _configuration(directory: Path, address: str) -> str:
    temporary = [
        f"    {kind}_temp_path {directory / 'temporary' / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ]
    lines = [
        f"user {current_user()};",
        "worker_processes 2;",
        "worker_rlimit_nofile 8192;",
        f"pid {directory / 'pid'};",
        f"error_log {directory / 'error.log'} notice;",
        "events {",
        "    worker_connections 4096;",
        "}",
        "http {",
        "    access_log off;",
        *temporary,
        "    server {",
        f"        listen {address} backlog={BACKLOG};",
        "        return 204;",
        "    }",
        f"    include {directory / 'conf.d'}/*.conf;",
        "}",
    ]
    return "\n".join(lines) + "\n"
