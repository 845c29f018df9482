"""One change of nginx's file: checked on a copy, written, told once, proven by asking the new workers, or undone."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from conduit.errors import Code, ConduitError, Diagnostic, Refused, RollbackFailed, Stale
from conduit.model import Key, Native
from conduit.patterns import pattern
from conduit.providers.accounts import hide_hashes
from conduit.providers.child import ENVIRONMENT
from conduit.providers.generation import File
from conduit.providers.listeners import holder
from conduit.providers.nginx_contents import Contents
from conduit.providers.nginx_daemon import Daemon
from conduit.providers.nginx_files import VHOSTS
from conduit.providers.nginx_stage import run_staged

REJECTED = Code(
    "CND-1204",
    "nginx refuses the new file",
    "nginx's own check (`nginx -t`, on a copy), or the writing of the file, failed; the message says why. The old file "
    "is in place. Correct the vhost or the file that is named, and apply again.",
)
NOT_SERVED = Code(
    "CND-1205",
    "nginx does not serve the new file",
    "After a reload conduit asks nginx for the new generation until its new workers answer. They kept serving another "
    "one, so the old file was put back. Most often another program holds one of the ports, which nginx's check does "
    "not see: its error log says so. Or nginx does not include conduit's file, or `marker` belongs to another daemon.",
)
NOT_RESTORED = Code(
    "CND-1206",
    "nginx could not be brought back",
    "A change failed and the old file is in place again, but nginx does not serve it. Look at its error log, start it "
    "by hand, and run `conduit diff`.",
)
MOVED = Code(
    "CND-1207",
    "nginx's file moved since the plan",
    "Somebody wrote conduit's file after it was read for this plan. Nothing was written. Plan again.",
)

CHECK_SECONDS: Final = 60
_ENVIRONMENT: Final = {**ENVIRONMENT, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""A check takes 27 kB for each server and location. In huge pages, where the kernel has some, it asks for them seldom:
a quarter less time for 1,000 vhosts (GLIBC_TUNABLES of the manual of glibc 2.35; others take no notice)."""
_SAID: Final = 700
_LISTEN: Final = pattern(r"^ *listen (?:\S*:)?([0-9]{1,5})[ ;]", re.MULTILINE)
_PLACE: Final = pattern(r" in (\S+):([0-9]{1,9})")
_LOGGED = pattern(r"[0-9]+#[0-9]+: ")
"""Who wrote a line of the error log: a process and a thread, which tell a person nothing."""
_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Written(Struct, frozen=True):
    """A whole file on its way to nginx: its body, what is read in it, its blocks, and the password files it names."""

    body: str
    contents: Contents
    blocks: Mapping[Key, Native]
    passwords: Mapping[str, bytes]


def check(daemon: Daemon, written: Written) -> None:
    """Let nginx check a copy of the file in the place of the live one. Raises `Refused`.

    Where no private mount namespace can be had, the copy is checked alone, without the main configuration.
    """
    try:
        daemon.prepare()
        with tempfile.TemporaryDirectory(prefix="conduit-nginx-") as name:
            staged, alone = Path(name, "staged.conf"), Path(name, "alone.conf")
            staged.write_text(_GENERATION + written.body)
            alone.write_text(_alone(staged))
            done = run_staged(staged, daemon.conf_file, _test(daemon.program, daemon.config), _run)
            if done is None:
                done = _run(_test(daemon.program, alone))
            said = done.stderr.decode(errors="replace").replace(str(staged), str(daemon.conf_file))
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _whole(f"nginx's check cannot be run: {error}") from error
    if done.returncode:
        raise refused(said, str(daemon.conf_file), written)


_GENERATION: Final = f"geo $conduit_generation {{ default {'0' * 32}; }}\n"


def _test(program: Path, config: Path) -> list[str]:
    return [str(program), "-t", "-q", "-e", "stderr", "-c", str(config)]


def _alone(staged: Path) -> str:
    """Return a main configuration around the copy that opens nothing outside its directory."""
    paths = [f"{kind}_temp_path {staged.with_name(kind)};" for kind in _TEMPORARY]
    lines = ["events {", "}", f"pid {staged.with_name('pid')};", "http {", "access_log off;", *paths]
    return "\n".join([*lines, f"include {staged};", "}", ""])


def _run(argv: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        argv,
        env=_ENVIRONMENT,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=CHECK_SECONDS,
        check=False,
    )


