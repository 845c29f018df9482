"""The plan: what would change, why, in which order, and what it would interrupt. Pure, immutable, hashable data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.canonical import canonical, digest_of
from conduit.change import Action, Change, Diff, FieldChange, Origin
from conduit.decide import Decider, Observed, Suppressed
from conduit.errors import Diagnostic
from conduit.expand import Desired
from conduit.graph import order
from conduit.kind import Kind
from conduit.model import FRAME, Key, Live, Native, Source
from conduit.safety import SUPERSEDED, over_budget, split_protected
from conduit.schedule import Round, schedule
from conduit.spec import Resource

BESIDE: Final = ({"protect"}, {"pin"}, {"protect", "pin"})
"""Fields that are no part of a native form: when only these differ, it was the wish that moved."""
Applied = Callable[[Collection[Key]], Mapping[Key, str] | None]
"""Looks up the canonical last applied natives; None when there are no records at all."""


class Selection(Struct, frozen=True):
    """Which part of a plan is wanted, and how many deletions the caller allows.

    `named` are resources the caller deletes by name: they do not count towards the prune budget.
    """

    targets: tuple[Key, ...] = ()
    excludes: tuple[Key, ...] = ()
    allow_deletes: int | None = None
    named: tuple[Key, ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.targets or self.excludes)

    def with_leaves(self, children: Mapping[Key, Sequence[Key]]) -> Selection:
        """Return this selection with all leaves its targets stand for, also those they share with others."""
        leaves = (leaf for target in self.targets for leaf in children.get(target, ()))
        return replace(self, targets=(*self.targets, *leaves))

    def wants(self, change: Change) -> bool:
        """Return whether a change was asked for."""
        if not (self.targets or self.excludes):
            return True
        named = (change.key, change.root)
        if self.targets and not any(key in self.targets for key in named):
            return False
        return not any(key in self.excludes for key in named)


class Plan(Struct, frozen=True):
    """What an apply would do. `unknown` maps each provider that could not be read to the reason.

    `unjudged` are the declared leaves nobody can say anything about now; `unsafe` are the rules the plan breaks.
    `versions` are the live versions the changes were computed from; `digest` covers them and the changes. `past` says
    in words which earlier manifests it would make true, "" for those that are there.
    """

    changes: tuple[Change, ...]
    rounds: tuple[Round, ...]
    unchanged: int
    unmanaged: tuple[Live, ...]
    ignored: tuple[Suppressed, ...]
    unknown: Mapping[str, str]
    unjudged: Mapping[Key, str]
    warnings: tuple[Diagnostic | str, ...]
    unsafe: tuple[Diagnostic, ...]
    versions: Mapping[str, str]
    digest: str
    commit: str
    selection: Selection
    past: str = ""

    @property
    def drift(self) -> tuple[Change, ...]:
        """The changes the host caused, alone or together with git."""
        return tuple(c for c in self.changes if c.origin in (Origin.DRIFT, Origin.BOTH))

    def digest_of_root(self, root: Key) -> str:
        """Return the hash of what would change of one root; unlike `digest`, nothing beside it moves this."""
        own = [change for change in self.changes if change.root == root]
        return digest_of([[c.action, str(c.key), c.native, c.live.native if c.live else None] for c in own])

    @property
    def empty(self) -> bool:
        """Whether live equals the wish as far as anyone can tell."""
        return not self.changes


def make_plan(
    desired: Desired,
    kinds: Mapping[str, Kind[Any]],
    observed: Mapping[str, Observed],
    applied: Applied,
    now: float,
    *,
    selection: Selection = Selection(),
    commit: str = "",
    prune_percent: int = 30,
) -> Plan:
    """Compare the whole wish with all that was observed. Deterministic: equal inputs give equal plans.

    What is settled in the wish must be so for what was observed.
    """
    decider = Decider(kinds, observed, desired.edges, now, desired.doubts)
    decider.index()
    found = [change for leaf in _in_order(desired) if (change := decider.decide(leaf))]
    deletes, kept = split_protected(_deletions(decider, desired, observed))
    wanted = selection.with_leaves(desired.children)
    chosen = [*filter(wanted.wants, found), *filter(wanted.wants, deletes)] if wanted.narrow else [*found, *deletes]
    changes = _weighed(_by_provider(chosen, observed, bool(selection.targets)), kinds, observed, applied)
    counted = [change for change in changes if change.key not in selection.named] if selection.named else changes
    budget = over_budget(counted, decider.lives, desired.leaves, prune_percent, selection.allow_deletes)
    versions = {view.name: view.reading.version for view in observed.values() if not view.reason}
    documents = {view.name for view in observed.values() if view.frame}
    return Plan(
        changes=tuple(changes),
        rounds=tuple(schedule(changes, desired.edges, documents, {v.name: v.order for v in observed.values()})),
        unchanged=len(desired.leaves) - len(found) - len(decider.unknown),
        unmanaged=tuple(sorted(decider.unmanaged, key=lambda live: (live.key, live.place))),
        ignored=tuple(decider.suppressed),
        unknown={view.name: view.reason for view in observed.values() if view.reason},
        unjudged=decider.unknown,
        warnings=(*kept, *decider.remarks, *(words for view in observed.values() for words in view.reading.warnings)),
        unsafe=(*([budget] if budget else ()), *_forbidden(changes, kinds, observed)),
        versions=versions,
        digest=_digest(changes, versions),
        commit=commit,
        selection=selection,
    )


def _in_order(desired: Desired) -> Iterable[Resource[Any]]:
    """Yield all leaves so that each comes after those it refers to; `needs` alone does not matter for deciding.

    Those of a settled root have no difference, and are left out.
    """
    connected = [key for key in order(desired.edges) if key in desired.leaves] if desired.edges else []
    others = (key for root, own in desired.children.items() if root not in desired.settled for key in own)
    yield from (desired.leaves[key] for key in dict.fromkeys((*connected, *others)))


def _deletions(decider: Decider, desired: Desired, observed: Mapping[str, Observed]) -> Iterable[Change]:
    for key, lives in decider.lives.items():
        if key in desired.leaves:
            continue
        if decider.kinds[key.kind].keeps:
            decider.unmanaged += lives
        else:
            whole = observed[decider.kinds[key.kind].provider].frame is not None
            yield from (
                _deletion(decider, live, observed, "no longer declared") for live in (lives[:1] if whole else lives)
            )
    yield from (_deletion(decider, live, observed, SUPERSEDED) for live in decider.surplus)


def _deletion(decider: Decider, live: Live, observed: Mapping[str, Observed], reason: str) -> Change:
    view = observed[decider.kinds[live.key.kind].provider]
    return Change(
        Action.DELETE, live.key, view.name, Diff(reason=reason), Origin.UNKNOWN, Source(""), live.key, live=live
    )


def _forbidden(
    changes: Iterable[Change], kinds: Mapping[str, Kind[Any]], observed: Mapping[str, Observed]
) -> Iterable[Diagnostic]:
    """Yield what the kinds themselves have against the changes of a plan."""
    of: dict[str, list[Change]] = {}
    for change in changes:
        of.setdefault(change.key.kind, []).append(change)
    for name, own in of.items():
        if name != FRAME:
            yield from kinds[name].forbids(own, observed[kinds[name].provider].context)


def _by_provider(changes: Iterable[Change], observed: Mapping[str, Observed], partial: bool) -> list[Change]:
    """Return changes in the order of their providers, then of their keys, each document's frame before its blocks."""
    own: dict[str, list[Change]] = {}
    for change in changes:
        own.setdefault(change.provider, []).append(change)
    ordered: list[Change] = []
    for view in sorted(observed.values(), key=attrgetter("order")):
        blocks = sorted(own.get(view.name, ()), key=attrgetter("key"))
        frame = None if partial and not blocks else _frame_change(view, blocks)
        ordered += (frame, *blocks) if frame else blocks
    return ordered


