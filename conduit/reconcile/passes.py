"""The passes of the reconciler: look at everything, apply what is asked for, keep what was seen as a snapshot.

The reconciler's thread makes them, one after the other; every other thread reads the snapshot and none writes it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from msgspec.structs import replace

from conduit.audit.applies import applied
from conduit.change import Action, Outcome, Result
from conduit.engine import Engine
from conduit.errors import Code, ConduitError, Diagnostic, Stale
from conduit.model import Key
from conduit.plan import Plan, Selection
from conduit.reconcile.asks import Apply, Ask, Operate, Passed, Preview, Snapshot, Tend
from conduit.reconcile.echo import Signs, signs, signs_now
from conduit.reconcile.keeper import WHOLE, Keeper
from conduit.reconcile.leaving import Leaving, Standing
from conduit.reconcile.tally import Tally
from conduit.report import BREATH, ApplyOptions, Event
from conduit.work import sole_facts

OTHER_PLAN = Code(
    "CND-2021",
    "the plan is not the one that was looked at",
    "A plan is applied by its digest, which covers the changes and the live state they came from. Something moved "
    "since it was shown, so nothing was applied. Look at the present plan and decide again.",
)

RECENT: Final = 8
"""Applies that are remembered for those whose edit another pass has made true."""
HELD: Final = "held"
"""The event that tells after each plan what of it the loop leaves alone, with the reasons."""

HANGS_SECONDS: Final = 1800.0
"""No step of a pass takes so long, the fetching of an image included; one that tells nothing for longer hangs."""


class Passes:
    """What one process knows of a site between its passes, and the passes. `listen` gets what they tell at work."""

    def __init__(self, engine: Engine, listen: Callable[[str, Any], None]) -> None:
        self.engine = engine
        self.keeper = Keeper(engine)
        self.snapshot = Snapshot()
        self.tally = Tally()
        self.leaving = Leaving()
        self.stop = threading.Event()
        """Set when the process is to end: the step under way is the last one."""
        self._listen = listen
        self._recent: deque[tuple[int, Passed]] = deque(maxlen=RECENT)
        """The last applies that did something, each with the number of its snapshot."""
        self._trials: list[Key] = []
        self._true: Signs | None = None
        """What was there when everything was last made true."""
        self._facts: Mapping[Key, Mapping[str, Any]] = {}
        self._sign = 0.0
        """When (monotonic seconds) what is under way last gave a sign of life, 0 when nothing is."""

    @property
    def hangs(self) -> bool:
        """Whether what is under way has told nothing for longer than any step takes."""
        sign = self._sign
        return bool(sign) and time.monotonic() - sign > HANGS_SECONDS

    @contextmanager
    def trial(self, root: Key) -> Iterator[None]:
        """Let no pass begin with `root` inside a `with` block while a daemon that it needs cannot be read.

        For a declaration that is made true as a whole, or taken back before the block ends.
        """
        self._trials.append(root)
        try:
            yield
        finally:
            self._trials.remove(root)

    def standing(self, roots: Iterable[Key]) -> Standing:
        """Return what roots stand for, as the last pass saw it."""
        children = self.snapshot.desired.children
        return {root: (root, *children.get(root, ())) for root in roots}

    def changed_since(self, number: int, root: Key) -> Passed | None:
        """Return the last apply after a snapshot that changed something of a root, None when none did."""
        recent = reversed(list(self._recent))
        return next((passed for at, passed in recent if at > number and passed.changed(root)), None)

    def knows(self) -> bool:
        """Whether what lies there now is just what was made true last, with nothing held back and nothing failing."""
        known = self._true
        if known is None or self.snapshot.held or self.keeper.failing:
            return False
        try:
            return signs_now(self.engine) == known
        except ConduitError:
            return False

    def carry_out(self, ask: Ask) -> Passed | Outcome:
        """Do what is asked for. Raises what it came to grief with."""
        self._sign = time.monotonic()
        try:
            return self._carry_out(ask)
        finally:
            self._sign = 0.0

    def _carry_out(self, ask: Ask) -> Passed | Outcome:
        if isinstance(ask, Operate):
            with self.engine.hold(ask.verb):
                if not ask.begin():
                    return Outcome(ask.key, Action.UPDATE, Result.SKIPPED)
                return self.engine.operate(ask.key, ask.verb, ask.parameters)
        plan = self.snapshot.plan
        if isinstance(ask, Tend) and ask.echo and plan and self.knows():
            return Passed(plan, self.snapshot.desired)
        with self.tally.passing():
            match ask:
                case Preview():
                    return self._pass(ask.selection, None)
                case Tend():
                    return self._tend()
            return self._pass(ask.selection, ask)

    def _pass(self, selection: Selection, ask: Apply | None) -> Passed:
        if ask:
            self.engine.recover()
        plan, desired = self._looked(selection), self.snapshot.desired
        if ask is None:
            return Passed(plan, desired)
        if ask.digest and ask.digest != plan.digest:
            raise Stale(Diagnostic(OTHER_PLAN, f"the present plan is {plan.digest}", hint="look at it again"))
        if ask.own is not None:
            plan = self.keeper.allowed_beside(plan, ask.own.union(self.leaving.named))
        return self._applied(plan, ask.options)

    def _tend(self) -> Passed:
        keeper = self.keeper
        try:
            self.engine.recover()
            plan = self._looked(Selection())
            allowed = keeper.allowed(plan)
            self._keep(held=keeper.held, drift=keeper.ages, suspended=keeper.suspended)
            self._listen(HELD, keeper.held)
            passed = self._by_itself(allowed) if allowed else Passed(plan, self.snapshot.desired)
        except ConduitError as error:
            keeper.stumbled(error)
            raise
        keeper.backoff.worked(WHOLE)
        if allowed and passed.report:
            keeper.learn(allowed, passed.report)
        return passed

    def _by_itself(self, plan: Plan) -> Passed:
        """Apply what nobody asked for, as an entry of the audit trail."""
        if plan.changes:
            self.engine.trail.require()
        passed = self._applied(plan, ApplyOptions(operation="loop", breath=BREATH))
        if passed.report and passed.report.run:
            self.engine.trail.append(applied(plan, passed.report))
        return passed

    def _looked(self, selection: Selection) -> Plan:
        engine = self.engine
        self.leaving.begin()
        trials = set(self._trials)
        try:
            desired = engine.load()
        except ConduitError as error:
            self._true = None
            self._keep(problems=error.diagnostics)
            raise
        observed = engine.observe()
        selection = replace(selection, named=self.leaving.named)
        plan = engine.plan_for(desired, observed, selection)
        trials |= set(self._trials)  # one may end, and its edit be taken back, after it was read
        if blind := tuple(root for root in sorted(trials) if Passed(plan, desired).unjudged(root)):
            plan = engine.plan_again(replace(selection, excludes=(*selection.excludes, *blind)))
        self._facts = sole_facts(live for view in observed.values() for live in view.reading.ours())
        self._keep(desired=desired, plan=plan, facts=self._facts, problems=())
        self._listen("plan", plan)
        return plan

    def _applied(self, plan: Plan, options: ApplyOptions) -> Passed:
        self._true = None
        report = self.engine.apply(plan, options, self._tell, self.stop)
        self.leaving.end(plan, report, self.snapshot.desired.roots)
        done = {outcome.key: outcome.facts for outcome in report.outcomes if outcome.facts}
        self._keep(report=report, facts={**self._facts, **done})
        self.tally.applied(report)
        if report.result == "ok" and self.engine.wish and not plan.selection.narrow:
            self._true = signs(self.engine, self.engine.wish.manifests.digest)
        self._listen("report", report)
        passed = Passed(plan, self.snapshot.desired, report, self.leaving.roots)
        if report.outcomes:
            self._recent.append((self.snapshot.number, passed))
        return passed

    def _tell(self, event: Event) -> None:
        self._sign = time.monotonic()
        self._listen("progress", event)

    def _keep(self, **changed: Any) -> None:
        self.snapshot = replace(self.snapshot, number=self.snapshot.number + 1, at=self.engine.now(), **changed)
