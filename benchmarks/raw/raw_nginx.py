"""nginx by hand: one file of all vhosts, checked by nginx, loaded on SIGHUP, waited for until it is served.

The wait is part of the job: a reload is told long before it has happened, and Caddy answers a write when it serves it.
"""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any


class Part:
    """The vhosts of the site."""

    def __init__(self, site: dict[str, Any], declared: dict[str, Any]) -> None:
        self.path, self.pid_file = Path(site["nginx_file"]), Path(site["nginx_pid"])
        address, _, port = site["nginx_marker"].rpartition(":")
        self.check, self.marker = site["nginx_check"], (address, int(port))
        vhosts = "".join(
            _vhost(site["nginx_listen"], f"{name}.{site['domain']}", fields["upstream"])
            for name, fields in declared["services"].items()
            if fields.get("proxy", site["proxy"]) == "nginx"
        )
        self.generation = str(time.time_ns())
        self.head = f"server {{ listen {site['nginx_marker']}; return 200 {self.generation}; }}\n".encode()
        self.want = f"{site['nginx_frame']}{vhosts}".encode()

    def differs(self) -> bool:
        """Compare the file, less the generation in its first line, with the wish."""
        return not self.path.exists() or self.path.read_bytes().partition(b"\n")[2] != self.want

    def write(self) -> None:
        """Rename the new file into place, let nginx check it and load it, and wait until it serves it."""
        temporary = self.path.with_suffix(".new")
        temporary.write_bytes(self.head + self.want)
        temporary.replace(self.path)
        subprocess.run(self.check, check=True)
        os.kill(int(self.pid_file.read_text()), signal.SIGHUP)
        while not self._served():
            time.sleep(0.005)

    def _served(self) -> bool:
        try:
            with socket.create_connection(self.marker, timeout=5) as peer:
                peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return peer.makefile("rb").read().endswith(self.generation.encode())
        except OSError:
            return False


def _vhost(listen: str, host: str, upstream: str) -> str:
    return (
        f"server {{\n    listen {listen};\n    server_name {host};\n"
        f"    location / {{\n        proxy_pass http://{upstream};\n    }}\n}}\n"
    )
