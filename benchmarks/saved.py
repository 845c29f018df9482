"""How long from a saved manifest until every daemon serves it, with `conduit watch` running.

    saved.py [--sizes 10,100,1000] [--rounds 15] [--write-docs]

One service of N changes its upstream and its address, again and again. The clock starts when the file is renamed into
place, and stops when Caddy answers from the other upstream and dnsmasq with the other address. The floor is measured
in the same world right after: Caddy is sent the other configuration, and dnsmasq's file is replaced and read again,
both at once. The promise: at most 1.3 times the floor, plus the time a tree has to rest (100 ms), plus 50 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import dns.exception
import dns.message
import dns.query
import httpx
from job import SITES, changing, host, manifest, wish
from report import publish, table
from tools import conduit
from updates import admin
from versions import versions
from world import World

from conduit.sandbox.machine import wait_for
from conduit.second_look import STILL

PROMISE, SLACK = 1.3, 0.05
NAME = host(changing("caddy"))
ADDRESSES = {"before": "10.0.0.5", "after": "10.200.0.5"}


def served(world: World, turn: str) -> bool:
    """Whether both daemons answer as in this turn, `before` or `after`."""
    address, port = world.dns.split(":")
    try:
        reply = dns.query.udp(dns.message.make_query(NAME, "A"), address, 1, int(port))
        if [str(item) for each in reply.answer for item in each] != [ADDRESSES[turn]]:
            return False
        answer = httpx.get(f"http://{world.listener('caddy')}/", headers={"Host": NAME}, trust_env=False)
    except (dns.exception.Timeout, httpx.TransportError):
        return False
    return answer.status_code == 200 and answer.json()["name"] == turn


def timed(world: World, turn: str, change: Callable[[], None]) -> float:
    """Return the seconds from a change until it is served."""
    begun = time.monotonic()
    change()
    wait_for(lambda: served(world, turn), f"{turn} is served", deadline=120)
    return time.monotonic() - begun


def save(world: World, count: int, turn: str) -> None:
    """Put the manifest of a turn into place with one rename, as editors do. All sites answer: the others are proven."""
    declared = wish(world.site, count, world.upstreams[turn], changed=turn == "after")
    for name, fields in declared["services"].items():
        fields["upstream"] = fields["upstream"] if name == changing("caddy") else world.upstreams["before"]
    staged = world.manifest.with_name(".saved")
    staged.write_text(f"# {time.time_ns()}: no two saves are the same text\n{manifest(declared)}")
    staged.rename(world.manifest)


@contextmanager
def watching(world: World) -> Iterator[None]:
    """Run the loop inside of a `with`."""
    with (world.directory / "watch.log").open("wb") as log:
        process = subprocess.Popen(conduit(world, "watch"), stderr=log, stdout=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def by_hand(world: World, turn: str, config: dict[str, object]) -> None:
    """Do to the daemons what the change asks of them, both at once."""
    hosts = Path(world.daemons["dnsmasq"].section["hosts_file"])
    other = ADDRESSES["after" if turn == "before" else "before"]
    with admin(world) as client:
        sending = threading.Thread(target=lambda: client.post("/load", json=config).raise_for_status())
        sending.start()
        staged = hosts.with_name(".staged")
        staged.write_text(hosts.read_text().replace(f"{other} {NAME}", f"{ADDRESSES[turn]} {NAME}"))
        staged.rename(hosts)
        os.kill(world.daemons["dnsmasq"].pid or 0, signal.SIGHUP)
        sending.join()


def measured(count: int, rounds: int) -> tuple[float, float]:
    """Return the median seconds through the loop and by hand."""
    turns = [("after", "before")[number % 2] for number in range(rounds)]
    with World(SITES["proxy-dns"], knows_hosts=False) as world:
        configs = {}
        save(world, count, "before")
        with watching(world):
            timed(world, "before", lambda: None)
            loop = []
            for turn in turns:
                time.sleep(0.5)
                loop.append(timed(world, turn, lambda turn=turn: save(world, count, turn)))
                with admin(world) as client:
                    configs[turn] = json.loads(client.get("/config/").content)
        hand = []
        for turn in turns if turns[-1] == "before" else turns[::-1]:
            time.sleep(0.5)
            hand.append(timed(world, turn, lambda turn=turn: by_hand(world, turn, configs[turn])))
    return median(loop), median(hand)


def main() -> int:
    """Measure each size, print a table, and return the exit code: 1 when the promise does not hold."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", default="10,100,1000")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--write-docs", action="store_true", help="write the figures into docs/performance.md")
    given = options.parse_args()
    rows = []
    for count in map(int, given.sizes.split(",")):
        loop, hand = measured(count, given.rounds)
        limit = PROMISE * hand + STILL + SLACK
        cells = (f"{count:,}", f"{loop * 1000:.0f}", f"{hand * 1000:.0f}", f"{limit * 1000:.0f}")
        rows.append((*cells, "held" if loop <= limit else "**missed**"))
    facts = versions(SITES["proxy-dns"], ())
    about = f"Measured {facts.pop('date')} with `benchmarks/saved.py --sizes {given.sizes} --rounds {given.rounds}`: "
    about += ", ".join(f"{name} {value}" for name, value in facts.items()) + "."
    head = ("services", "saved to live, ms", "by hand, ms", "promised, ms", "")
    text = "\n".join([about, "", *table(head, rows)])
    print(text)
    if given.write_docs:
        publish(text, "saved")
    return int(any(row[-1] != "held" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
