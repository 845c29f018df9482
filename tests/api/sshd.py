"""A private sshd on a free port, with keys of its own: the other machine of a test, which is this one."""

from __future__ import annotations

import getpass
import subprocess
from dataclasses import dataclass
from pathlib import Path

from conduit.sandbox.machine import answers, free_port, wait_for
from tests.conftest import run_program

PROGRAM = Path("/usr/sbin/sshd")


@dataclass
class Sshd:
    """A server that lets the owner of `key` in. `host_key` is what it shows, in the form of known_hosts."""

    process: subprocess.Popen[bytes]
    port: int
    host_key: str
    key: str
    user: str


def start(directory: Path) -> Sshd:
    """Start one in `directory`; the caller terminates `process`."""
    directory.mkdir(parents=True)
    for name in ("host", "client"):
        run_program("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(directory / name))
    port = free_port()
    config = directory / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {directory / 'host'}\nPidFile none\n"
        f"AuthorizedKeysFile {directory / 'client.pub'}\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd gives up its privileges into it (sshd(8)); no service made it here
    argv = (str(PROGRAM), "-D", "-e", "-f", str(config))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    wait_for(lambda: answers(f"127.0.0.1:{port}"), "sshd answers")
    host_key = " ".join((directory / "host.pub").read_text().split()[:2])
    return Sshd(process, port, host_key, (directory / "client").read_text(), getpass.getuser())
