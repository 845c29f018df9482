"""The state of one apply while it runs: what was read last, what came of each change, who is to blame."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from conduit.change import Change, Outcome, Result
from conduit.decide import Observed
from conduit.expand import Desired
from conduit.failpoints import fail
from conduit.graph import refs, with_refs
from conduit.kind import Context, Kind
from conduit.model import FRAME, Key, Late, Live, Native, Reading
from conduit.plan import Plan
from conduit.providers.base import DocumentProvider, Provider
from conduit.providers.transaction import Block
from conduit.report import ApplyOptions, Event, EventKind, Listener, nobody
from conduit.spec import Resource

BAD = (Result.FAILED, Result.QUARANTINED, Result.REVERTED, Result.SKIPPED)


class Memory(Protocol):
    """What an apply leaves behind: intent before, outcome after, and the natives it wrote."""

    def intent(self, provider: str, changes: Iterable[Change]) -> None:
        """Write down what is about to change; raising means that nothing may."""

    def outcome(self, outcomes: Iterable[Outcome]) -> None:
        """Write down what became of it."""

    def expect(self, natives: Mapping[Key, Native | None]) -> None:
        """Make ready to remember natives that are being written."""

    def record(self, natives: Mapping[Key, Native | None]) -> None:
        """Remember the natives just written; None forgets a key."""


class Work(Struct, eq=False):
    """One apply. `readings` holds the newest reading of each provider, `blamed` the roots that failed and why.

    `made` are the objects that were changed, whether or not the change held. `by_key` are the changes of the plan,
    sorted out when the first of them fails. `owed` are roots of earlier applies that have not passed their proof yet,
    `unasked` those of this one for whose proof there was no time. `keeping` are the providers that failed to let go of
    something, `pruned` those whose objects were removed since they were read.
    """

    plan: Plan
    desired: Desired
    kinds: Mapping[str, Kind[Any]]
    observed: Mapping[str, Observed]
    providers: Mapping[str, Provider]
    memory: Memory
    proof_context: Context
    options: ApplyOptions
    listen: Listener
    stop: threading.Event
    readings: dict[str, Reading] = {}
    outcomes: dict[Key, Outcome] = {}
    facts: dict[Key, Mapping[str, Any]] = {}
    blamed: dict[Key, str] = {}
    contexts: dict[str, Context] = {}
    owed: list[Key] = []
    unasked: set[Key] = set()
    made: set[Key] = set()
    late: set[Key] = set()
    by_key: dict[Key, Change] = {}
    keeping: set[str] = set()
    pruned: set[str] = set()
    stale: bool = False
    interrupted: bool = False

    def __post_init__(self) -> None:
        edges = self.desired.edges
        depending = (c for c in self.plan.changes if c.want and c.key in edges) if edges else ()
        self.late = {change.key for change in depending if change.want and _waits(change.want)}
        self.readings = {name: view.reading for name, view in self.observed.items() if not view.reason}

    def document(self, name: str) -> DocumentProvider[Any] | None:
        """Return a provider when its objects are blocks of a document."""
        provider = self.providers[name]
        return provider if isinstance(provider, DocumentProvider) else None

    @property
    def unread(self) -> list[str]:
        """The documents nobody knows the content of: not readable, or written with an unknown end."""
        return [name for name in self.providers if self.document(name) and name not in self.readings]

    def context(self, provider: str) -> Context:
        """Return the provider's context over its newest reading."""
        reading = self.readings[provider]
        known = self.contexts.get(provider)
        if known is None or known.reading is not reading:
            known = self.contexts[provider] = replace(self.observed[provider].context, reading=reading)
        return known

    def lives(self, kind: Kind[Any], keys: Collection[Key]) -> dict[Key, list[Live]]:
        """Return our live objects of a kind with these keys, from the newest reading."""
        found: dict[Key, list[Live]] = {}
        for live in kind.observe(self.context(kind.provider)):
            if live.owned and live.key in keys:
                found.setdefault(live.key, []).append(live)
        return found

    def proving_context(self) -> Context:
        """Return what proofs may know: the prober, the newest facts of every leaf, and what each root stands for."""
        lives = (live for reading in self.readings.values() for live in reading.ours() if live.facts)
        return replace(self.proof_context, facts=sole_facts(lives) | self.facts, leaves=self.desired.leaves_of)

    def resolved(self, change: Change) -> Resource[Any] | None:
        """Return the wish of a change with all late references filled in, or None while one is still missing."""
        if change.want is None or change.key not in self.late:
            return change.want
        known = self.facts
        late = [ref for ref in refs(change.want.spec) if isinstance(ref.value, Late)]
        if any(ref.fact not in known.get(ref.key, {}) for ref in late):
            return None
        spec = with_refs(change.want.spec, lambda ref: ref.resolved(known[ref.key][ref.fact]) if ref in late else ref)
        return replace(change.want, spec=spec)

    def block(self, change: Change) -> Block | None:
        """Return what a document gets for a change; None deletes."""
        wish = self.resolved(change)
        if wish is None:
            return None
        if wish is change.want:
            return Block(change.native, wish.protect)
        return Block(self.kinds[change.key.kind].render(wish.spec, self.context(change.provider)), wish.protect)

    def lets_go(self, change: Change) -> bool:
        """Tell whether a change gives up a claim; a deletion gives up all there are."""
        if change.key.kind == FRAME or change.live is None:
            return False
        if change.want is None:
            return True
        kind = self.kinds[change.key.kind]
        parsed = kind.parse(change.live.native)
        return parsed is not None and not set(kind.claims(parsed)) <= set(kind.claims(change.want.spec))

    def begin(self, provider: str, changes: Collection[Change]) -> None:
        """Write down what a provider is about to change. Raises ConduitError: then nothing may."""
        self.memory.intent(provider, changes)
        fail("apply.intent")
        number = len(changes)
        self.listen(Event(EventKind.STARTED, None, provider, f"{number} change{'' if number == 1 else 's'}"))

    def settle(self, outcomes: Iterable[Outcome]) -> None:
        """Note outcomes: journal them, tell the listener, blame the roots of failures."""
        outcomes = list(outcomes)
        if not outcomes:
            return
        self.memory.outcome(outcomes)
        for outcome in outcomes:
            self.note(outcome)
        for outcome in outcomes if self.listen is not nobody else ():
            self.listen(Event(EventKind.FINISHED, outcome.key, "", f"{outcome.action} {outcome.result}"))

    def note(self, outcome: Outcome) -> None:
        """Keep what came of a change, for those that follow it."""
        self.outcomes[outcome.key] = outcome
        if outcome.facts:
            self.facts[outcome.key] = outcome.facts
        if outcome.result in BAD:
            self._note_bad(outcome)

    def _note_bad(self, outcome: Outcome) -> None:
        self.by_key = self.by_key or {change.key: change for change in self.plan.changes}
        change = self.by_key.get(outcome.key)
        if change and self.lets_go(change):
            self.keeping.add(change.provider)
        if outcome.result in (Result.FAILED, Result.QUARANTINED):
            leaf = self.desired.leaves.get(outcome.key)
            root = leaf.root if leaf else outcome.key
            for each in (root, *self.desired.sharers({root})):
                self.blame(each, outcome.reason)

    def blame(self, root: Key, reason: str) -> None:
        """Mark a root as failed; nothing more of it is done, and what was done is taken back."""
        if root.kind != FRAME:
            self.blamed.setdefault(root, reason)


def _waits(wish: Resource[Any]) -> bool:
    return any(isinstance(ref.value, Late) for ref in refs(wish.spec))


def sole_facts(lives: Iterable[Live]) -> dict[Key, Mapping[str, Any]]:
    """Return the facts of each key with one live object; of several generations nobody knows which one is served."""
    found: dict[Key, list[Live]] = {}
    for live in lives:
        found.setdefault(live.key, []).append(live)
    return {key: same[0].facts for key, same in found.items() if len(same) == 1 and same[0].facts}
