"""What must hold after every kill and fault, as a program outside conduit sees it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from conduit.journal import Journal
from tests.conftest import Ran, Site, run_program

Stamp = tuple[int, int, int]
"""Inode, mtime in ns and size: a file that was written, even with the same content, has another one."""
MANAGED = ("dnsmasq/hosts", "dnsmasq/conf.d", "certs", "caddy-certs", "keys", "state")
"""The directories of a site that conduit writes to."""


class Answer(NamedTuple):
    """What a visitor of a host name gets: its addresses, the status of the page, and which upstream wrote it."""

    addresses: tuple[str, ...]
    status: int
    upstream: str


GONE = Answer((), 0, "")
"""A name that does not exist."""


@dataclass(frozen=True)
class Snapshot:
    """The world at one moment. `writes` counts Caddy's writes and `reads` how often dnsmasq read its hosts file."""

    config: str
    etag: str
    writes: int
    dnsmasq: tuple[int, int]
    reads: int
    files: Mapping[str, Stamp]
    answers: Mapping[str, Answer]


def look(site: Site, hosts: Iterable[str]) -> Snapshot:
    """Look at everything of a site that runs, and at these host names."""
    etag, config = caddy_config(site)
    return Snapshot(
        config=config,
        etag=etag,
        writes=_lines(site, "caddy/caddy.log", '"method":"POST"'),
        dnsmasq=_process(site),
        reads=_lines(site, "dnsmasq/dnsmasq.log", ": read "),
        files=files(site),
        answers={host: visit(site, host) for host in hosts},
    )


def caddy_config(site: Site) -> tuple[str, str]:
    """Return the tag and the text of the configuration Caddy runs."""
    admin = site.daemons["caddy"].section["admin"].removeprefix("unix/")
    got = run_program("curl", "-sSi", "--max-time", "5", "-H", "Host;", "--unix-socket", admin, "http://x/config/")
    head, _, body = got.stdout.replace("\r\n", "\n").partition("\n\n")
    assert head.startswith("HTTP/1.1 200"), got
    [etag] = [line.partition(": ")[2] for line in head.split("\n") if line.lower().startswith("etag: ")]
    return etag, body


def visit(site: Site, host: str) -> Answer:
    """Return what a visitor of https://<host>/ gets; `GONE` when the name does not exist."""
    addresses = tuple(site.dig(host))
    if not addresses:
        return GONE
    got = site.curl(f"https://{host}/")
    head, _, body = got.stdout.replace("\r\n", "\n").partition("\n\n")
    status = int(head.split()[1]) if got.code == 0 else 0
    return Answer(addresses, status, json.loads(body)["name"] if status == 200 and body else "")


def files(site: Site) -> dict[str, Stamp]:
    """Return the stamp of every file in the directories conduit writes to."""
    found = {}
    for name in MANAGED:
        for path in (site.directory / name).rglob("*"):
            status = path.lstat()
            if not path.is_dir():
                found[str(path.relative_to(site.directory))] = (status.st_ino, status.st_mtime_ns, status.st_size)
    return found


def works(upstream: str) -> Answer:
    """Return the answer of a site that is as it should be."""
    return Answer(("127.0.0.1",), 200, upstream)


def check_between(now: Snapshot, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """After a kill, before anything else runs: each site of `old` works, in its old or new form, or is wholly gone."""
    for host in old:
        allowed = {works(old[host]), works(new[host]) if host in new else GONE}
        assert now.answers[host] in allowed, f"{host}: {now.answers[host]} is neither old nor new"


def check_named_files(site: Site) -> None:
    """Every certificate file in the configuration that Caddy runs is there, else its next load would fail."""
    apps = (json.loads(caddy_config(site)[1]) or {}).get("apps", {})
    entries = apps.get("tls", {}).get("certificates", {}).get("load_files", [])
    assert [path for entry in entries for path in (entry["certificate"], entry["key"]) if not Path(path).exists()] == []


def converge(site: Site, wish: Mapping[str, str], gone: Iterable[str] = ()) -> Snapshot:
    """One apply makes everything true, and a second one changes nothing and writes no byte."""
    done = site.conduit("apply", "--yes")
    assert done.code == 0, told(done)
    check_free(site)
    check_named_files(site)
    first = look(site, [*wish, *gone])
    assert first.answers == {host: works(upstream) for host, upstream in wish.items()} | dict.fromkeys(gone, GONE)
    assert not [name for name in first.files if ".tmp" in name]
    check_idle(site, first)
    assert Journal(site.directory / "state" / "journal").verify() is None
    return first


def check_idle(site: Site, first: Snapshot) -> None:
    """An apply that has nothing to do reloads no daemon, restarts none, and leaves every file alone."""
    again = site.conduit("apply", "--yes")
    assert (again.code, again.stderr) == (0, ""), told(again)
    second = look(site, first.answers)
    assert changed(first, second) == []


def changed(first: Snapshot, second: Snapshot) -> list[str]:
    """Return what differs between two snapshots, by name."""
    one, two = (asdict(snapshot) | asdict(snapshot)["files"] | {"files": None} for snapshot in (first, second))
    return [f"{name}: {one.get(name)} -> {two.get(name)}" for name in {**one, **two} if one.get(name) != two.get(name)]


def check_free(site: Site) -> None:
    """Nobody holds the lock."""
    descriptor = os.open(site.directory / "state" / "lock", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


def told(ran: Ran) -> str:
    """Return how conduit ended, for the message of an assertion."""
    return f"exit {ran.code}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"


def _process(site: Site) -> tuple[int, int]:
    """Return dnsmasq's pid and its start in clock ticks; zeros when it does not run."""
    pid = site.daemons["dnsmasq"].pid
    return (pid, int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])) if pid else (0, 0)


def _lines(site: Site, log: str, words: str) -> int:
    path = site.directory / log
    return sum(words in line for line in path.open(errors="replace")) if path.exists() else 0
