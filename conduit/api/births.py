"""Since when things are there: what runs made, and what was registered. Both are read as they grow, each part once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from conduit.api.desk import Desk
from conduit.api.envelopes import DONE
from conduit.audit.act import SUCCESS
from conduit.change import Action
from conduit.model import Key

MAKING: Final = (Action.CREATE, Action.ADOPT, Action.REPLACE)
"""After these an object is one of ours that was not there before."""


class Made:
    """When each live object was made, from the records of runs."""

    def of(self, desk: Desk) -> Mapping[Key, str]:
        """Return the times (RFC 3339) by key."""
        seen, known = desk.kept.get(self, (0, {}))
        times = dict(known)
        for run in desk.passes.engine.history.runs_after(seen):
            seen = run.id
            for outcome in run.outcomes:
                if outcome.result in DONE and outcome.action in MAKING:
                    times[outcome.key] = run.finished
        desk.kept[self] = (seen, times)
        return times


class Registered:
    """When each service was registered last, from the audit trail."""

    def of(self, desk: Desk) -> Mapping[Key, str]:
        """Return the times (RFC 3339) by key, as far as the trail can be read."""
        seen, known = desk.kept.get(self, (0, {}))
        times = dict(known)
        with suppress(OSError):
            for entry in desk.audit.since(seen):
                seen = entry.seq
                if entry.event == "service_register" and entry.data["status"] == SUCCESS:
                    times[Key.parse(entry.data["details"]["address"])] = entry.time
        desk.kept[self] = (seen, times)
        return times


MADE: Final = Made()
REGISTERED: Final = Registered()


def births(desk: Desk) -> Mapping[Key, str]:
    """Return since when (RFC 3339) each declared root is there, as far as that is known.

    That is when it was registered, or when the first of what stands for it was made, whichever came later: one that
    was registered, removed and then declared in a file is as old as its file.
    """
    made, registered = MADE.of(desk), REGISTERED.of(desk)
    found = {}
    for key in desk.desired.roots:
        parts = [made[leaf] for leaf in desk.desired.children.get(key, ()) if leaf in made]
        known = [registered[key]] if key in registered else []
        if times := [*known, *([min(parts)] if parts else [])]:
            found[key] = max(times)
    return found
