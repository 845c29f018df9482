"""What a plan comes to: the one object behind the last line, the JSON summary and the exit code."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from conduit.change import Action
from conduit.measures import instant
from conduit.show.text import counted, duration, escape

if TYPE_CHECKING:
    from conduit.decide import Suppressed
    from conduit.plan import Plan


class State(IntEnum):
    """The answer of a diff; the values are the exit codes of `diff --detailed-exitcode`."""

    IN_SYNC = 0
    PENDING = 2
    DRIFT = 3
    UNKNOWN = 6


class Summary(Struct, frozen=True):
    """The numbers of a plan. `partial` tells that targets or excludes left something out."""

    actions: Counter[Action]
    drift: int
    ignored: int
    expires: float | None
    unmanaged: int
    unread: int
    unjudged: int
    unchanged: int
    partial: bool
    commit: str
    past: str

    @classmethod
    def of(cls, plan: Plan) -> Summary:
        """Count a plan."""
        return cls(
            actions=Counter(change.action for change in plan.changes),
            drift=len(plan.drift),
            ignored=len(plan.ignored),
            expires=min(filter(None, map(expiry, plan.ignored)), default=None),
            unmanaged=len(plan.unmanaged),
            unread=len(plan.unknown),
            unjudged=len(plan.unjudged),
            unchanged=plan.unchanged,
            partial=bool(plan.selection.targets or plan.selection.excludes),
            commit=plan.commit,
            past=plan.past,
        )

    @property
    def state(self) -> State:
        """What the plan says about live and wish; anything unknown is never green."""
        if self.unread or self.unjudged:
            return State.UNKNOWN
        if self.drift:
            return State.DRIFT
        return State.PENDING if self.actions else State.IN_SYNC

    def sentence(self, now: float) -> str:
        """Return the last line of a diff."""
        parts = [self._changes()]
        if self.drift:
            parts.append(f"Drift: {self.drift:,}.")
        if self.unread or self.unjudged:
            resources = counted(self.unjudged, "resource")
            parts.append(f"UNKNOWN: {counted(self.unread, 'provider')}, {resources}.")
        if self.ignored:
            parts.append(f"Ignored: {self.ignored:,}{self._soonest(now)}.")
        return "  ".join(parts)

    def _changes(self) -> str:
        if self.actions:
            adopt = f"{self.actions[Action.ADOPT]:,} to adopt, " if self.actions[Action.ADOPT] else ""
            return (
                f"Plan: {self.actions[Action.CREATE]:,} to add, {self.actions[Action.UPDATE]:,} to change, "
                f"{self.actions[Action.REPLACE]:,} to replace, {adopt}{self.actions[Action.DELETE]:,} to destroy."
            )
        if self.state is State.UNKNOWN:
            return "No changes in what could be read."
        if self.partial:
            return "No changes to the selected resources."
        return in_sync(self.commit, self.past)

    def _soonest(self, now: float) -> str:
        return "" if self.expires is None else f" (1 expires in {duration(max(0.0, self.expires - now))})"


def in_sync(commit: str, past: str = "") -> str:
    """Return the whole answer of a diff that has nothing to tell; `commit` is empty outside git.

    `past` says which manifests were compared when it is not those that are there.
    """
    present = f"desired/ (HEAD is {escape(commit[:7])})" if commit else "desired/"
    return f"No changes. Live state matches {past or present}."


def left_alone(unmanaged: int) -> str:
    """Return the line of a diff that tells how many objects are not conduit's."""
    return f"  ? {counted(unmanaged, 'unmanaged object')} left alone (-v lists them)"


def expiry(ignored: Suppressed) -> float | None:
    """Return when an ignore entry ends, in seconds since the epoch; None when it never does."""
    return instant(ignored.entry.until) if ignored.entry.until else None