def _frame_change(view: Observed, own: Sequence[Change]) -> Change | None:
    """Return the change of a document's frame around the blocks it will hold when its `own` changed, or None."""
    if view.frame is None or view.explain_frame is None or view.reason:
        return None
    blocks = view.reading.owned() | {c.key: c.native for c in own}
    want = view.frame({key: native for key, native in blocks.items() if native is not None})
    live, stale = view.reading.frame, view.reading.stale
    if (want == live and not stale) or (live is None and not own and not blocks):
        return None
    key = Key(FRAME, view.name)
    fields = tuple(FieldChange(*each) for each in view.explain_frame(live, want)) if want != live else ()
    action = Action.CREATE if live is None else Action.UPDATE
    holder = None if live is None else Live(key, view.name, live, owned=True)
    return Change(
        action, key, view.name, Diff(fields, reason=stale), Origin.UNKNOWN, Source(""), key, native=want, live=holder
    )


def _weighed(
    changes: Sequence[Change], kinds: Mapping[str, Kind[Any]], observed: Mapping[str, Observed], applied: Applied
) -> list[Change]:
    """Return changes with what they interrupt, and with their origin as far as there are records."""
    records = applied([change.key for change in changes]) if changes else None
    judges = {name: kinds[name] for name in {change.key.kind for change in changes} - {FRAME}}

    def weighed(change: Change) -> Change:
        view, kind = observed[change.provider], judges.get(change.key.kind)
        special = kind.impact(change, view.context) if kind else None
        origin = Origin.UNKNOWN if records is None else origin_of(change, records.get(change.key))
        return replace(change, impact=special or view.impact(change), origin=origin)

    return list(map(weighed, changes))


def origin_of(change: Change, last: str | None) -> Origin:
    """Tell who moved, from the last applied native: git (pending), the host (drift), or both."""
    if change.diff.reason == SUPERSEDED or change.action is Action.ADOPT:
        return Origin.PENDING
    if last is None:
        return Origin.UNKNOWN if change.live else Origin.PENDING
    wish_moved = change.native is None or canonical(change.native) != last
    host_moved = change.live is None or canonical(change.live.native) != last
    if wish_moved and host_moved:
        return Origin.BOTH
    if not host_moved and (change.diff.due or {field.path for field in change.diff.fields} in BESIDE):
        return Origin.PENDING
    return Origin.PENDING if wish_moved else Origin.DRIFT


def _digest(changes: Sequence[Change], versions: Mapping[str, str]) -> str:
    parts: list[Native] = [[c.action, c.key, c.native, [c.live.id, c.live.native] if c.live else None] for c in changes]
    return digest_of([parts, dict(versions)])
