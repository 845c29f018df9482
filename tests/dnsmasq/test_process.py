"""Only our own process is ever signalled, whatever the pid file says; systemd gets exactly these words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dnsmasq_world import World

from conduit.errors import Refused
from conduit.providers.child import NOT_STARTED, STARTS
from conduit.providers.dnsmasq_config import INTERFACE_GONE
from conduit.providers.process_plain import NOT_OURS, Plain
from conduit.providers.process_systemd import NO_REPLY, Systemd
from conduit.sandbox.daemon import Daemon

A = {"name": "a.home.arpa", "value": "10.0.0.5"}


def plain(daemon: Daemon) -> Plain:
    process = daemon.section["process"]
    return Plain(Path(daemon.section["program"]), Path(process["pid_file"]), tuple(process["start"]))


@contextmanager
def naming(content: str, daemon: Daemon) -> Iterator[None]:
    """Put something else into the pid file for a `with` block; afterwards the sandbox finds its daemon by it again."""
    text = daemon.pid_file.read_text()
    daemon.pid_file.write_text(content)
    try:
        yield
    finally:
        daemon.pid_file.write_text(text)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that any signal would end."""
    process = subprocess.Popen(["/bin/sleep", "300"])
    yield process
    process.kill()
    process.wait()


def test_a_pid_file_naming_a_stranger_is_refused(world: World, stranger: subprocess.Popen[bytes]) -> None:
    world.apply(a=A)
    with naming(f"{stranger.pid}\n", world.daemon):
        before = world.footprint()
        assert plain(world.daemon).pid() is None
        for act in (plain(world.daemon).hup, lambda: plain(world.daemon).restart(lambda: True)):
            with pytest.raises(Refused) as refused:
                act()
            assert refused.value.diagnostics[0].code is NOT_OURS
        with pytest.raises(Refused, match="not ours"):
            world.apply(a=A | {"value": "10.0.0.9"})
        assert world.footprint() == before, "refused before anything was written"
    assert stranger.poll() is None
    assert world.dig("a.home.arpa") == ["10.0.0.5"]


def test_the_same_program_with_other_arguments_is_a_stranger(dnsmasq: Daemon) -> None:
    other = Plain(Path(dnsmasq.argv[0]), dnsmasq.pid_file, (dnsmasq.argv[0], "--conf-file=/etc/other.conf"))
    assert other.pid() is None
    assert plain(dnsmasq).pid() == dnsmasq.pid


@pytest.mark.parametrize("content", ["", "not a number", "-1", "0", "4194305", "99999999999999999999999"])
def test_a_pid_file_naming_nobody_is_nobody(dnsmasq: Daemon, content: str) -> None:
    with naming(content, dnsmasq):
        assert plain(dnsmasq).pid() is None
        with pytest.raises(Refused) as refused:
            plain(dnsmasq).hup()
        assert refused.value.diagnostics[0].code is NOT_STARTED
    assert plain(dnsmasq).pid() == dnsmasq.pid is not None


def test_restart_ends_a_process_that_stands_still(dnsmasq: Daemon) -> None:
    before = dnsmasq.pid
    dnsmasq.pause()
    plain(dnsmasq).restart(lambda: True)
    assert dnsmasq.pid not in (None, before)


def test_a_daemon_that_does_not_start_is_quoted(dnsmasq: Daemon) -> None:
    (dnsmasq.directory / "dnsmasq.conf").write_text("nonsense\n")
    with pytest.raises(Refused, match="bad option at line 1"):
        plain(dnsmasq).restart(lambda: True)
    assert plain(dnsmasq).running() is False


@pytest.fixture
def started_by(world: World, unlucky: Callable[..., Path]) -> Callable[[int], Path]:
    """Let dnsmasq be started by a program whose next starts end over an interface that is gone; return what is left."""

    def arrange(times: int) -> Path:
        program = unlucky(times, called=world.daemon.argv[0])
        world.daemon.section["process"]["start"] = [str(program), *world.daemon.argv[1:]]
        return program.with_name("left")

    return arrange


def test_an_interface_that_goes_while_dnsmasq_starts_undoes_no_change(
    world: World, started_by: Callable[[int], Path]
) -> None:
    """Networks of containers come and go: the whole change was rolled back, or dnsmasq stayed away."""
    left = started_by(2)
    world.apply(a=A)
    assert left.read_text() == ""
    assert world.dig("a.home.arpa") == ["10.0.0.5"]


def test_a_dnsmasq_that_never_starts_for_an_interface_is_given_up(
    world: World, started_by: Callable[[int], Path]
) -> None:
    left = started_by(9)
    process = world.daemon.section["process"]
    program = Path(world.daemon.section["program"])
    never = Plain(program, Path(process["pid_file"]), tuple(process["start"]), INTERFACE_GONE)
    with pytest.raises(Refused, match="failed to find list of interfaces"):
        never.restart(lambda: True)
    assert len(left.read_text()) == 9 - STARTS


def test_a_started_daemon_sees_nothing_of_our_environment(dnsmasq: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUIT_API_KEY", "canary")
    plain(dnsmasq).restart(lambda: True)
    assert b"canary" not in Path(f"/proc/{dnsmasq.pid}/environ").read_bytes()


def fake_systemctl(directory: Path, *, code: int = 0, says: str = "") -> tuple[Path, Path]:
    """A systemctl that notes its words, prints `says` and ends with `code`."""
    program, log = directory / "systemctl", directory / "words"
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\necho "{says}"\necho "{says}" >&2\nexit {code}\n')
    program.chmod(0o755)
    return program, log


def test_systemd_is_told_in_these_words(directory: Path) -> None:
    program, log = fake_systemctl(directory, says="4711")
    unit = Systemd("dnsmasq.service", program)
    unit.hup()
    unit.restart(lambda: True)
    unit.start(lambda: True)
    assert (unit.running(), unit.pid()) == (True, 4711)
    assert log.read_text().splitlines() == [
        "kill --kill-who=main --signal=HUP dnsmasq.service",
        "restart dnsmasq.service",
        "start dnsmasq.service",
        "is-active --quiet dnsmasq.service",
        "show --property=MainPID --value dnsmasq.service",
    ]


def test_a_unit_that_does_not_restart_is_refused(directory: Path) -> None:
    """What systemctl says in several lines is told in one, not with its line ends written out."""
    program, _ = fake_systemctl(directory, code=1, says="Job failed\nNo bus")
    with pytest.raises(Refused, match="Job failed No bus") as refused:
        Systemd("dnsmasq.service", program).restart(lambda: True)
    assert refused.value.diagnostics[0].code is NO_REPLY
    assert not Systemd("dnsmasq.service", program).running()


HOW = "{{ path=/usr/sbin/dnsmasq ; argv[]=/usr/sbin/dnsmasq ; ignore_errors=no ; pid=7 ; code=exited ; status={} }}"


@pytest.mark.parametrize(("status", "starts"), [(5, STARTS), (2, 1)])
def test_a_unit_is_restarted_again_after_what_passes_alone(directory: Path, status: int, starts: int) -> None:
    program, log = fake_systemctl(directory, code=1, says=HOW.format(status))
    with pytest.raises(Refused):
        Systemd("dnsmasq.service", program, INTERFACE_GONE).restart(lambda: True)
    assert log.read_text().splitlines().count("restart dnsmasq.service") == starts


def test_a_machine_without_systemd_is_told_so(directory: Path) -> None:
    with pytest.raises(Refused, match="No such file"):
        Systemd("dnsmasq.service", directory / "absent").hup()
