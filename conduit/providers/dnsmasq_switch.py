"""One change of dnsmasq's files: written, told once, proven by asking it, or undone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from conduit.errors import Code, ConduitError, Diagnostic, Refused, RollbackFailed, Stale
from conduit.model import Key
from conduit.patterns import pattern
from conduit.providers.child import ENVIRONMENT
from conduit.providers.dnsmasq_daemon import Daemon, Files
from conduit.providers.dnsmasq_files import RECORDS

REJECTED = Code(
    "CND-0704",
    "dnsmasq refuses the new files",
    "Its own check (`dnsmasq --test`), the writing or its restart failed; the message says why. The old files are in "
    "place. Correct the record that is named, or make room on the disk, and apply again.",
)
NOT_SERVED = Code(
    "CND-0705",
    "dnsmasq does not serve the new records",
    "After a change conduit asks dnsmasq for the new generation until it answers. It kept serving another one, so the "
    "old files were put back. Most often its configuration does not include conduit's file: it needs "
    "`conf-dir=DIRECTORY,*.conf`. Or it filters AAAA answers, or `address` belongs to another daemon.",
)
NOT_RESTORED = Code(
    "CND-0706",
    "dnsmasq could not be brought back",
    "A change failed and the old files are in place again, but dnsmasq does not serve them. Look at its log, start it "
    "by hand, and run `conduit diff`.",
)
MOVED = Code(
    "CND-0707",
    "dnsmasq's files moved since the plan",
    "Somebody wrote conduit's hosts or conf file after it was read for this plan. Nothing was written. Plan again.",
)

_CHECK_SECONDS: Final = 20
_NOBODY: Final = 65534
_SAID: Final = 500
_LINE: Final = pattern(r"at line ([0-9]{1,9}) of (\S+)")


def check_conf(program: Path, body: str) -> None:
    """Let dnsmasq check a conf file on its standard input, as nobody when we are root. Raises `Refused`."""
    import subprocess

    who: dict[str, Any] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": ()} if os.geteuid() == 0 else {}
    try:
        done = subprocess.run(
            [program, "--test", "--conf-file=-"],
            input=body.encode(),
            capture_output=True,
            timeout=_CHECK_SECONDS,
            env=ENVIRONMENT,
            cwd="/",
            check=False,
            **who,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(Diagnostic(REJECTED, f"cannot run {program} --test: {error}"), whole=True) from error
    if done.returncode:
        raise _refused(done.stderr[:_SAID].decode(errors="replace").strip(), "stdin", body)


def _refused(words: str, file: str, text: str) -> Refused:
    """Return the refusal dnsmasq's words stand for, blaming the resource on the line they name when it is in `file`."""
    lines, found = text.split("\n"), _LINE.search(words)
    named = int(found[1]) if found and found[2] == file else 0
    line = lines[named - 1] if 0 < named <= len(lines) else ""
    _, sign, owner = line.rpartition(" # ")
    return Refused(Diagnostic(REJECTED, words, line=line), [Key(RECORDS, owner.split(" ")[0])] if sign else [])


def switch(daemon: Daemon, before: Files, after: Files, restart: bool, fail: Callable[[str], None]) -> None:
    """Replace the files `before`, as they were read, by `after`, and make dnsmasq serve them; else undo it.

    `restart` tells that a SIGHUP would not do. Raises `Stale` when the files are not `before` any more, `Refused` when
    dnsmasq serves `before` again, `RollbackFailed` when it does not.
    """
    daemon.process.require_ours()
    _require_unmoved(daemon, before)
    running = daemon.process.running()
    restart = restart or not running
    try:
        _carry_out(daemon, after, restart, fail)
    except (OSError, Refused) as failure:
        _undo(daemon, before, restart, running, failure)
        if isinstance(failure, Refused):
            raise
        raise Refused(Diagnostic(REJECTED, f"dnsmasq's files cannot be written: {failure}"), whole=True) from failure
    fail("dnsmasq.commit.after")


def _require_unmoved(daemon: Daemon, before: Files) -> None:
    for path, seen, found in zip(daemon.paths, before, daemon.load(), strict=True):
        if (found and found[:2]) != (seen and seen[:2]):
            raise Stale(Diagnostic(MOVED, f"{path} was written since it was read", hint="plan again"))


def _carry_out(daemon: Daemon, after: Files, restart: bool, fail: Callable[[str], None]) -> None:
    fail("dnsmasq.commit.staged")
    daemon.write(after)
    fail("dnsmasq.commit.renamed")
    try:
        daemon.tell(restart, lambda: fail("dnsmasq.commit.stopped"))
    except Refused as refusal:
        text = after.conf.raw.decode() if after.conf else ""
        raise _refused(refusal.diagnostics[0].summary, str(daemon.conf_file), text) from refusal
    fail("dnsmasq.commit.reloaded")
    if not daemon.comes_to_serve(after):
        hint = f"its configuration needs conf-dir={daemon.conf_file.parent},*.conf"
        summary = "dnsmasq was told, but does not serve the new records; the old files are back"
        raise Refused(Diagnostic(NOT_SERVED, summary, hint=hint), whole=True)


def _undo(daemon: Daemon, before: Files, restart: bool, was_running: bool, failure: Exception) -> None:
    """Put the old files back with their old stamps and make dnsmasq serve them. Raises `RollbackFailed`."""
    try:
        daemon.write(before)
        if not (was_running or daemon.process.running()):
            return
        daemon.tell(restart or not daemon.process.running())
        if daemon.comes_to_serve(before):
            return
        reason = "dnsmasq does not serve them"
    except (OSError, ConduitError) as error:
        reason = str(error)
    summary = f"the change failed ({failure}), and so did going back to the old files: {reason}"
    raise RollbackFailed(Diagnostic(NOT_RESTORED, summary, hint="start dnsmasq by hand, then run conduit diff"))
