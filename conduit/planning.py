"""Planning: everything is read and compared with what is declared. The part of the engine that changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from conduit.decide import Observed
from conduit.declarations import Declarations
from conduit.dialect.collector import collector_paused
from conduit.earlier import Earlier
from conduit.expand import Desired
from conduit.failpoints import fail
from conduit.manifests.git import head_commit
from conduit.model import Reading
from conduit.observe import observe
from conduit.plan import Plan, Selection, make_plan

if TYPE_CHECKING:
    from conduit.keeping import Keeper


class Planning(Declarations):
    """What would change at one site, and what an empty plan was drawn from."""

    @property
    def earlier(self) -> Earlier:
        """The runs before this one."""
        return Earlier(self.journal, self.history, self.lock)

    def observe(self) -> dict[str, Observed]:
        """Read every provider once, side by side. One that fails or hangs is unknown and spoils no other."""
        found = observe(self.providers, self.context())
        fail("plan.observed")
        return found

    def plan(self, selection: Selection = Selection()) -> Plan:
        """Compare the whole wish with all live state. Raises LoadError; an unreadable daemon is told in the plan."""
        with collector_paused():
            return self.plan_for(self.load(), self.observe(), selection)

    def plan_for(self, desired: Desired, observed: Mapping[str, Observed], selection: Selection = Selection()) -> Plan:
        """Plan from what was loaded and observed already."""
        if desired.settled and not self._still_settled(observed):
            desired = self.whole(desired)
        plan = make_plan(
            desired,
            self.kinds,
            observed,
            self.earlier.applied,
            self.now(),
            selection=selection,
            commit=head_commit(self.settings.path(self.settings.desired)),
            prune_percent=self.settings.prune_percent,
        )
        before = self.earlier
        told = (*self.warnings, *before.warnings(), *plan.warnings, *before.reverted(plan))
        plan = replace(plan, warnings=told)
        self._planned = (plan.digest, desired, observed)
        fail("plan.made")
        return plan

    def _still_settled(self, observed: Mapping[str, Observed]) -> bool:
        """Tell whether everything shows what it showed when the roots were settled."""
        shown = self.settled_roots.shown
        if shown is None or any(view.reason for view in observed.values()):
            return False
        return self._keeper.still_shown(shown, _readings(observed), self.now())

    def plan_again(self, selection: Selection) -> Plan:
        """Plan another part of what was loaded and observed last."""
        _, desired, observed = self._planned
        return self.plan_for(desired, observed, selection)

    def keep_evidence(self, plan: Plan) -> None:
        """Keep what the plan made last was drawn from when it tells of no difference; see `conduit.settled`.

        For callers that only look: an apply that changes nothing writes nothing.
        """
        _, desired, observed = self._planned
        self._keeper.keep(plan, self.wish, desired, _readings(observed))

    @cached_property
    def _keeper(self) -> Keeper:
        from conduit.keeping import Keeper

        found = self.keys, self.secrets, self.providers, self.journal, self.lock
        return Keeper(self.settings, self.kinds, self.state, *found)


def _readings(observed: Mapping[str, Observed]) -> dict[str, Reading]:
    return {name: view.reading for name, view in observed.items()}
