"""What a kind is: one class per file of conduit/resources/, found and registered by subclassing.

A *composite* kind expands into leaf resources. A *leaf* kind renders its spec into the daemon's own form, parses that
form back, and says which live objects there are. A kind never does both. Pure: I/O stays behind `Context`.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from conduit.change import Action, Change, Diff, FieldChange, Impact, Proof
from conduit.diff import compare, difference
from conduit.look import Look
from conduit.model import Claim, Key, Live, Native, Reading, Target
from conduit.operation import Operation, operations_of
from conduit.spec import Marker, Resource, S, Spec

if TYPE_CHECKING:
    from conduit.errors import Diagnostic
    from conduit.settings import Settings

KINDS: dict[str, Kind[Any]] = {}
"""Every kind that is imported, by its name; `conduit.resources.load_kinds` finds the others too."""

RESERVED = frozenset({"needs", "protect", "ignore", "hosts"})
"""The keys every declared resource may have beside the fields of its spec."""


class Prober(Protocol):
    """The black-box checks a kind may use to prove a root; `providers/probe.py` implements it."""

    def dns(self, name: str, rtype: str) -> list[str]:
        """Ask the site's DNS server; returns the answers in text form, empty when there are none."""

    def http(self, request: Any) -> Any:
        """Send one request through the proxy; see `conduit.providers.probe`."""


class Context(Struct, frozen=True, eq=False):
    """What a kind may know beyond its spec: settings, the time, one provider's reading, fingerprints, the prober.

    `mark(key, part, name)` is the keyed ownership mark; `fingerprint(text)` is the keyed fingerprint of a secret value;
    `secret(name)` reads a stored secret and raises `ConduitError` when it is missing; `leaves(key)` are those a
    declared resource stands for, known to proofs.
    """

    settings: Settings
    now: float
    reading: Reading | None = None
    features: frozenset[str] = frozenset()
    mark: Callable[[Key, str, str], str] = lambda key, part, name: ""
    fingerprint: Callable[[str], str] = lambda value: ""
    secret: Callable[[str], str] = lambda name: ""
    prober: Prober | None = None
    provider: Any = None
    """The opened provider, for operations alone."""
    facts: Mapping[Key, Mapping[str, Any]] = {}
    leaves: Callable[[Key], Sequence[Resource[Any]]] = lambda key: ()
    parallel: int | None = None
    """How much may be done at once, None for what is usual."""


