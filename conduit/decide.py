"""The decision about one leaf: which live object is it, does it differ, how, and what would change it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from conduit.change import NO_DIFF, NO_IMPACT, Action, Change, Diff, FieldChange, Impact, Origin
from conduit.diff import compare
from conduit.errors import Code, Diagnostic
from conduit.graph import Edges, refs, with_refs
from conduit.kind import Context, Kind
from conduit.measures import instant
from conduit.model import UNRESOLVED, Claim, Key, Late, Live, Native, Reading
from conduit.spec import Ignore, Resource, Spec

REMARK = Code(
    "CND-0403",
    "a live object that stays as it is",
    "What is declared and what is there differ in a way that conduit does not change by itself, because something "
    "would be lost. The message says how they differ and what to do by hand.",
)

EMPTY = Reading({}, "")


class Observed(Struct, frozen=True):
    """One provider as plan sees it. `reason` tells why it could not be read; empty when it was.

    `frame` and `explain_frame` are None for object providers.
    """

    name: str
    order: int
    context: Context
    impact: Callable[[Change], Impact]
    reason: str = ""
    frame: Callable[[Mapping[Key, Native]], Native] | None = None
    explain_frame: Callable[[Native, Native], tuple[tuple[str, Any, Any], ...]] | None = None

    @property
    def reading(self) -> Reading:
        """What was read; empty when nothing was."""
        return self.context.reading or EMPTY


class Suppressed(Struct, frozen=True):
    """A difference that an `ignore` entry leaves alone."""

    key: Key
    field: FieldChange
    entry: Ignore


class Decider(Struct, eq=False):
    """Decides leaf after leaf, dependencies first, and remembers what each decision made known.

    `edges` are the leaves each leaf depends on; one without any has no reference. `unknown` collects the leaves that
    cannot be judged, with the reason; those in `doubts` are among them from the start.
    """

    kinds: Mapping[str, Kind[Any]]
    observed: Mapping[str, Observed]
    edges: Edges
    now: float
    doubts: Mapping[Key, Diagnostic]
    lives: dict[Key, list[Live]] = {}
    foreign: dict[tuple[str, frozenset[Claim] | Key], Live] = {}
    strangers: set[Key] = set()
    unmanaged: list[Live] = []
    surplus: list[Live] = []
    facts: dict[Key, Mapping[str, Any]] = {}
    unknown: dict[Key, str] = {}
    suppressed: list[Suppressed] = []
    remarks: list[Diagnostic] = []
    deciding: dict[str, Context] = {}

    def index(self) -> None:
        """Sort the live objects of every readable provider into ours and foreign ones."""
        kinds = [(self.kinds[name], view) for view in self._readable() for name in view.reading.objects]
        for kind, view in kinds:
            for live in kind.observe(view.context):
                if live.owned or kind.keeps:
                    self.lives.setdefault(live.key, []).append(live)
                else:
                    self.unmanaged.append(live)
                    self.strangers.add(live.key)
                    if live.claims or view.frame is None:
                        self.foreign[live.key.kind, live.claims or live.key] = live

    def _readable(self) -> Iterable[Observed]:
        return (view for view in self.observed.values() if not view.reason)

    def decide(self, leaf: Resource[Any]) -> Change | None:
        """Return the change that makes `leaf` true, or None when it is, or cannot be judged (see `unknown`)."""
        kind = self.kinds[leaf.key.kind]
        view = self.observed[kind.provider]
        depends = leaf.key in self.edges
        reason = view.reason or (self._unknown_ref(leaf) if depends else "")
        if leaf.key in self.doubts:
            reason = self.doubts[leaf.key].summary
        if reason:
            self.unknown[leaf.key] = reason
            return None
        wish = self.resolve(leaf) if depends else leaf
        native = kind.render(wish.spec, view.context)
        live, diff = self._match(kind, wish, native, view.context)
        if live is None:
            return self._create(kind, wish, native, view)
        if remark := kind.remark(wish, native, live):
            self.remarks.append(Diagnostic(REMARK, f"{leaf.key}: {remark}", leaf.source, severity="warning"))
        if diff and leaf.ignore:
            wish, native, diff = self._ignoring(kind, wish, native, live, diff, view.context)
        if not diff:
            self.facts[leaf.key] = live.facts
            return None
        wish = self._assigned(kind, wish, live, diff, view)
        return self._change(kind.action(wish, live, diff), view, wish, native, live, diff)

    def _assigned(
        self, kind: Kind[Any], wish: Resource[Any], live: Live | None, diff: Diff, view: Observed
    ) -> Resource[Any]:
        """Return a wish with what its kind decides for it; what is known beforehand is for those that refer to it."""
        context = self.deciding.get(view.name)
        if context is None:
            context = self.deciding[view.name] = replace(view.context, facts=self.facts)
        decided, self.facts[wish.key] = kind.assign(wish, live, diff, context)
        return decided

    def resolve(self, leaf: Resource[Any]) -> Resource[Any]:
        """Return `leaf` with each reference carrying the live fact, or `Late` when it is not known yet."""
        if not refs(leaf.spec):
            return leaf
        return replace(leaf, spec=with_refs(leaf.spec, lambda ref: ref.resolved(self._fact(ref.key, ref.fact))))

    def _fact(self, key: Key, fact: str) -> Any:
        return self.facts.get(key, {}).get(fact, Late(key, fact))

    def _unknown_ref(self, leaf: Resource[Any]) -> str:
        blind = [ref.key for ref in refs(leaf.spec) if ref.key in self.unknown]
        return f"it depends on {blind[0]}, which is unknown: {self.unknown[blind[0]]}" if blind else ""

    def _match(
        self, kind: Kind[Any], wish: Resource[Any], native: Native, ctx: Context
    ) -> tuple[Live | None, Diff | None]:
        """Choose the live object of a wish: one that equals it, else the first; the others are surplus."""
        found = self.lives.get(wish.key, [])
        if not found:
            return None, None
        if len(found) == 1:
            return found[0], kind.differs(wish, native, found[0], ctx)
        diffs = [kind.differs(wish, native, live, ctx) for live in found]
        chosen = diffs.index(None) if None in diffs else 0
        diff = diffs[chosen]
        if self.observed[kind.provider].frame:
            diff = replace(diff or NO_DIFF, reason="the document holds it more than once")
        else:
            self.surplus += [live for index, live in enumerate(found) if index != chosen]
        return found[chosen], diff

    def _create(self, kind: Kind[Any], wish: Resource[Any], native: Native, view: Observed) -> Change:
        wish = self._assigned(kind, wish, None, NO_DIFF, view)
        stranger = self._adoptable(kind, wish) if self.foreign and kind.adopt else None
        if stranger is None:
            if wish.key in self.strangers and view.frame is None and not kind.adopt:
                summary = f"{wish.key}: what has this name already is not conduit's, and stands in the way"
                self.remarks.append(Diagnostic(REMARK, summary, wish.source, kind.adopt_step, severity="warning"))
            return self._change(Action.CREATE, view, wish, native, None, NO_DIFF)
        self.unmanaged.remove(stranger)
        diff = kind.same(wish, native, stranger, view.context) or Diff(reason="takes over an object that has no mark")
        return self._change(Action.ADOPT, view, wish, native, stranger, diff)

    def _adoptable(self, kind: Kind[Any], wish: Resource[Any]) -> Live | None:
        """Return the foreign object a wish takes over: with its claims, or one of its name that claims nothing."""
        claims = frozenset(kind.claims(wish.spec))
        by_claims = self.foreign.get((wish.key.kind, claims)) if claims else None
        return by_claims or self.foreign.get((wish.key.kind, wish.key))

    def _change(
        self, action: Action, view: Observed, wish: Resource[Any], native: Native, live: Live | None, diff: Diff
    ) -> Change:
        undecided = Origin.UNKNOWN
        return Change(
            action, wish.key, view.name, diff, undecided, wish.source, wish.root, NO_IMPACT, wish, native, live
        )

    def _ignoring(
        self, kind: Kind[Any], wish: Resource[Any], native: Native, live: Live, diff: Diff, ctx: Context
    ) -> tuple[Resource[Any], Native, Diff | None]:
        """Give ignored fields their live values, so that only the rest is compared and written."""
        parsed = kind.parse(live.native)
        if parsed is None:
            return wish, native, diff
        spec = wish.spec
        for entry in wish.ignore:
            if holds(entry, self.now):
                spec = graft(spec, parsed, _leaf_path(wish, entry.path))
        self.suppressed += [
            Suppressed(wish.key, change, entry)
            for change in compare(parsed, wish.spec)
            for entry in wish.ignore
            if holds(entry, self.now) and _covers(_leaf_path(wish, entry.path), change.path)
        ]
        wish = replace(wish, spec=spec)
        native = kind.render(spec, ctx)
        return wish, native, kind.differs(wish, native, live, ctx)


def holds(entry: Ignore, now: float) -> bool:
    """Return whether an ignore entry is still in force at `now` (seconds since the epoch)."""
    return entry.until is None or now < instant(entry.until)


def graft(want: Any, live: Any, path: tuple[str, ...]) -> Any:
    """Return `want` with the value at `path` taken from `live`; a path that leads nowhere changes nothing."""
    if not path:
        return live
    head, rest = path[0], path[1:]
    if isinstance(want, Spec) and isinstance(live, Spec) and head in type(want).model_fields:
        return want.model_copy(update={head: graft(getattr(want, head), getattr(live, head), rest)})
    if isinstance(want, dict) and isinstance(live, dict):
        if head not in live:
            return {name: value for name, value in want.items() if name != head}
        return want | {head: graft(want.get(head, UNRESOLVED), live[head], rest)}
    return want


def _leaf_path(leaf: Resource[Any], path: str) -> tuple[str, ...]:
    """Translate a path in the root's terms into the leaf's."""
    head, *rest = path.split(".")
    for name, source in leaf.from_.items():
        if source == head:
            return (name, *rest)
    return (head, *rest)


def _covers(prefix: tuple[str, ...], path: str) -> bool:
    return tuple(path.split("."))[: len(prefix)] == prefix
