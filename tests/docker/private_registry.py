"""A private registry on loopback, Debian's docker-registry, to fetch images from."""

from __future__ import annotations

from pathlib import Path

from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import find_program, free_port

CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {directory}/data}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
"""


def start(directory: Path) -> Daemon:
    """Start a registry that holds nothing. Raises `SandboxError`."""
    directory.mkdir(parents=True)
    address = f"127.0.0.1:{free_port()}"
    config = directory / "registry.yml"
    config.write_text(CONFIG.format(directory=directory, address=address))
    daemon = Daemon("registry", directory, (str(find_program("docker-registry")), "serve", str(config)), address)
    daemon.start()
    return daemon
