"""Remove the objects nobody wishes or uses any more, after everything else was proven."""

from __future__ import annotations

from conduit.errors import ConduitError
from conduit.model import Action, Change, Live, Outcome, Result, walk
from conduit.providers.base import DocumentProvider, ObjectProvider
from conduit.work import BAD, Work


def prune(work: Work) -> None:
    """Delete undeclared and superseded objects by id, unless a loaded document still mentions their facts."""
    for name, provider in work.providers.items():
        if not isinstance(provider, ObjectProvider) or name not in work.readings:
            continue
        deletions = [c for c in work.plan.changes if c.provider == name and c.action is Action.DELETE]
        allowed = work.passable(change for change in deletions if change.key not in work.outcomes)
        going = {change.live.id: change.live for change in allowed if change.live}
        going |= {live.id: live for live in _superseded(work, name)}
        if going:
            _remove(work, provider, allowed, list(going.values()))


def _superseded(work: Work, provider: str) -> list[Live]:
    """Return the older generations of the objects this apply replaced."""
    found: list[Live] = []
    for change in work.plan.changes:
        outcome = work.outcomes.get(change.key)
        if (
            change.provider != provider
            or not change.live
            or change.want is None
            or not outcome
            or outcome.result in BAD
        ):
            continue
        kind = work.kinds[change.key.kind]
        lives = work.lives(kind).get(change.key, [])
        wish = work.resolved(change)
        if wish is None or len(lives) < 2:
            continue
        ctx = work.context(provider)
        native = kind.render(wish.spec, ctx)
        current = next((live for live in lives if kind.same(wish, native, live, ctx) is None), lives[0])
        found += [live for live in lives if live.id != current.id]
    return found


def _remove(work: Work, provider: ObjectProvider, changes: list[Change], lives: list[Live]) -> None:
    used = _mentioned(work)
    free = [live for live in lives if not used.intersection(v for v in walk(live.facts) if isinstance(v, str))]
    work.memory.intent(provider.name, changes)
    try:
        outcomes = provider.remove(free)
    except ConduitError as error:
        outcomes = {c.key: Outcome(c.key, c.action, Result.FAILED, error.diagnostics[0].summary) for c in changes}
    kept = {live.key for live in lives} - {live.key for live in free}
    declared = {change.key for change in changes if change.key not in work.desired.leaves}
    work.memory.record({key: None for key in declared if key in outcomes and outcomes[key].result is Result.OK})
    for change in changes:
        if change.key in kept:
            work.settle([Outcome(change.key, change.action, Result.SKIPPED, "a loaded document still uses it")])
        elif change.key in outcomes:
            work.settle([outcomes[change.key]])


def _mentioned(work: Work) -> set[str]:
    """Return every text value in the blocks that documents hold now."""
    documents = [name for name, provider in work.providers.items() if isinstance(provider, DocumentProvider)]
    natives = [native for name in documents if name in work.readings for native in work.readings[name].owned().values()]
    return {value for native in natives for value in walk(native) if isinstance(value, str)}
