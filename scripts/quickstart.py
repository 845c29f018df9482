"""The quick start: real daemons, a real plan, a real apply, and the proof on screen. Every command is shown.

Exits with 0 when names resolve, sites answer over HTTPS and the second diff is empty, else with 1 and the name of the
daemon that did not do its part. CONDUIT_HOST_DOCKER=/var/run/docker.sock makes it use the host's Docker instead of a
private one.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from conduit.errors import ConduitError
from conduit.sandbox.site import DEMO_PORTS, Sandbox, of_checkout

ROOT = Path(__file__).parent.parent
CONDUIT = [".venv/bin/conduit", "--config", ".sandbox/conduit.yaml"]
DIG = ["dig", "@127.0.0.1", "-p", str(DEMO_PORTS["dns"]), "+short"]
CURL = ["curl", "--silent", "--show-error", "--max-time", "10", "--write-out", "%{http_code} %{redirect_url}"]
TRUST = ["--cacert", ".sandbox/certs/ca/root.crt"]


class Proof(NamedTuple):
    """A command that an outsider would run, what its answer must contain, and who did not do its part otherwise."""

    command: Sequence[str]
    expected: str
    daemon: str


class Failure(Exception):
    """The quick start did not get through; the message says who did not do its part."""


def ask(name: str, record: str, expected: str) -> Proof:
    """A question to dnsmasq."""
    return Proof([*DIG, name, record], expected, "dnsmasq")


def fetch(host: str, expected: str, *options: str, scheme: str = "https", proxy: str = "Caddy") -> Proof:
    """A request through a proxy; over HTTPS it trusts the internal CA and nothing else."""
    port = DEMO_PORTS[scheme if proxy == "Caddy" else f"{proxy}_{scheme}"]
    trust = TRUST if scheme == "https" else []
    where = ["--resolve", f"{host}:{port}:127.0.0.1", *options, f"{scheme}://{host}:{port}/"]
    return Proof([*CURL, *trust, *where], expected, proxy)


PROOFS = [
    ask("blog.home.arpa", "A", "127.0.0.1"),
    ask("imap.home.arpa", "CNAME", "mail.home.arpa."),
    ask("anything.lab.home.arpa", "A", "10.20.0.7"),
    ask("home.arpa", "MX", "10 mail.home.arpa."),
    ask("home.arpa", "TXT", '"v=spf1 mx -all"'),
    fetch("blog.home.arpa", '"name": "blog'),
    fetch("wiki.home.arpa", "401"),
    fetch("wiki.home.arpa", '"name": "wiki"', "--user", "demo:sandbox"),
    fetch("status.home.arpa", '"name": "status"', scheme="http"),
    fetch("metrics.home.arpa", '"name": "metrics"', proxy="nginx"),
    fetch("notes.home.arpa", "served by a container"),
    fetch("old-blog.home.arpa", "301 https://blog.home.arpa"),
]

NEXT = """
All of it is real, and no plan is made from anything but your files and the live daemons. Try it:

  export CONDUIT_CONFIG=.sandbox/conduit.yaml DOCKER_HOST=unix://{docker} PATH="$PWD/.venv/bin:$PATH"

  edit one line        sed -i 's/16MiB/32MiB/' desired/sites.yaml
  break dnsmasq        sed -i 's/^127.0.0.1 blog/127.0.0.9 blog/' .sandbox/dnsmasq/hosts/conduit.hosts
  break Caddy          curl -sS --unix-socket .sandbox/caddy/admin.sock -X PATCH --json '["other.home.arpa"]' \\
                         http://caddy/config/apps/http/servers/conduit_http/routes/2/match/0/host
  break nginx          sed -i 's/17485/17481/' .sandbox/nginx/conf.d/conduit.conf
  break a container    docker stop $(docker ps -q -f name=notes-web-1)
  break a certificate  for file in .sandbox/caddy-certs/wiki.*.pem; do echo broken >"$file"; done

After each, `conduit diff` shows what differs and who moved, your files or the host; `conduit apply` puts it right.

  look around          conduit status, conduit ps notes, conduit explain CND-0116, conduit doctor
  stop, start again    conduit sandbox down, make quickstart
  take it all away     make clean-sandbox
"""


def main() -> int:
    """Run the quick start and return its exit code."""
    try:
        host = os.environ.get("CONDUIT_HOST_DOCKER")
        start(of_checkout(ROOT, Path(host) if host else None))
        title("The plan: what desired/ wishes against what the daemons have")
        conduit("diff")
        title("The apply")
        conduit("apply", "--yes", "--quiet")
        title("The proof: names from dnsmasq, sites through Caddy and nginx, certificates of the internal CA")
        for proof in PROOFS:
            prove(proof)
        title("The second diff: nothing is left to do")
        conduit("diff", "--detailed-exitcode")
    except (ConduitError, Failure) as error:
        print(f"\nThe quick start failed: {error}", file=sys.stderr)
        return 1
    print(NEXT.format(docker=host or ".sandbox/docker/docker.sock"))
    return 0


def start(sandbox: Sandbox) -> None:
    """Start the private daemons and show where they are. Raises `SandboxError`."""
    title("The sandbox: private daemons on loopback, in .sandbox/")
    for daemon in sandbox.up():
        print(f"  {daemon.name:<10} pid {daemon.pid or '-':<8} {daemon.address}")


def conduit(*words: str) -> None:
    """Show and run conduit. Raises `Failure` when it does not exit with 0."""
    command = [*CONDUIT, *words]
    show(command)
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code:
        raise Failure(f"`conduit {' '.join(words)}` exited with {code}; the daemon it could not bring in line is above")


def prove(proof: Proof) -> None:
    """Show and run a proof. Raises `Failure` naming the daemon whose answer is not the expected one."""
    show(proof.command)
    done = subprocess.run(proof.command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    answer = " ".join((done.stdout + done.stderr).split())
    print(f"  {answer if len(answer) <= 110 else answer[:70] + ' ... ' + answer[-35:]}")
    if proof.expected not in answer:
        raise Failure(f"{proof.daemon} did not do its part: expected {proof.expected!r} in the answer above")


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n== {text}", flush=True)


def show(command: Sequence[str]) -> None:
    """Print a command as it could be typed."""
    print(f"$ {shlex.join(command)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
