"""A private Caddy: its admin API on a unix socket, no site of its own, nothing kept across a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import LONGEST_SOCKET, current_user, find_program, free_port


def prepare(
    directory: Path,
    *,
    admin: str | None = None,
    http: int | None = None,
    https: int | None = None,
    program: Path | None = None,
    resume: bool = False,
) -> Daemon:
    """Write the configuration of a private Caddy and return it, not yet started.

    `admin` is an address in Caddy's own syntax, by default a unix socket in `directory` (loopback TCP when its path is
    too long). `http` and `https` are the ports conduit may serve on, free ones by default. With `resume` a restarted
    Caddy takes up the configuration it last had; by default it starts empty.
    """
    directory.mkdir(parents=True, exist_ok=True)
    admin = admin or _admin(directory)
    program = program or find_program("caddy")
    config = directory / "caddy.json"
    writer = {"output": "file", "filename": str(directory / "caddy.log")}
    document = {
        "admin": {"listen": admin, "config": {"persist": resume}},
        "logging": {"logs": {"default": {"writer": writer}}},
    }
    config.write_text(json.dumps(document, indent=2) + "\n")
    argv = (str(program), "run", "--config", str(config), *(["--resume"] if resume else []))
    section = {
        "admin": admin,
        "http": [f"127.0.0.1:{http or free_port()}"],
        "https": [f"127.0.0.1:{https or free_port()}"],
        "program": str(program),
        "user": current_user(),
    }
    environment = {"XDG_DATA_HOME": str(directory / "data"), "XDG_CONFIG_HOME": str(directory / "config")}
    return Daemon("caddy", directory, argv, admin, section, environment)


def start(directory: Path, **options: Any) -> Daemon:
    """Start a private Caddy in `directory`; the options are those of `prepare`. Raises `SandboxError`."""
    daemon = prepare(directory, **options)
    daemon.start()
    return daemon


def _admin(directory: Path) -> str:
    path = directory / "admin.sock"
    return f"unix/{path}" if len(bytes(path)) <= LONGEST_SOCKET else f"127.0.0.1:{free_port()}"
