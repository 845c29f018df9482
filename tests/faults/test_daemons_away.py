"""A daemon that is down, hangs or talks nonsense is unknown: nothing of it is guessed, written or pruned."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import oracle
import pytest
from faults_world import AFTER, FEWER, World

from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import wait_for

"""Seconds after which a run that cannot read a daemon would count as hanging."""


@contextmanager
def down(daemon: Daemon) -> Iterator[None]:
    """It does not run."""
    daemon.stop()
    yield


@contextmanager
def hanging(daemon: Daemon) -> Iterator[None]:
    """It keeps its sockets and answers nothing."""
    daemon.pause()
    yield


@contextmanager
def nonsense(daemon: Daemon) -> Iterator[None]:
    """Another program answers in its place, with garbage."""
    daemon.stop()
    listener = _listener(daemon)
    threading.Thread(target=_babble, args=(listener,), daemon=True).start()
    try:
        yield
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _listener(daemon: Daemon) -> socket.socket:
    if daemon.address.startswith("unix/"):
        path = Path(daemon.address.removeprefix("unix/"))
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
    else:
        host, _, port = daemon.address.rpartition(":")
        listener = socket.socket(type=socket.SOCK_DGRAM)
        listener.bind((host, int(port)))
    return listener


def _babble(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            if listener.family == socket.AF_UNIX:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"220 mail.lan ESMTP\r\n")
            else:
                _, peer = listener.recvfrom(4096)
                if peer:
                    listener.sendto(b"\xff" * 40, peer)


Fault = Callable[[Daemon], object]


def check_unknown(world: World, name: str, fault: Fault) -> dict[str, oracle.Stamp]:
    """With a daemon away: exit 6 and never green, in bounded time. Returns the files as they then are."""
    daemon = world.site.daemons[name]
    world.settle("before")
    world.leave("after")
    with fault(daemon):  # type: ignore[attr-defined]
        diff = world.start("diff", "--detailed-exitcode")
        done = world.apply()
        out, err = diff.communicate(timeout=60)
        assert done.code == 6, oracle.told(done)
        assert diff.returncode == 6, out + err
        assert "No changes" not in out + done.stdout
        assert name in done.stdout
        return oracle.files(world.site)


@pytest.mark.parametrize("fault", [down, nonsense, pytest.param(hanging, marks=pytest.mark.soak)])
def test_without_caddy_dns_goes_on_and_no_certificate_it_uses_is_deleted(shared: World, fault: Fault) -> None:
    shared.settle("before")
    before = {name for name in oracle.files(shared.site) if name.startswith("caddy-certs/")}
    after = check_unknown(shared, "caddy", fault)
    assert before <= after.keys(), "a certificate that Caddy may use is gone"
    assert shared.site.dig("four.home.arpa") == ["127.0.0.1"]
    shared.mend()
    shared.converge("after")


@pytest.mark.parametrize("fault", [down, nonsense, hanging])
def test_without_dnsmasq_its_files_stay_and_the_sites_go_on(shared: World, fault: Fault) -> None:
    shared.settle("before")
    records = ("dnsmasq/hosts/conduit.hosts", "dnsmasq/conf.d/conduit.conf")
    before = oracle.files(shared.site)
    after = check_unknown(shared, "dnsmasq", fault)
    assert [after[name] for name in records] == [before[name] for name in records]
    fetched = shared.site.curl("https://four.home.arpa/", "--resolve", "four.home.arpa:443:127.0.0.1")
    assert '"name": "a"' in fetched.stdout
    shared.mend()
    shared.converge("after")


@pytest.mark.parametrize("fault", [down, pytest.param(hanging, marks=pytest.mark.soak)])
def test_without_dnsmasq_no_name_that_may_still_be_answered_loses_its_site(shared: World, fault: Fault) -> None:
    """Three sites lose a name: two go, one is known by another name from then on."""
    shared.settle("after")
    shared.leave("fewer")
    with fault(shared.site.daemons["dnsmasq"]):  # type: ignore[attr-defined]
        done = shared.apply()
    assert done.code == 6, oracle.told(done)
    assert "dnsmasq" in done.stdout
    shared.mend()
    oracle.check_between(shared.look(), AFTER, FEWER)
    shared.converge("fewer")


def test_a_write_whose_end_is_unknown_keeps_the_files_it_names(shared: World) -> None:
    """Caddy took the new configuration, but cannot be asked any more: what it now serves must not be deleted."""
    then = shared.settle("before")
    shared.leave("after")
    admin = Path(shared.site.daemons["caddy"].address.removeprefix("unix/"))
    paused = shared.apply_until("caddy.commit.sent")
    wait_for(lambda: oracle.caddy_config(shared.site)[0] != then.etag, "Caddy has taken it")
    away = admin.rename(admin.with_name("away.sock"))
    done = paused.go()
    away.rename(admin)
    assert done.code == 4, oracle.told(done)
    oracle.check_named_files(shared.site)
    shared.converge("after")