class Kind(ABC, Generic[S]):
    """A kind of resource; subclassing with a `name` registers one instance in `KINDS`."""

    name: ClassVar[str] = ""
    plural: ClassVar[str] = ""
    spec: ClassVar[type[Spec]] = Spec
    provider: ClassVar[str] = ""
    """The provider a leaf kind lives on; empty for composite kinds."""
    composite: ClassVar[bool] = True
    """Whether this kind only expands into others: it has no provider."""
    adopt: ClassVar[Literal["mark", "at recreate"] | None] = None
    """How a foreign live object with the same claims becomes ours; None prints `adopt_step`."""
    keeps: ClassVar[bool] = False
    """Whether objects hold data: none is ever deleted by a plan, and one of the wished-for name is used as it is."""
    pins: ClassVar[bool] = False
    """Whether a wish floats: what it stands for, as the image behind a tag, may be another thing tomorrow."""
    adopt_step: ClassVar[str] = "remove it by hand, then apply"
    permission: ClassVar[str] = ""
    alarm: ClassVar[str] = "health_change"
    """What the audit trail calls it when such a resource is doing better or worse than before."""
    commands: ClassVar[str] = ""
    """The module whose class `Commands` holds what this kind adds to the command line; see `conduit.command`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.composite = not cls.provider
        if cls.name:
            if cls.name in KINDS:
                raise TypeError(f"two kinds are named {cls.name}")
            taken = RESERVED.intersection(cls.spec.model_fields)
            if taken:
                raise TypeError(f"{cls.name} has a field of a reserved name: {', '.join(sorted(taken))}")
            KINDS[cls.name] = cls()

    def target(self, spec: S) -> Target:
        """Return where a resource of this kind lives."""
        return Target(self.provider)

    def hosts(self, spec: S) -> Iterable[str]:
        """Yield the host names `expand` will resolve; those of all resources are asked side by side beforehand."""
        return ()

    def expand(self, resource: Resource[S], look: Look) -> Iterable[Resource[Any]]:
        """Yield the leaf resources a composite stands for. Raises `ConduitError` for a wish that cannot be met."""
        return ()

    def alone(self, spec: S) -> bool:
        """Return whether a declared resource says all by itself, apart from `hosts`.

        Its leaves follow from its spec and the settings: `expand` and `complete` ask `Look` for no more.
        """
        return False

    def complete(self, resource: Resource[S], look: Look) -> Resource[S]:
        """Return a leaf with what only the files it names can tell. Raises `ConduitError` for one that may not be."""
        return resource

    def observe(self, ctx: Context) -> Iterable[Live]:
        """Return all live objects of this kind, ours or not, from the one reading of the provider."""
        return ctx.reading.objects.get(self.name, ()) if ctx.reading else ()

    def render(self, spec: S, ctx: Context) -> Native:
        """Return the daemon's own form of a resolved spec, without marks."""
        raise NotImplementedError

    def parse(self, native: Native) -> S | None:
        """Return the spec a native form stands for, or None when it says more than a spec can.

        Property: `parse(render(s)) == s`, apart from write-only fields.
        """
        return None

    def same(self, want: Resource[S], native: Native, live: Live, ctx: Context) -> Diff | None:
        """Return None when the live object equals the wish, else how it differs. `native` is `render(want.spec)`.

        Override only where values are random, secret or timed.
        """
        return None if native == live.native else self.explain(want.spec, native, live.native, ctx)

    def differs(self, want: Resource[S], native: Native, live: Live, ctx: Context) -> Diff | None:
        """Return how a live object differs from all that is wished, its protection included; None when it does not."""
        diff = self.same(want, native, live, ctx)
        if want.protect == live.protected:
            return diff
        mark = FieldChange("protect", live.protected, want.protect)
        return Diff((mark,)) if diff is None else replace(diff, fields=(*diff.fields, mark))

    def explain(self, spec: S, native: Native, live: Native, ctx: Context) -> Diff:
        """Show the difference in spec terms while the live object round-trips, else as raw text."""
        parsed = self.parse(live)
        if parsed is not None and self.render(parsed, ctx) == live:
            fields = compare(parsed, spec)
            if fields:
                return Diff(fields)
        return difference(live, native)

    def remark(self, want: Resource[S], native: Native, live: Live) -> str:
        """Return what a person should know of a live object though nothing of it is changed; mostly nothing."""
        return ""

    def claims(self, spec: S) -> Iterable[Claim]:
        """Yield what only one resource may have."""
        return ()

    def prove(self, ctx: Context, resource: Resource[S]) -> Proof | None:
        """Prove from outside what a declared resource promises; None when it promises nothing visible."""
        return None

    def check_seconds(self, spec: S) -> float | None:
        """Return how often a declared resource is checked from outside; None leaves that to the settings."""
        return None

    def assign(
        self, want: Resource[S], live: Live | None, diff: Diff, ctx: Context
    ) -> tuple[Resource[S], Mapping[str, Any]]:
        """Return the wish with what plan decides for it, and the facts known before it is applied.

        `live` is what will be changed, None for a new object; `ctx.facts` are those of everything decided so far.
        What is decided here is no part of the native form. Every fact that is not returned is `Late`.
        """
        return want, {}

    def action(self, want: Resource[S], live: Live, diff: Diff) -> Action:
        """Return whether `live` can be changed as it is, or has to be replaced."""
        fields = self.spec.model_fields
        heads = {change.path.split(".")[0] for change in diff.fields}
        immutable = any(Marker.IMMUTABLE in fields[head].metadata for head in heads if head in fields)
        return Action.REPLACE if immutable else Action.UPDATE

    def pin(self, live: Live) -> Any:
        """Return as JSON what a wish that floats stands for now; it is remembered with the run."""
        return None

    def pinned(self, want: Resource[S], pin: Any, ctx: Context) -> tuple[Resource[S], str]:
        """Return a wish for just what it stood for in an earlier run, and in words why that cannot be had, if so."""
        return want, ""

    def not_restored(self, change: Change) -> Diagnostic | None:
        """Return what a change that goes back does not bring back, None when it brings back all."""
        return None

    def forbids(self, changes: Sequence[Change], ctx: Context) -> Iterable[Diagnostic]:
        """Yield why these changes of this kind must not be made together, whatever each would be by itself."""
        return ()

    def impact(self, change: Change, ctx: Context) -> Impact | None:
        """Return what applying a change interrupts; None leaves the answer to the provider."""
        return None

    @property
    def operations(self) -> dict[str, Operation]:
        """The one-off verbs of this kind."""
        return operations_of(self)
