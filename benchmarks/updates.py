"""Count the requests that fail while conduit changes a site under load, and while Caddy is reloaded without conduit.

    updates.py [--changes 100] [--updates 20] [--rate 1000] [--proxies nginx,caddy] [--write-docs]

`load.py` asks for every host in turn while one vhost after the other changes its upstream, and then while a deployment
gets one new version after the other, each by a `conduit apply` of its own. Behind nginx no request may fail. Caddy
itself drops a few new connections at each load of a configuration: so its last one is then loaded as often by hand, at
the same pace, each time with another harmless detail, and what fails is counted side by side. A first row without any
change shows what the measurement itself costs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import Final, NamedTuple

import httpx
from job import DOMAIN, IMAGE, Site, Wish
from load import KEPT_CLOSED, OK
from report import publish, table
from tools import HERE, conduit
from world import World

from conduit.sandbox import nginx

APPLICATION: Final = {
    "image": IMAGE,
    "command": ["/usr/sbin/nginx", "-c", "/nginx.conf", "-e", "stderr"],
    "configs": [{"source": "nginx", "target": "/nginx.conf"}],
    "volumes": ["/usr/sbin:/usr/sbin:ro", "/usr/lib:/lib:ro", "/usr/lib:/usr/lib:ro", "/usr/lib64:/lib64:ro"],
    "expose": ["8080"],
    "healthcheck": {"test": ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"], "interval": "1s"},
    "stop_signal": "SIGQUIT",
}
"""The host's nginx in a container: quick enough for the load, and told to stop it ends the requests it has."""

SERVER: Final = (
    "daemon off; user nobody nogroup; error_log stderr; pid /tmp/pid; events { worker_connections 4096; } http { "
    + "".join(f"{kind}_temp_path /tmp/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    + "access_log off; server { listen 8080 backlog=4096; return 200 ok; } }"
)


class Row(NamedTuple):
    """What happened to the requests while one thing was done to the site."""

    proxy: str
    what: str
    loads: int
    seconds: float
    counts: Counter[str]

    @property
    def failed(self) -> int:
        """How many requests were not answered as they should."""
        return sum(number for way, number in self.counts.items() if way not in (OK, KEPT_CLOSED))


class Scenario(NamedTuple):
    """A sort of change: its name, the wishes it makes one after the other, and whether it needs Docker.

    The first wish is what there is to begin with.
    """

    name: str
    wishes: Callable[[World, int], Iterator[Wish]]
    docker: bool = False


