"""What was removed by name and is not gone yet: it may go at any later pass, whatever the prune budget says."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from conduit.change import Action, Result
from conduit.model import Key
from conduit.plan import Plan
from conduit.report import Report

Standing = Mapping[Key, tuple[Key, ...]]
"""Roots, each with itself and the leaves it was last seen to stand for; once it is undeclared, nothing else tells."""


class Leaving:
    """The roots on their way out. Any thread adds to them; the reconciler's thread alone does the rest."""

    def __init__(self) -> None:
        self._roots: dict[Key, tuple[Key, ...]] = {}
        self._before: tuple[Key, ...] = ()

    def add(self, standing: Standing) -> None:
        """Note that somebody removed roots by name."""
        self._roots.update(standing)

    def begin(self) -> None:
        """A pass is about to read the manifests: what is added from now on, it may still find declared."""
        self._before = tuple(self._roots)

    @property
    def roots(self) -> dict[Key, tuple[Key, ...]]:
        """What is not gone yet."""
        return dict(self._roots)

    @property
    def named(self) -> tuple[Key, ...]:
        """The roots and all that stood for them."""
        return tuple(key for keys in self.roots.values() for key in keys)

    def end(self, plan: Plan, report: Report, declared: Collection[Key]) -> None:
        """Forget what this pass saw gone, or declared again; with a daemon it could not read it saw nothing gone.

        What it was to leave alone is not gone either.
        """
        gone = {outcome.key for outcome in report.outcomes if outcome.result is Result.OK}
        deleted = {change.key for change in plan.changes if change.action is Action.DELETE}
        left = (deleted - gone).union(plan.selection.excludes)
        for root in self._before:
            if root in declared or not (plan.unknown or left.intersection(self._roots[root])):
                del self._roots[root]
        self._before = ()