def _whole(summary: str, hint: str = "") -> Refused:
    return Refused(Diagnostic(REJECTED, summary, hint=hint), whole=True)


def refused(words: str, file: str, written: Written) -> Refused:
    """Return the refusal nginx's words stand for, blaming the vhost at the line or with the certificate they name."""
    said = [line for line in hide_hashes(words).splitlines() if "[emerg]" in line] or [words[-_SAID:]]
    summary = _LOGGED.sub("", said[0].partition("[emerg] ")[2] or said[0])
    diagnostic = Diagnostic(REJECTED, f"nginx refuses the file: {summary[:_SAID]}", hint="correct what is named")
    named = _PLACE.search(said[0])
    if named and (named[1] != file or not _at(int(named[2]), written)):
        return Refused(diagnostic, whole=True)
    blamed = _at(int(named[2]), written) if named else _with_certificate(said[0], written)
    return Refused(diagnostic, blamed, whole="bind()" in said[0])


def _at(number: int, written: Written) -> Iterable[Key]:
    """Return the vhost at a line of our file; nobody for a line of the frame or of a server itself."""
    name = written.contents.vhost_at(number)
    return [Key(VHOSTS, name)] if name else []


def _with_certificate(words: str, written: Written) -> Iterable[Key]:
    """Return the vhosts whose certificate files nginx names; its words about them have no line."""
    return [
        key
        for key, native in written.blocks.items()
        if any(file in words for file in native.get("certificate", {}).get("files", {}).values())
    ]


def switch(
    daemon: Daemon, before: File | None, after: File | None, passwords: Mapping[str, bytes], fail: Callable[[str], None]
) -> None:
    """Replace the file `before`, as it was read, by `after`, and make nginx serve it; else undo it.

    Raises `Stale` when the file is not `before` any more, `Refused` when nginx serves `before` again,
    `RollbackFailed` when it does not.
    """
    daemon.process.require_ours()
    found = daemon.load()
    if (found and found[:2]) != (before and before[:2]):
        raise Stale(Diagnostic(MOVED, f"{daemon.conf_file} was written since it was read", hint="plan again"))
    running = daemon.process.running()
    try:
        _carry_out(daemon, after, passwords, fail)
    except (OSError, Refused) as failure:
        _undo(daemon, before, running, failure)
        if isinstance(failure, Refused):
            raise
        raise _whole(f"nginx's file cannot be written: {failure}") from failure
    fail("nginx.commit.after")


def _carry_out(daemon: Daemon, after: File | None, passwords: Mapping[str, bytes], fail: Callable[[str], None]) -> None:
    fail("nginx.commit.before")
    daemon.write_passwords(passwords)
    daemon.write(after)
    fail("nginx.commit.renamed")
    if not _tell_and_see(daemon, after, lambda: fail("nginx.commit.told")):
        hint = f"its error log tells why; it must include {daemon.conf_file}"
        held = "".join(f"; {words}" for words in _held(daemon, after))
        summary = f"nginx was told, but does not serve the new file; the old one is back{held}"
        raise Refused(Diagnostic(NOT_SERVED, summary, hint=hint), whole=True)


def _held(daemon: Daemon, file: File | None) -> Iterable[str]:
    """Yield which ports of a file another program listens on."""
    for port in sorted({int(port) for port in _LISTEN.findall(file.body if file else "")}):
        found = holder(port)
        if found and found.name != daemon.program.name:
            yield f"port {port} is held by {found.name}, pid {found.pid}"


def _tell_and_see(daemon: Daemon, file: File | None, told: Callable[[], None] = lambda: None) -> bool:
    """Make nginx load its files, starting it if it does not run; return whether it then serves `file`."""
    old = daemon.workers()
    if daemon.process.running():
        daemon.process.hup()
    else:
        daemon.process.start(lambda: True)
    told()
    return daemon.comes_to_serve(file, old)


def _undo(daemon: Daemon, before: File | None, was_running: bool, failure: Exception) -> None:
    """Put the old file back with its old stamp and make nginx serve it. Raises `RollbackFailed`."""
    try:
        daemon.write(before)
        if not (was_running or daemon.process.running()) or _tell_and_see(daemon, before):
            return
        reason: Any = "nginx does not serve it"
    except (OSError, ConduitError) as error:
        reason = error
    summary = f"the change failed ({failure}), and so did going back to the old file: {reason}"
    raise RollbackFailed(Diagnostic(NOT_RESTORED, summary, hint="start nginx by hand, then run conduit diff"))
