"""Small private HTTP servers to stand behind the proxy; `echo.py` is the program they run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from conduit.sandbox import echo
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import free_port


def prepare(
    directory: Path, name: str = "echo", *, port: int | None = None, status: int = 200, hang: bool = False
) -> Daemon:
    """Return a server that answers what it is and what it was asked, not yet started.

    `port` is a free one by default. Every answer has `status`; with `hang` there is none.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    options = ["--name", name, "--port", str(port), "--status", str(status), *(["--hang"] if hang else [])]
    argv = (sys.executable, "-IS", str(Path(echo.__file__)), *options)
    address = f"127.0.0.1:{port}"
    return Daemon(name, directory, argv, address, {"address": address})


def start(directory: Path, name: str = "echo", **options: Any) -> Daemon:
    """Start an upstream in `directory`; the options are those of `prepare`. Raises `SandboxError`."""
    daemon = prepare(directory, name, **options)
    daemon.start()
    return daemon
