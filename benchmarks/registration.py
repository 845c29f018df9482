"""How long a registration takes until DNS and HTTPS answer: one, a hundred in turn, a hundred in one change."""

from __future__ import annotations

import os
import signal
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from figure import Figure
from job import DOMAIN, SITES, Wish, wish
from run import cost_of
from served import Served, serving
from tools import TOOLS
from updates import admin
from verify import problems
from world import World

from conduit.sandbox.machine import wait_for

Config = dict[str, Any]

BEYOND: Final = 0.340 / 5
"""Seconds one may take beyond what the daemons do, with `HUNDRED` services: a fifth of the original's best."""
ONE_BY_ONE: Final = 62.0
"""The original's seconds for a hundred."""
HUNDRED: Final = 100


def one(count: int, rounds: int) -> Figure:
    """Register a service more, again and again; then do the same to the daemons by hand."""
    with serving(count) as world:
        before, trust = world.cpu(), world.trust
        took = [_registered(world, f"new{number}", trust) for number in range(rounds)]
        cpu = (world.cpu() - before) / rounds
        without = world.config()
        world.register("last")
        whole = world.config()
        world.stop()
        hand = median(_by_hand(world, "last", trust, without, whole) for _ in range(rounds))
    lives, answers = map(median, zip(*took, strict=True))
    limit = 1000 * (hand + BEYOND) if count == HUNDRED else None
    beside = f"by hand {1000 * hand:.0f} ms, answered after {1000 * answers:.0f} ms, {1000 * cpu:.0f} ms of CPU"
    return Figure("one registration until DNS and HTTPS answer", count, 1000 * lives, " ms", limit, beside)


def _registered(world: Served, name: str, trust: ssl.SSLContext) -> tuple[float, float]:
    """Register a service; return the seconds until it is served, and until the answer is there."""

    def register() -> float:
        world.register(name)
        return time.monotonic()

    begun = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        answered = pool.submit(register)
        wait_for(lambda: world.served(name, trust), f"{name} is served", deadline=120)
        served = time.monotonic()
        took = served - begun, answered.result() - begun
    time.sleep(0.5)
    return took


def _by_hand(world: Served, name: str, trust: ssl.SSLContext, without: Config, whole: Config) -> float:
    """Take a service out of both daemons, put it back, and return the seconds until it is served again."""
    hosts = Path(world.daemons["dnsmasq"].section["hosts_file"])
    lines = hosts.read_text().splitlines(keepends=True)
    _load(world, without, "".join(line for line in lines if f" {name}.{DOMAIN}" not in line))
    wait_for(lambda: not world.served(name, trust), f"{name} is gone", deadline=120)
    begun = time.monotonic()
    _load(world, whole, "".join(lines))
    wait_for(lambda: world.served(name, trust), f"{name} is served", deadline=120)
    return time.monotonic() - begun


def _load(world: Served, config: Config, records: str) -> None:
    """Give both daemons something else, at once."""
    hosts = Path(world.daemons["dnsmasq"].section["hosts_file"])
    with admin(world) as client, ThreadPoolExecutor(1) as pool:
        loading = pool.submit(client.post, "/load", json=config)
        staged = hosts.with_name(".staged")
        staged.write_text(records)
        staged.rename(hosts)
        os.kill(world.daemons["dnsmasq"].pid or 0, signal.SIGHUP)
        loading.result().raise_for_status()


def hundred() -> Iterator[Figure]:
    """Register a hundred services one by one, then declare a hundred in one change."""
    with serving(HUNDRED) as world:
        begun = time.monotonic()
        for number in range(HUNDRED):
            world.register(f"new{number}")
        took = time.monotonic() - begun
        trust = world.trust
        for number in range(HUNDRED):
            wait_for(partial(world.served, f"new{number}", trust), f"new{number} is served")
    yield Figure("100 registrations, one by one", HUNDRED, took, " s", ONE_BY_ONE)
    floor, took = _raw_in_one(), _in_one()
    beside = f"raw {floor:.2f} s, without proof"
    yield Figure("100 services more in one change, each proven", HUNDRED, took, " s", floor + 1, beside)


def _in_one() -> float:
    """Return the seconds of an apply over the API that brings a hundred services more."""
    with Served() as world:
        _declare(world, HUNDRED)
        world.serve()
        _declare(world, 2 * HUNDRED)
        begun = time.monotonic()
        answer = world.client.post("/api/apply").json()
        took = time.monotonic() - begun
        wrong = problems(world, _wish(world, 2 * HUNDRED))
    if wrong or not answer["ok"]:
        raise SystemExit(f"the site does not hold: {answer} {wrong}")
    return took


def _raw_in_one() -> float:
    """Return the seconds of the raw script for the same change."""
    with World(SITES["proxy-dns"], knows_hosts=True) as world:
        for count in (HUNDRED, 2 * HUNDRED):
            _declare(world, count)
            cost = cost_of(world, TOOLS[0].command(world, "first"))
    return float(cost["wall"])


def _wish(world: World, count: int) -> Wish:
    """Return services that all answer."""
    declared = wish(world.site, count, world.upstreams["before"])["services"]
    return {"services": {name: {**fields, "upstream": world.upstreams["before"]} for name, fields in declared.items()}}


def _declare(world: World, count: int) -> None:
    world.declare(_wish(world, count))
