"""Named points at which a test may kill, starve or stop this process; in use each costs one look at the environment.

`CONDUIT_FAILPOINT="name:action[:nth][,...]"` with the actions kill (SIGKILL), eio, enospc (an OSError) and pause (until
the file `CONDUIT_FAILPOINT_GATE` appears; `<gate>.reached` tells that the point was reached). `nth` counts from 1.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

from conduit.errors import Code, ConduitError, Diagnostic
from conduit.patterns import pattern

POINTS: Final = {
    "load.read": "the manifests are read, not yet parsed",
    "load.parsed": "all manifests are parsed",
    "edit.locked": "an edit of a manifest holds the directory",
    "edit.staged": "the edited manifest is on disk under a temporary name",
    "edit.committed": "the edit is committed, the manifest still has its old content",
    "edit.renamed": "the manifest has its new content",
    "plan.observed": "every provider was read",
    "plan.made": "the plan is complete",
    "apply.locked": "the lock is held",
    "apply.intent": "the intent is in the journal",
    "apply.before_objects": "before the first object changes",
    "apply.after_objects": "the objects that others wait for are up",
    "apply.before_documents": "all documents are staged and checked",
    "certs.issue.before": "before a certificate is issued",
    "certs.issue.written": "the master is written, the daemons' copies are not",
    "certs.issue.after": "master and copies are in place",
    "docker.network.created": "a network is made, its containers are not in it yet",
    "docker.network.emptied": "a network that is replaced holds no container any more",
    "docker.network.removed": "a network is removed",
    "docker.network.joined": "a new network holds the containers of the old one",
    "docker.container.old_stopped": "the old container is stopped, the new one does not exist yet",
    "docker.container.created": "the new container is there, not started yet",
    "docker.container.started": "the new container runs, nobody has asked whether it is ready",
    "docker.container.removed": "a container is removed, its files are not",
    "docker.volume.created": "a volume is made, nothing uses it yet",
    "docker.image.there": "an image is fetched or built, and has no name of ours yet",
    "docker.image.named": "an image has our name",
    "docker.image.removed": "our name is taken from an image, with its last name the image",
    "dnsmasq.commit.staged": "the new text is checked, nothing is written yet",
    "dnsmasq.commit.renamed": "the new files are in place, the daemon runs the old ones",
    "dnsmasq.commit.stopped": "the daemon is stopped for a restart",
    "dnsmasq.commit.reloaded": "the daemon was told, its answer is not read yet",
    "dnsmasq.commit.after": "the daemon serves the new records",
    "caddy.commit.before": "before the configuration is sent",
    "caddy.commit.sent": "the configuration is sent, the reply is not read yet",
    "caddy.commit.after": "the daemon serves the new configuration",
    "nginx.commit.before": "the new file is checked, nothing is written yet",
    "nginx.commit.renamed": "the new file is in place, nginx runs the old one",
    "nginx.commit.told": "nginx was told, its new workers were not asked yet",
    "nginx.commit.after": "the new workers serve the new file",
    "self.staged": "users, roles, grants and tasks are changed, nobody sees it yet",
    "self.committed": "users, roles, grants and tasks are changed for everybody",
    "task.taken": "the instant of a task is written down, nothing is done yet",
    "task.done": "a task is done, and its result is not written down yet",
    "apply.committed": "every provider has committed",
    "apply.verified": "the live state was read again and holds",
    "apply.proved": "the roots are proven",
    "rollback.before": "before a failed change is undone",
    "rollback.after": "the failed change is undone",
    "apply.pruned": "what nobody uses any more is deleted",
    "apply.outcome": "the outcomes are in the journal",
    "audit.before": "an entry of the audit trail is about to be written",
    "audit.after": "the entry is on disk, the head beside the keys is one behind",
    "apply.unlock": "before the lock is released",
}
"""Every failpoint and what is true when it is reached; `conduit failpoints` lists them."""

NAMES: Final = tuple(POINTS)
ACTIONS: Final = ("kill", "eio", "enospc", "pause")
ORDER: Final = pattern(r"(?P<name>[a-z_.]+):(?P<action>[a-z]+)(?::(?P<nth>[1-9][0-9]{0,5}))?")
PERMIT: Final = Path("/etc/conduit/allow-failpoints")
"""Lets an installed conduit obey: a file only root may write."""
PAUSE_LIMIT: Final = 120.0
"""Seconds after which a pause ends by itself, so that a dead test leaves no process behind."""

FAILPOINT_REFUSED = Code(
    "CND-0571",
    "Failpoints are not allowed here",
    "CONDUIT_FAILPOINT makes conduit kill or starve itself in the middle of a change. It is meant for the test suite, "
    "so conduit obeys it only with CONDUIT_TEST=1 and when it runs from a source checkout, or when root has created "
    f"{PERMIT}. Unset CONDUIT_FAILPOINT.",
)
FAILPOINT_UNKNOWN = Code(
    "CND-0572",
    "A failpoint cannot be read",
    "CONDUIT_FAILPOINT names a point or an action that does not exist. A test that fails at no point would pass and "
    "prove nothing, so the run stops. Write name:action or name:action:nth, and see `conduit failpoints` for names.",
)


def fail(name: str) -> None:
    """Do at the point `name` what CONDUIT_FAILPOINT asks for; nothing when it is not set.

    Raises OSError for eio and enospc, `ConduitError` when failpoints are not allowed or not readable.
    """
    text = os.environ.get("CONDUIT_FAILPOINT")
    if text:
        _reach(text, name)


def _reach(text: str, name: str) -> None:
    orders, reached = _armed(text)
    if name not in POINTS:
        raise ConduitError(Diagnostic(FAILPOINT_UNKNOWN, f'the code reached "{name}", which is not a failpoint'))
    reached[name] += 1
    action = orders.get((name, reached[name]))
    if action:
        _act(name, action)


@cache
def _armed(text: str) -> tuple[dict[tuple[str, int], str], Counter[str]]:
    if not _allowed():
        raise ConduitError(
            Diagnostic(FAILPOINT_REFUSED, "CONDUIT_FAILPOINT is set outside a test", hint="unset CONDUIT_FAILPOINT")
        )
    return dict(map(_order, text.split(","))), Counter()


def _order(text: str) -> tuple[tuple[str, int], str]:
    parts = ORDER.fullmatch(text.strip())
    if not parts or parts["name"] not in POINTS or parts["action"] not in ACTIONS:
        hint = f"write name:action[:nth]; actions are {', '.join(ACTIONS)}; names: see `conduit failpoints`"
        raise ConduitError(Diagnostic(FAILPOINT_UNKNOWN, f'"{text}" is not a failpoint order', hint=hint))
    return (parts["name"], int(parts["nth"] or "1")), parts["action"]


def _allowed() -> bool:
    if os.environ.get("CONDUIT_TEST") != "1":
        return False
    if Path(__file__).parents[1].joinpath("pyproject.toml").is_file():
        return True
    try:
        status = PERMIT.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022


def _act(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "pause":
        _pause(name)
    else:
        number = {"eio": errno.EIO, "enospc": errno.ENOSPC}[action]
        raise OSError(number, f"{os.strerror(number)} (failpoint {name})")


def _pause(name: str) -> None:
    gate = Path(os.environ["CONDUIT_FAILPOINT_GATE"])
    gate.with_name(f"{gate.name}.reached").write_text(name)
    deadline = time.monotonic() + PAUSE_LIMIT
    while not gate.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
