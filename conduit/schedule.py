"""The order of an apply: steps in rounds, dependencies first, make before break as the tie-break. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import takewhile

from msgspec import Struct

from conduit.change import Action, Change, Disturbance
from conduit.graph import Edges
from conduit.model import FRAME, Key


class Step(Struct, frozen=True):
    """What one provider does at once: a document commit, or objects that wait for nothing more."""

    provider: str
    document: bool
    changes: tuple[Change, ...]


Round = tuple[Step, ...]
"""Steps of different providers that do not wait for each other."""


def schedule(
    changes: Iterable[Change], edges: Edges, documents: Collection[str], order: Mapping[str, int]
) -> list[Round]:
    """Return the rounds of an apply. `documents` names the document providers, `order` ranks all providers.

    Objects go as soon as they can. A document commits once, when everything its changes wait for is done; only a path
    that leaves a document and returns to it makes it commit what is ready first. Deletions ride along in documents, in
    the same order, so that a name is gone before the site it leads to. Deletions of objects are not scheduled: they
    come after proof. What only stops goes last, when nothing leads there any more, and before what it depends on.
    """
    others: dict[Key, Change] = {}
    stopping: dict[Key, Change] = {}
    for change in changes:
        if change.action is not Action.DELETE or change.provider in documents:
            (stopping if change.impact.disturbance is Disturbance.STOP else others)[change.key] = change
    return [*_rounds(others, edges, documents, order), *_rounds(stopping, _reversed(edges, stopping), documents, order)]


def awaited(rounds: Sequence[Round], edges: Edges) -> set[Key]:
    """Return the changes that a step beside theirs or after it waits for: it depends on them, or is of their root."""
    found: set[Key] = set()
    needed: set[Key] = set()
    roots: set[Key] = set()
    for steps in reversed(rounds):
        changes = [change for step in steps for change in step.changes]
        needed.update(key for change in changes for key in edges.get(change.key, ()))
        here = Counter(root for step in steps for root in {change.root for change in step.changes})
        roots.update(root for root, count in here.items() if count > 1)
        found.update(change.key for change in changes if change.key in needed or change.root in roots)
        roots.update(here)
    return found


def _reversed(edges: Edges, keys: Collection[Key]) -> Edges:
    """Return the edges between some keys, the other way round."""
    found: Edges = {}
    for key in keys:
        for dependency in edges.get(key, ()):
            found[dependency] = (*found.get(dependency, ()), key)
    return found


def _rounds(
    waiting: dict[Key, Change], edges: Edges, documents: Collection[str], order: Mapping[str, int]
) -> list[Round]:
    rounds: list[Round] = []
    while waiting:
        step_round = _objects(waiting, edges, documents) or _document(waiting, edges, order)
        for step in step_round:
            for change in step.changes:
                del waiting[change.key]
        rounds.append(step_round)
    return rounds


def _blocked(key: Key, waiting: Mapping[Key, Change], edges: Edges) -> bool:
    return any(dependency in waiting for dependency in edges.get(key, ()))


def _objects(waiting: Mapping[Key, Change], edges: Edges, documents: Collection[str]) -> Round:
    ready: dict[str, list[Change]] = {}
    objects = {key: change for key, change in waiting.items() if change.provider not in documents}
    for key, change in sorted(objects.items()):
        if not _blocked(key, waiting, edges):
            ready.setdefault(change.provider, []).append(change)
    return tuple(Step(provider, False, tuple(found)) for provider, found in sorted(ready.items()))


def _document(waiting: Mapping[Key, Change], edges: Edges, order: Mapping[str, int]) -> Round:
    """Return the next document commit: a whole one in make-before-break order, else as much of one as is ready.

    Whole ones that follow each other and only add commit side by side: a name without a site answers nothing.
    """
    by_provider: dict[str, dict[Key, Change]] = {}
    for key, change in waiting.items():
        by_provider.setdefault(change.provider, {})[key] = change
    ranked = sorted(by_provider, key=order.__getitem__)
    ready = {provider: _ready(by_provider[provider], waiting, edges) for provider in ranked}
    whole = [provider for provider in ranked if len(ready[provider]) == len(by_provider[provider])]
    partial = [provider for provider in ranked if any(key.kind != FRAME for key in ready[provider])]
    adding = list(takewhile(lambda provider: _only_adds(ready[provider].values()), whole))
    chosen = adding or (whole or partial)[:1]
    return tuple(Step(name, True, tuple(map(ready[name].__getitem__, sorted(ready[name])))) for name in chosen)


def _only_adds(changes: Iterable[Change]) -> bool:
    """Tell whether changes let go of nothing; the frame follows what is in it."""
    return all(change.action is Action.CREATE or change.key.kind == FRAME for change in changes)


def _ready(own: Mapping[Key, Change], waiting: Mapping[Key, Change], edges: Edges) -> dict[Key, Change]:
    """Return the largest part of a document's changes whose dependencies are done or in the same part."""
    ready = dict(own)
    while edges:
        stuck = [key for key in ready if key in edges and any(d in waiting and d not in ready for d in edges[key])]
        if not stuck:
            return ready
        for key in stuck:
            del ready[key]
    return ready
