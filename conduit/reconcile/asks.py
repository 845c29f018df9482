"""What the reconciler's thread may be asked for, and what it gives; nothing else crosses the queue. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from conduit.errors import Diagnostic
from conduit.expand import Desired
from conduit.model import Key
from conduit.plan import Plan, Selection
from conduit.reconcile.suspension import Suspension
from conduit.report import ApplyOptions, Report


class Preview(Struct, frozen=True):
    """Ask for a fresh plan; nothing is changed."""

    selection: Selection = Selection()


class Apply(Struct, frozen=True):
    """Ask for a plan and its apply. With `digest` only the very plan that was looked at is applied.

    An act on some resources has these, and what stood for them, as its `own`: of all others it carries along what the
    loop would apply now, and nothing else. None stands for all, whatever the loop would leave alone.
    """

    selection: Selection = Selection()
    digest: str = ""
    own: frozenset[Key] | None = None
    options: ApplyOptions = ApplyOptions()

    @property
    def shared(self) -> bool:
        """Whether others may be answered by the same pass."""
        return self.selection == Selection() and not self.digest

    def with_others(self, others: Iterable[Apply]) -> Apply:
        """Return the pass that answers this and `others`, whose limits are of the same sort."""
        if self.own is None:
            return self
        return replace(self, own=self.own.union(*(other.own or () for other in others)))


class Operate(Struct, frozen=True):
    """Ask for a one-off verb of a resource, or of a provider when the key is `frame/<provider>`.

    `begin` is called when its turn has come and the lock is held; it is skipped when that returns False.
    """

    key: Key
    verb: str
    parameters: Mapping[str, Any] = {}
    begin: Callable[[], bool] = lambda: True


class Tend(Struct, frozen=True):
    """Ask for a pass of the loop: apply what the site's mode, a suspension and earlier failures let through.

    An `echo` was set off by what may have been made true since; then there is nothing to do.
    """

    echo: bool = False


Ask = Preview | Apply | Operate | Tend


class Passed(Struct, frozen=True, dict=True):
    """One pass: its plan, and its report when it applied.

    `leaving` are the roots that were removed by name and are not gone yet, each with what stood for it.
    """

    plan: Plan
    desired: Desired
    report: Report | None = None
    leaving: Mapping[Key, tuple[Key, ...]] = {}

    def root_of(self, key: Key) -> Key:
        """Return the root a change of this pass belongs to."""
        return self.roots.get(key, key)

    @cached_property
    def roots(self) -> Mapping[Key, Key]:
        """The root of everything that this pass changes, and of what is leaving."""
        roots = {change.key: change.root for change in self.plan.changes}
        return roots | {key: root for root, keys in self.leaving.items() for key in keys}

    def changed(self, root: Key) -> bool:
        """Whether something of a root was changed, or tried to be."""
        return self.report is not None and any(self.root_of(each.key) == root for each in self.report.outcomes)

    def unjudged(self, root: Key | None) -> dict[Key, str]:
        """Return the leaves nobody could say anything about, of one root or of all, each with the reason."""
        own = self.desired.children.get(root, ()) if root else self.plan.unjudged
        found = {key: self.plan.unjudged[key] for key in own if key in self.plan.unjudged}
        blind = "; ".join(f"{name} cannot be read: {reason}" for name, reason in self.plan.unknown.items())
        return found | ({root: blind} if root and blind and root in self.leaving else {})


class Snapshot(Struct, frozen=True):
    """What the last pass knew. `number` counts passes; `facts` are those of the live objects by key.

    `problems` tell why the manifests do not load now; everything else is then of the last pass that did.
    """

    number: int = 0
    desired: Desired = field(default_factory=lambda: Desired({}, {}, {}, {}, {}))
    plan: Plan | None = None
    report: Report | None = None
    facts: Mapping[Key, Mapping[str, Any]] = {}
    at: float = 0.0
    problems: tuple[Diagnostic, ...] = ()
    held: Mapping[Key, str] = {}
    """The changes the loop leaves alone, with the reasons."""
    drift: Mapping[Key, float] = {}
    """Since when (epoch) each difference that the host caused has been seen."""
    suspended: Suspension | None = None
