"""dnsmasq by hand: one hosts file, renamed into place, read on SIGHUP."""

import os
import signal
from pathlib import Path
from typing import Any


class Part:
    """The names of the site."""

    def __init__(self, site: dict[str, Any], declared: dict[str, Any]) -> None:
        self.path, self.pid_file = Path(site["hosts_file"]), Path(site["dnsmasq_pid"])
        named = ((name, fields) for name, fields in declared["services"].items() if "address" in fields)
        self.want = "".join(f"{fields['address']} {name}.{site['domain']}\n" for name, fields in named).encode()

    def differs(self) -> bool:
        """Compare the file with the wish."""
        return self.path.read_bytes() != self.want

    def write(self) -> None:
        """Rename the new file into place and let dnsmasq read it."""
        temporary = self.path.with_suffix(".new")
        temporary.write_bytes(self.want)
        temporary.replace(self.path)
        os.kill(int(self.pid_file.read_text()), signal.SIGHUP)
