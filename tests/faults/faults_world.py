"""The site that is killed, starved and disturbed: two upstreams, and two wishes with every sort of change between."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import oracle

from conduit.sandbox.machine import free_port, wait_for
from tests.conftest import ROOT, Ran, Site
from tests.failing import paused_at, reached

BEFORE = {"one.home.arpa": "a", "two.home.arpa": "b", "three.home.arpa": "a"}
AFTER = {
    "one.home.arpa": "b",
    "three.home.arpa": "a",
    "three-too.home.arpa": "a",
    "four.home.arpa": "a",
    "five.example.net": "b",
}
"""From the one to the other: one updated, two removed, three's certificate and route renamed, four added, and five
with a name that dnsmasq must be restarted for. And all that again on the way back."""
FEWER = {"one.home.arpa": "b", "three.home.arpa": "a"}
"""From AFTER to here: two sites are removed, and one of the two names of a third."""
HOSTS = tuple({**BEFORE, **AFTER})

TREES = {
    "before": """
services:
  one: {{upstream: "{a}"}}
  two: {{upstream: "{b}"}}
  three: {{upstream: "{a}"}}
""",
    "after": """
services:
  one: {{upstream: "{b}"}}
  three: {{upstream: "{a}", aliases: [three-too.home.arpa]}}
  four: {{upstream: "{a}"}}
  five: {{upstream: "{b}", domain: five.example.net}}
""",
    "fewer": """
services:
  one: {{upstream: "{b}"}}
  three: {{upstream: "{a}"}}
""",
    "broken": """
services:
  one: {{upstream: "{dead}"}}
  two: {{upstream: "{b}"}}
  three: {{upstream: "{a}"}}
  four: {{upstream: "{a}"}}
""",
}
WISHES: Mapping[str, Mapping[str, str]] = {"before": BEFORE, "after": AFTER, "fewer": FEWER}


@dataclass
class World:
    """A site with its upstreams `a` and `b`, and a port `dead` where nobody listens. `tree` is the wish in force."""

    site: Site
    upstreams: Mapping[str, str]
    tree: str = ""
    dead: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")

    def wish(self, tree: str) -> None:
        """Write one of `TREES` as the only manifest."""
        self.site.write("site.yaml", TREES[tree].format(dead=self.dead, **self.upstreams))

    def apply(self, *words: str, **env: str) -> Ran:
        """Run `conduit apply --yes`, with these variables in its environment."""
        return self.site.conduit("apply", "--yes", *words, env=env)

    def settle(self, tree: str) -> oracle.Snapshot:
        """Make one of `TREES` true, whatever went before, and return what the world then looks like."""
        if self.tree != tree:
            self.mend()
            self.wish(tree)
            done = self.apply()
            assert done.code == 0, oracle.told(done)
        self.tree = tree
        return self.look()

    def mend(self) -> None:
        """Let every daemon run again."""
        for daemon in self.site.daemons.values():
            daemon.resume()
            daemon.start()

    def leave(self, tree: str) -> None:
        """Wish for one of `TREES`; what is in force is then not known any more."""
        self.tree = ""
        self.wish(tree)

    def look(self) -> oracle.Snapshot:
        """Look at the world from outside."""
        return oracle.look(self.site, HOSTS)

    def converge(self, tree: str) -> oracle.Snapshot:
        """Check that one apply makes one of `TREES` true, and that there is nothing left to do then."""
        self.wish(tree)
        wish = WISHES[tree]
        snapshot = oracle.converge(self.site, wish, [host for host in HOSTS if host not in wish])
        self.tree = tree
        return snapshot

    def start(self, *words: str, before: Sequence[str] = (), **env: str) -> subprocess.Popen[str]:
        """Start conduit on this site and do not wait for it; `before` are the words of a program that runs it."""
        return subprocess.Popen(
            [*before, sys.executable, "-m", "conduit", *words],
            cwd=self.site.directory,
            env=os.environ | {"CONDUIT_CONFIG": str(self.site.settings_file), "PYTHONPATH": str(ROOT)} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def apply_until(self, point: str) -> Paused:
        """Start an apply and return when it stands at a failpoint."""
        gate = self.site.directory / "gate"
        stands = reached(gate)
        for path in (gate, stands):
            path.unlink(missing_ok=True)
        process = self.start("apply", "--yes", **paused_at(point, gate))
        wait_for(lambda: stands.exists() or process.poll() is not None, f"conduit reaches {point}")
        assert stands.exists(), process.communicate()
        return Paused(process, gate)


@dataclass
class Paused:
    """An apply that stands at a failpoint until `go`."""

    process: subprocess.Popen[str]
    gate: Path

    def go(self) -> Ran:
        """Let it go on, and return how it ended."""
        self.gate.touch()
        out, err = self.process.communicate(timeout=60)
        return Ran(self.process.returncode, out, err)


def spread(points: list[Any], count: int) -> list[Any]:
    """Return `count` of some points, the same at each run and far apart."""
    step = max(1, len(points) // count)
    return points[step // 2 :: step][:count]