@contextmanager
def load(world: World, proxy: str, what: str, rate: int, hosts: Iterable[str], rows: list[Row]) -> Iterator[None]:
    """Keep a proxy under load inside of a `with`; what came of it is added to `rows`."""
    argv = [sys.executable, str(HERE / "load.py"), world.listener(proxy), str(rate), *hosts]
    before = world.disturbances()[f"{proxy}_loads"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        try:
            yield
        finally:
            told = json.loads(asking.communicate()[0])
    loads = world.disturbances()[f"{proxy}_loads"] - before
    rows.append(Row(proxy, what, loads, told["seconds"], Counter(told["counts"])))


def apply(world: World, declared: Wish) -> None:
    """Let conduit make the site as declared, proof included; one that fails ends the measurement with its words."""
    world.declare(declared)
    done = subprocess.run(conduit(world, "apply", "--yes"), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"conduit apply ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def vhost_changes(world: World, changes: int) -> Iterator[Wish]:
    """Yield a site of as many vhosts as it will have changes, then that site with one vhost more behind `after`."""
    upstreams = [nginx.start(world.directory / "upstreams" / name) for name in ("before", "after")]
    for daemon in upstreams:
        world.beside.callback(daemon.stop)
    before, after = (daemon.address for daemon in upstreams)
    services = {f"svc{number}": {"upstream": before, "tls": "off"} for number in range(changes)}
    yield {"services": services}
    for fields in services.values():
        fields["upstream"] = after
        yield {"services": services}


def health_gated_updates(_world: World, changes: int) -> Iterator[Wish]:
    """Yield a site in front of a deployment, then new versions: each a container that gets healthy beside the old."""
    for version in range(changes + 1):
        compose = {"services": {"app": APPLICATION}, "configs": {"nginx": {"content": f"{SERVER} # {version}"}}}
        deployments = {"app": {"compose": compose, "dangerous": True}}
        yield {"services": {"app": {"deployment": "app", "tls": "off"}}, "deployments": deployments}


def measured(proxy: str, scenario: Scenario, changes: int, rate: int, idle: int) -> list[Row]:
    """Carry out the changes of a scenario behind a proxy; Caddy is then loaded as often by hand."""
    rows: list[Row] = []
    with World(Site((proxy,), scenario.docker), knows_hosts=False) as world:
        wishes = scenario.wishes(world, changes)
        first = next(wishes)
        hosts = [f"{name}.{DOMAIN}" for name in first["services"]]
        apply(world, first)
        with load(world, proxy, "nothing", rate, hosts, rows):
            time.sleep(idle)
        with load(world, proxy, f"{changes} {scenario.name} by conduit", rate, hosts, rows):
            for declared in wishes:
                apply(world, declared)
        ours = rows[-1]
        if proxy == "caddy" and ours.loads:
            with load(world, proxy, f"{ours.loads} loads by hand", rate, hosts, rows):
                load_by_hand(world, ours.loads, ours.seconds / ours.loads)
    return rows


def load_by_hand(world: World, times: int, pace: float) -> None:
    """Give Caddy its own configuration so many times, one each `pace` seconds, always with another detail."""
    due = time.monotonic()
    with admin(world) as client:
        document = client.get("/config/").json()
        for turn in range(times):
            for server in document["apps"]["http"]["servers"].values():
                server["max_header_bytes"] = 2**20 + turn
            client.post("/load", json=document).raise_for_status()
            due += pace
            time.sleep(max(0.0, due - time.monotonic()))


def admin(world: World) -> httpx.Client:
    """Return a client of Caddy's API."""
    transport = httpx.HTTPTransport(uds=world.admin)
    return httpx.Client(transport=transport, base_url="http://caddy", timeout=60)


def worse(ours: Row, control: Row) -> bool:
    """Whether more requests failed for each load than by chance: two counts of one rate differ by about their root."""
    expected = control.failed * ours.loads / control.loads
    return ours.failed - expected > 2 * sqrt(ours.failed + expected)


def verdicts(rows: list[Row]) -> Iterator[tuple[str, str]]:
    """Yield each promise and whether it held."""
    for number, row in enumerate(rows):
        if row.loads and row.proxy == "nginx":
            yield f"nginx, {row.what}: no request fails", "held" if not row.failed else "**missed**"
        if row.what.endswith("by hand"):
            ours = rows[number - 1]
            promise = f"caddy, {ours.what}: no more fail than by hand"
            yield promise, "**missed**" if worse(ours, row) else "held"


def report(about: str, rows: list[Row]) -> str:
    """Return what was found as Markdown."""
    head = ("proxy", "what changes", "loads", "seconds", "requests", "failed", "of these", "kept connections closed")
    promises = table(("promise", ""), verdicts(rows))
    return "\n".join([about, "", *table(head, map(_cells, rows)), "", *promises])


def _cells(row: Row) -> tuple[str, ...]:
    ways = ", ".join(f"{number} {way}" for way, number in sorted(row.counts.items()) if way not in (OK, KEPT_CLOSED))
    asked = row.counts.total() - row.counts[KEPT_CLOSED]
    closed = row.counts[KEPT_CLOSED]
    return row.proxy, row.what, f"{row.loads}", f"{row.seconds:.0f}", f"{asked:,}", f"{row.failed}", ways, f"{closed}"


SCENARIOS: Final = {
    "changes": Scenario("vhosts", vhost_changes),
    "updates": Scenario("health-gated updates", health_gated_updates, docker=True),
}
"""By the option that tells how often they are carried out."""


def main() -> int:
    """Measure, print the report, and return the exit code: 1 when a promise does not hold."""
    options = argparse.ArgumentParser(description="Count the requests that fail while a site changes under load.")
    options.add_argument("--changes", type=int, default=100, help="how many vhosts change, one after the other")
    options.add_argument("--updates", type=int, default=20, help="how often a deployment gets a new version")
    options.add_argument("--rate", type=int, default=1000, help="requests per second")
    options.add_argument("--idle", type=int, default=10, help="seconds under load without a change")
    options.add_argument("--proxies", default="nginx,caddy")
    options.add_argument("--out", type=Path, default=HERE / "results-updates.jsonl", help="where every row is kept")
    options.add_argument("--write-docs", action="store_true", help="write the figures into docs/performance.md")
    given = options.parse_args()
    rows: list[Row] = []
    for option, scenario in SCENARIOS.items():
        times = getattr(given, option)
        for proxy in given.proxies.split(",") if times else ():
            rows += measured(proxy, scenario, times, given.rate, given.idle)
    given.out.write_text("".join(json.dumps(row._asdict()) + "\n" for row in rows))
    command = f"benchmarks/updates.py --changes {given.changes} --updates {given.updates} --rate {given.rate}"
    text = report(f"Measured {datetime.now(UTC).date()} with `{command}`.", rows)
    print(text)
    if given.write_docs:
        publish(text, "updates")
    return int(any(verdict != "held" for _, verdict in verdicts(rows)))


if __name__ == "__main__":
    sys.exit(main())
