"""One pass of the loop: look at everything, apply what may be applied now, remember what failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from conduit.change import Result
from conduit.engine import Engine
from conduit.errors import ConduitError, Locked, Unsafe
from conduit.evidence import hash_of_tree
from conduit.manifests.commits import committed_tree
from conduit.manifests.git import head_commit, work_tree
from conduit.model import Key
from conduit.plan import Plan
from conduit.reconcile.backoff import Backoff
from conduit.reconcile.holding import UNCOMMITTED, UNRESTED, held_back
from conduit.reconcile.suspension import Suspension, suspension
from conduit.report import Report

BAD = (Result.FAILED, Result.REVERTED, Result.QUARANTINED)

REST: Final = 5.0
"""Seconds the manifests must have been the same outside git before anything is deleted."""
LOCKED: Final = "locked"
WHOLE: Final = "pass"
"""What a pass as a whole is called among the things that failed."""


class Keeper(Struct):
    """What the loop knows between passes; used by the reconciler's thread alone.

    `held` are the keys of the changes the last pass left alone, with the reasons; `ages` tells since when (epoch) each
    difference that the host caused has been seen.
    """

    engine: Engine
    backoff: Backoff = field(default_factory=Backoff)
    held: Mapping[Key, str] = {}
    ages: Mapping[Key, float] = {}
    suspended: Suspension | None = None
    _head: tuple[str, str] = ("", "")
    """A commit, and the hash of its manifests."""
    _seen: tuple[str, float] = ("", 0.0)
    """The hash of the manifests outside git, and since when (epoch) they are these."""

    def allowed(self, plan: Plan) -> Plan | None:
        """Return the part of a plan that may be applied now, None when nothing may. Raises `Unsafe`."""
        self.held = self._held(plan)
        if self.suspended or (self.held and len(self.held) == len(plan.changes)):
            return None
        plan = self._without(plan, self.held)
        if plan.unsafe:
            raise Unsafe(plan.unsafe)
        return plan

    def allowed_beside(self, plan: Plan, own: Collection[Key]) -> Plan:
        """Return the part of a plan that an act on `own` may apply now: all that is of these, and what the loop may."""
        others = {change.key for change in plan.changes if change.key not in own and change.root not in own}
        held = self._held(plan) if others else {}
        return self._without(plan, {key: why for key, why in held.items() if key in others})

    def _held(self, plan: Plan) -> Mapping[Key, str]:
        """Return the changes of a plan that are to be left alone now, with the reasons."""
        engine, now = self.engine, self.engine.now()
        self.ages = engine.history.note_drift([change.key for change in plan.drift], now)
        self.backoff.keep({*(str(change.root) for change in plan.changes), *plan.unknown, WHOLE})
        for name, reason in plan.unknown.items():
            self.backoff.failed(name, reason, now, f"cannot be read: {reason}")
        self._recall(plan)
        self.suspended = suspension(engine.state, now)
        if self.suspended:
            return {change.key: str(self.suspended) for change in plan.changes}
        return held_back(plan, engine.settings.reconcile, self.backoff, now, keep=self._keep())

    def _without(self, plan: Plan, held: Mapping[Key, str]) -> Plan:
        """Return a plan of what was observed without these changes."""
        if not held:
            return plan
        return self.engine.plan_again(replace(plan.selection, excludes=(*plan.selection.excludes, *sorted(held))))

    def learn(self, plan: Plan, report: Report) -> None:
        """Remember which roots failed, and let those that worked be tried at once the next time."""
        roots = {change.key: change.root for change in plan.changes}
        bad = {roots[each.key]: f"{each.result}: {each.reason}" for each in report.outcomes if each.result in BAD}
        for root in {roots[each.key] for each in report.outcomes} - bad.keys():
            self.backoff.worked(str(root))
        for root, reason in bad.items():
            self.backoff.failed(str(root), plan.digest_of_root(root), self.engine.now(), reason)

    def stumbled(self, error: ConduitError) -> None:
        """Remember that a whole pass failed; what another run holds is tried again soon."""
        digest = LOCKED if isinstance(error, Locked) else str(error)
        self.backoff.failed(WHOLE, digest, self.engine.now(), error.diagnostics[0].summary)

    @property
    def failing(self) -> dict[str, str]:
        """What failed and has not worked since, with the reasons; another run at work is no failure."""
        found = self.backoff.failing.items()
        return {subject: each.reason for subject, each in found if (subject, each.digest) != (WHOLE, LOCKED)}

    def _recall(self, plan: Plan) -> None:
        """Let what an earlier process had to take back wait before it is tried once more."""
        roots = {change.root for change in plan.changes}
        for root, earlier in self.engine.history.reverted().items() if roots else ():
            known = str(root) in self.backoff.failing
            if root in roots and not known and earlier.digest == plan.digest_of_root(root):
                self.backoff.failed(str(root), earlier.digest, self.engine.now(), f"reverted: {earlier.reason}")

    def _keep(self) -> str:
        """Return why nothing is to be deleted now, "" when there is no reason.

        In git that is a manifest that differs from the last commit. Outside of git a file that was cut short looks like
        one that is meant, so the manifests have to rest.
        """
        settings, digest = self.engine.settings, self.engine.wish.manifests.digest if self.engine.wish else ""
        if settings.reconcile.source == "commit":
            return ""
        place = work_tree(settings.path(settings.desired).resolve())
        if place is None:
            return "" if self._rested(digest) else UNRESTED
        head = head_commit(place)
        if head != self._head[0]:
            self._head = head, hash_of_tree(committed_tree(settings).files) if head else ""
        return "" if digest == self._head[1] else UNCOMMITTED

    def _rested(self, digest: str) -> bool:
        now = self.engine.now()
        if digest != self._seen[0]:
            self._seen = digest, now
        return now - self._seen[1] >= REST

    def earliest(self, now: float) -> float | None:
        """Return when (epoch) something that is held back now may be tried; None when nothing is."""
        rested = self._seen[1] + REST if UNRESTED in self.held.values() else None
        return min((each for each in (self.backoff.earliest(now), rested) if each is not None), default=None)
