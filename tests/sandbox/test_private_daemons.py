"""One private daemon: it starts once and whole, tells why it did not, and can be killed, paused and stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import pytest

from conduit.providers.child import STARTS
from conduit.sandbox import daemon as daemons
from conduit.sandbox import dnsmasq as private_dnsmasq
from conduit.sandbox import machine
from conduit.sandbox import upstream as private_upstream
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import PORT_TAKEN, SandboxError, answers, free_port

QUERY = b"\0\x13" + b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"\1a\0" + b"\0\1\0\1"
"""The question for the address of `a.`, as it is sent over TCP (RFC 1035 section 4.2.2)."""

LISTENS_AND_FAILS = """
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
listener.accept()
sys.exit("no such luck")
"""


def test_a_paused_daemon_can_be_resumed_and_stopped(dnsmasq: Daemon, run: Callable[..., Any]) -> None:
    question = ("@127.0.0.1", "-p", dnsmasq.address.split(":")[1], "version.bind", "CH", "TXT")
    dnsmasq.pause()
    assert run("dig", *question, "+time=1", "+tries=1").code != 0
    dnsmasq.resume()
    assert run("dig", *question).code == 0
    dnsmasq.pause()
    dnsmasq.stop()
    assert not dnsmasq.running


def test_a_daemon_may_be_gone_before_its_second_signal(directory: Path, wait_for: Callable[..., Any]) -> None:
    """Regression: one that its parent waits for ended between SIGTERM and SIGCONT, and the sandbox did not go down."""
    sleeper = Daemon("sleeper", directory, ("/bin/sleep", "60"), "")
    for _ in range(200):
        with subprocess.Popen(sleeper.argv) as process:
            sleeper.pid_file.write_text(f"{process.pid}\n")
            wait_for(lambda: sleeper.running, "its command line is there")
            waiting = Thread(target=process.wait)
            waiting.start()
            sleeper.stop()
            waiting.join()


def test_a_taken_port_is_refused_in_words(upstream: Callable[..., Daemon], directory: Path) -> None:
    first = upstream("first")
    port = int(first.address.rpartition(":")[2])
    with pytest.raises(SandboxError, match=f"answers at {first.address}: process {first.pid} ") as refused:
        private_upstream.start(directory / "second", "second", port=port)
    assert refused.value.diagnostics[0].code is PORT_TAKEN


def test_a_daemon_that_exits_shows_the_end_of_its_log(directory: Path) -> None:
    broken = Daemon("broken", directory, ("/bin/sh", "-c", "echo no such luck; exit 3"), f"127.0.0.1:{free_port()}")
    with pytest.raises(SandboxError, match=r"exited with status 3(.|\n)*no such luck"):
        broken.start()


def test_a_daemon_that_listens_before_it_fails_has_not_come_up(directory: Path) -> None:
    """Regression: a dockerd without control groups was taken for one that runs, and the quick start met a dead one."""
    socket_file = directory / "socket"
    words = (sys.executable, "-c", LISTENS_AND_FAILS, str(socket_file))
    broken = Daemon("broken", directory, words, f"unix/{socket_file}", ping="/")
    with pytest.raises(SandboxError, match=r"exited with status 1(.|\n)*no such luck"):
        broken.start()


def test_a_daemon_that_does_not_answer_in_time_is_not_left_behind(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: nobody stopped what had not started well, and a busy machine kept it for good."""
    monkeypatch.setattr(daemons, "wait_for", partial(machine.wait_for, deadline=0.2))
    silent = Daemon("silent", directory, ("/bin/sleep", "300"), f"127.0.0.1:{free_port()}")
    with pytest.raises(SandboxError, match="did not start: not within"):
        silent.start()
    assert not silent.running


def test_no_two_processes_walk_the_same_block(directory: Path) -> None:
    """Regression: blocks were told apart by the pid alone, so that every sixtieth process took the ports of another."""
    what = directory.name
    assert [machine._own(what, 3, pid)[0] for pid in (0, 3, 6)] == [0, 1, 2]
    with pytest.raises(SandboxError, match="3 processes have all"):
        machine._own(what, 3, 9)


def test_a_dnsmasq_that_meets_a_vanished_interface_is_started_again(
    directory: Path, private: Callable[..., Daemon], unlucky: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = unlucky(2)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    daemon = private(private_dnsmasq.start, directory / "dnsmasq")
    assert daemon.argv[0] == str(program)
    assert answers(daemon.address)
    assert program.with_name("left").read_text() == ""
    daemon.stop()
    unlucky(9)
    with pytest.raises(SandboxError, match="failed to find list of interfaces"):
        daemon.start()
    assert len(program.with_name("left").read_text()) == 9 - STARTS


def test_a_daemon_starts_when_what_it_left_behind_has_ended(directory: Path, private: Callable[..., Daemon]) -> None:
    """Regression: a dnsmasq's process for a client over TCP outlived it for a moment, and was taken for a stranger."""
    daemon = private(private_dnsmasq.start, directory / "dnsmasq")
    host, _, port = daemon.address.rpartition(":")
    client = socket.create_connection((host, int(port)))
    client.sendall(QUERY)
    assert client.recv(1)
    daemon.kill()
    assert answers(daemon.address)
    Timer(0.2, client.close).start()
    daemon.start()
    assert daemon.running


def test_a_daemon_sees_nothing_of_the_environment(upstream: Callable[..., Daemon], monkeypatch: Any) -> None:
    monkeypatch.setenv("CANARY", "do-not-inherit")
    environment = Path(f"/proc/{upstream().pid}/environ").read_bytes()
    assert b"CANARY" not in environment


def test_an_upstream_answers_each_request_of_a_kept_connection_in_one_piece(upstream: Callable[..., Daemon]) -> None:
    host, port = upstream("kept").address.split(":")
    with socket.create_connection((host, int(port)), 5) as link:
        for _ in range(3):
            link.sendall(b"GET / HTTP/1.1\r\nHost: kept\r\n\r\n")
            head, _, body = link.recv(65536).partition(b"\r\n\r\n")
            assert f"Content-Length: {len(body)}".encode() in head


def test_an_upstream_that_is_busy_lets_many_wait(upstream: Callable[..., Daemon]) -> None:
    daemon = upstream("busy")
    host, port = daemon.address.split(":")
    daemon.pause()
    with ExitStack() as waiting:
        for _ in range(100):
            client = waiting.enter_context(socket.create_connection((host, int(port)), 5))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        daemon.resume()
        assert client.recv(100).startswith(b"HTTP/1."), "the last one is answered too"


def test_a_dead_daemon_can_be_stopped_and_started_again(caddy: Daemon) -> None:
    caddy.kill()
    caddy.pause()
    caddy.stop()
    assert caddy.pid is None
    caddy.start()
    assert answers(caddy.address)
