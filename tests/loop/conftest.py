"""A loop that really runs: `conduit watch` as a process of its own on the private site."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from conduit.sandbox.machine import wait_for
from tests.conftest import ROOT, Site, run_program

SAFE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
WHO = ("-c", "user.name=a", "-c", "user.email=a@home.arpa")
NAP = """\
deployments:
  nap:
    compose:
      services:
        web: {image: "sandbox/busybox:1", command: [sleep, "100000"], stop_grace_period: 1s}
"""
"""A container that waits until it is stopped, which takes no longer than a second."""


@dataclass
class Watch:
    """One `conduit watch` and what it writes. `socket` receives what it tells the service manager."""

    site: Site
    log: Path
    socket: socket.socket
    process: subprocess.Popen[bytes] | None = None
    told: list[str] = field(default_factory=list)

    def start(self, **environment: str) -> Watch:
        """Start it and wait for its first pass."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "conduit", "watch"],
                cwd=self.site.directory,
                stderr=log,
                stdout=log,
                env={
                    **os.environ,
                    "CONDUIT_CONFIG": str(self.site.settings_file),
                    "PYTHONPATH": str(ROOT),
                    "NOTIFY_SOCKET": str(self.socket.getsockname()),
                    "WATCHDOG_USEC": "2000000",
                    **environment,
                },
            )
        wait_for(lambda: self.process.poll() is not None or self.heard("READY=1"), "the loop is ready", deadline=60)
        return self

    def heard(self, word: str) -> bool:
        """Whether the service manager was told this."""
        try:
            while True:
                self.told += self.socket.recv(4096).decode().split("\n")
        except BlockingIOError:
            return any(line.startswith(word) for line in self.told)

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """The lines of the log, all or those of one event."""
        found = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in found if event in ("", line["event"])]

    def ended(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code, within the ten seconds that are promised."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(10)


@pytest.fixture
def watching(site: Site) -> Iterator[Callable[..., Watch]]:
    """`watching(reconcile={...})` starts the loop on `site`; it is stopped at the end of the test."""
    started: list[Watch] = []

    def start(reconcile: dict[str, Any] | None = None, **environment: str) -> Watch:
        site.settings["reconcile"] = reconcile or {}
        site.up()
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        peer.setblocking(False)
        peer.bind(str(site.directory / f"notify-{len(started)}"))
        watch = Watch(site, site.directory / f"watch-{len(started)}.log", peer)
        started.append(watch)
        return watch.start(**environment)

    yield start
    for watch in started:
        watch.socket.close()
        if watch.process and watch.process.poll() is None:
            watch.process.kill()
            watch.process.wait()


@pytest.fixture
def git(site: Site) -> Callable[..., str]:
    """`git("commit", ...)` in the site's directory, which is a repository."""

    def run(*words: str) -> str:
        done = run_program("git", *WHO, *words, cwd=site.directory, env=os.environ | SAFE)
        assert done.code == 0, done
        return done.stdout

    run("init", "--quiet", "--initial-branch=main")
    return run


@pytest.fixture
def records(site: Site) -> Callable[..., Path]:
    """`records(a="10.0.0.1", ...)` writes these names as the only manifest."""

    def write(**addresses: str) -> Path:
        rows = "".join(f"  {name}: {{name: {name}.home.arpa, value: {text}}}\n" for name, text in addresses.items())
        return site.write("records.yaml", f"dns_records:\n{rows}" if rows else "dns_records: {}\n")

    return write


@pytest.fixture
def committed(records: Callable[..., Path], git: Callable[..., str]) -> Callable[..., Path]:
    """`committed(a="10.0.0.1", ...)` writes these names as the only manifest, and makes the first commit of it."""

    def write(**addresses: str) -> Path:
        path = records(**addresses)
        git("add", "desired")
        git("commit", "--quiet", "--message", "first")
        return path

    return write


@pytest.fixture
def kept(site: Site, watching: Callable[..., Watch], records: Callable[..., Path]) -> Callable[..., Watch]:
    """`kept({"interval": 1}, one="10.0.0.1")` declares these names, starts the loop, and waits until they are live."""
    return _keeper(site, watching, records)


@pytest.fixture
def kept_in_git(site: Site, watching: Callable[..., Watch], committed: Callable[..., Path]) -> Callable[..., Watch]:
    """The same as `kept`, of names that are committed."""
    return _keeper(site, watching, committed)


def _keeper(site: Site, watching: Callable[..., Watch], declare: Callable[..., Path]) -> Callable[..., Watch]:
    def start(reconcile: dict[str, Any] | None = None, **addresses: str) -> Watch:
        declare(**addresses)
        watch = watching(reconcile)
        for name, address in addresses.items():
            wait_for(lambda name=name, address=address: site.dig(f"{name}.home.arpa") == [address], f"{name} is live")
        return watch

    return start
