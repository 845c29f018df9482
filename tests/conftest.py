"""Fixtures every test may use: private daemons, a whole private site, and the command line run against it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

from conduit.sandbox import caddy as private_caddy
from conduit.sandbox import dnsmasq as private_dnsmasq
from conduit.sandbox import machine
from conduit.sandbox import upstream as private_upstream
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import SandboxError
from conduit.sandbox.site import Sandbox
from tests.forked import Ran, run_conduit

pytest_plugins = ["tests.dockerd"]

ROOT = Path(__file__).parent.parent

settings.register_profile("untimed", deadline=None)  # how long an example takes says something of the machine alone
settings.load_profile("untimed")

for _name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CONDUIT_CONFIG"):
    os.environ.pop(_name, None)  # a child would trust, or read, something other than what the test made

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a suite run as `make test &`: its children would be deaf too
    signal.signal(signal.SIGINT, signal.default_int_handler)

UNLUCKY = """\
#!/bin/bash
left=$(cat {left})
if [ -n "$left" ]; then
    echo -n "${{left#x}}" > {left}
    echo >&2
    echo "dnsmasq: failed to find list of interfaces: No such device" >&2
    exit 5
fi
exec -a {called} {dnsmasq} "$@"
"""


class Site(Sandbox):
    """A sandbox with what tests do to one: write manifests, run conduit, look at it from outside."""

    def write(self, name: str, text: str) -> Path:
        """Write the manifest `desired/<name>` and return its path."""
        path = self.desired / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def conduit(self, *words: str, **options: Any) -> Ran:
        """Run `conduit <words>` on this site; `options` go to `run_conduit`."""
        environment = {"CONDUIT_CONFIG": str(self.settings_file), "PYTHONPATH": str(ROOT)} | options.pop("env", {})
        return run_conduit(*words, cwd=self.directory, env=os.environ | environment, **options)

    def dig(self, name: str, record: str = "A") -> list[str]:
        """Ask the site's dnsmasq and return the answers' data, sorted; empty when there is none."""
        host, port = self.daemons["dnsmasq"].address.split(":")
        answer = run_program("dig", f"@{host}", "-p", port, name, record, "+short", "+time=3", "+tries=2")
        return sorted(answer.stdout.split("\n")[:-1])

    def curl(self, url: str, *options: str, proxy: str = "caddy") -> Ran:
        """Fetch a URL through the site's proxy, trusting its internal CA; stdout is status line, headers and body."""
        scheme = urlsplit(url).scheme
        listener = self.daemons[proxy].section[scheme][0]
        trust = ["--cacert", str(self.certificates / "ca" / "root.crt")] if scheme == "https" else []
        return run_program("curl", "-sSi", "--max-time", "10", "--connect-to", f"::{listener}", *trust, *options, url)

    def page(self, url: str, proxy: str = "caddy") -> tuple[int, str]:
        """Fetch a page through the site's proxy: its status and its last line; 0 and nothing without an answer."""
        answer = self.curl(url, proxy=proxy).stdout
        return (int(answer.split()[1]), answer.splitlines()[-1]) if answer else (0, "")


def run_program(*argv: str, timeout: float = 60, **options: Any) -> Ran:
    """Run a program to its end; a missing one skips the test, or fails it in CI."""
    if shutil.which(argv[0]) is None:
        missing(f"{argv[0]} is not installed")
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False, **options)
    return Ran(done.returncode, done.stdout, done.stderr)


def missing(reason: str) -> None:
    """Skip the test for want of a program; in CI, where everything is installed, fail it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def run() -> Callable[..., Ran]:
    """`run(program, ...)` runs a program to its end and returns its code, stdout and stderr."""
    return run_program


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    """`wait_for(condition, what, deadline=20)`: the first true value, or TimeoutError naming `what`."""
    return machine.wait_for


@pytest.fixture
def directory() -> Iterator[Path]:
    """A new directory with a path short enough for unix sockets, which other users may enter."""
    path = Path(tempfile.mkdtemp(prefix="cdt-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def private() -> Iterator[Callable[..., Daemon]]:
    """`private(start, ...)` starts a daemon that is stopped at the end of the test."""
    started: list[Daemon] = []

    def start(starter: Callable[..., Daemon], *words: Any, **options: Any) -> Daemon:
        try:
            daemon = starter(*words, **options)
        except SandboxError as error:
            if error.diagnostics[0].code is machine.NO_PROGRAM:
                missing(error.diagnostics[0].summary)
            raise
        started.append(daemon)
        return daemon

    yield start
    for daemon in reversed(started):
        daemon.stop()


@pytest.fixture
def caddy(directory: Path, private: Callable[..., Daemon]) -> Daemon:
    """A private Caddy without any site."""
    return private(private_caddy.start, directory / "caddy")


@pytest.fixture
def dnsmasq(directory: Path, private: Callable[..., Daemon]) -> Daemon:
    """A private dnsmasq without any record."""
    return private(private_dnsmasq.start, directory / "dnsmasq")


@pytest.fixture
def unlucky(directory: Path) -> Callable[..., Path]:
    """`unlucky(2)` makes a dnsmasq whose first two starts end as those that meet an interface which is gone meanwhile.

    Later starts are dnsmasq's own, under the name of this program or the one it is to be `called`. What is left of
    the bad ones stands beside it, a character for each.
    """
    program = directory / "unlucky" / "dnsmasq"

    def make(times: int, called: str = str(program)) -> Path:
        program.parent.mkdir(exist_ok=True)
        (program.parent / "left").write_text("x" * times)
        own = {"called": called, "dnsmasq": machine.find_program("dnsmasq")}
        program.write_text(UNLUCKY.format(left=program.parent / "left", **own))
        program.chmod(0o755)
        return program

    return make


@pytest.fixture
def upstream(directory: Path, private: Callable[..., Daemon]) -> Callable[..., Daemon]:
    """`upstream(name="echo", port=, status=, hang=)` starts a small HTTP server; its address is `.address`."""

    def start(name: str = "echo", **options: Any) -> Daemon:
        return private(private_upstream.start, directory / f"upstream-{name}", name, **options)

    return start


@pytest.fixture(params=["caddy", "nginx"])
def proxy(request: pytest.FixtureRequest) -> str:
    """Each proxy in turn, for what both do alike; `site` has that one alone."""
    return str(request.param)


@pytest.fixture
def proxies(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The proxies of `site`: that of a test which asks for `proxy`, else Caddy; a module that needs more returns it."""
    return (request.getfixturevalue("proxy"),) if "proxy" in request.fixturenames else ("caddy",)


@pytest.fixture
def settings() -> dict[str, Any]:
    """What is laid over the settings of `site`; a module whose tests need more returns it."""
    return {}


@pytest.fixture
def site(directory: Path, proxies: tuple[str, ...], settings: dict[str, Any]) -> Iterator[Site]:
    """A private site, up, with an empty `desired/`."""
    site = Site(directory / "site", proxies=proxies, settings=settings)
    try:
        site.up()
        yield site
    except SandboxError as error:
        if error.diagnostics[0].code is machine.NO_PROGRAM:
            missing(error.diagnostics[0].summary)
        raise
    finally:
        site.down()


@pytest.fixture
def cli(site: Site) -> Callable[..., Ran]:
    """`cli("diff", ...)` runs conduit on `site` and returns its code, stdout and stderr."""
    return site.conduit
