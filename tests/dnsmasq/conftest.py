"""Fixtures: a private dnsmasq with conduit's provider on it, and one that forwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dnsmasq_world import World

from conduit.sandbox import dnsmasq as private_dnsmasq
from conduit.sandbox.daemon import Daemon
from conduit.settings import Settings


def settings(daemon: Daemon) -> Settings:
    return Settings(site="test", local_domains=("lan.example",), dnsmasq=daemon.section)


@pytest.fixture
def world(dnsmasq: Daemon, run: Callable[..., Any]) -> World:
    """A private dnsmasq, nothing declared yet."""
    return World(dnsmasq, run, settings(dnsmasq))


@pytest.fixture
def upstream_dns(directory: Path, private: Callable[..., Daemon]) -> Daemon:
    """Another DNS server that has an answer for every name."""
    daemon = private_dnsmasq.prepare(directory / "outside")
    everything = Path(daemon.section["conf_file"])
    everything.write_text("address=/#/9.9.9.9\naddress=/#/9::9\n")
    return private(lambda: (daemon.start(), daemon)[1])


@pytest.fixture
def forwarding(directory: Path, private: Callable[..., Daemon], upstream_dns: Daemon, run: Callable[..., Any]) -> World:
    """A world whose dnsmasq forwards what it does not know to `upstream_dns`."""
    upstream = upstream_dns.address.replace(":", "#")
    daemon = private(private_dnsmasq.start, directory / "inside", upstream=upstream)
    return World(daemon, run, settings(daemon))
