"""Remove the objects nobody wishes or uses any more, after everything else was proven."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from conduit.canonical import canonical
from conduit.change import Action, Change, Outcome, Result
from conduit.errors import ConduitError
from conduit.model import Live, Native, walk
from conduit.obstacles import passable
from conduit.patterns import pattern
from conduit.providers.base import ObjectProvider
from conduit.work import BAD, Work

_WORDS: Final = pattern(r"""[^\s;"']+""")


def prune(work: Work) -> None:
    """Delete undeclared and superseded objects by id, unless a document mentions their facts or could not be read."""
    for name, provider in work.providers.items():
        if not isinstance(provider, ObjectProvider) or name not in work.readings:
            continue
        deletions = [c for c in work.plan.changes if c.provider == name and c.action is Action.DELETE]
        allowed = passable(work, [change for change in deletions if change.key not in work.outcomes])
        going = {change.live.id: change.live for change in allowed if change.live}
        going |= {live.id: live for live in _superseded(work, name)}
        if going:
            _remove(work, provider, allowed, list(going.values()))


def _superseded(work: Work, provider: str) -> list[Live]:
    """Return the older generations of the objects this apply replaced."""
    found: list[Live] = []
    for change in work.plan.changes:
        if change.provider != provider or not change.live or change.want is None:
            continue
        outcome = work.outcomes.get(change.key)
        if not outcome or outcome.result in BAD:
            continue
        kind = work.kinds[change.key.kind]
        lives = work.lives(kind, {change.key}).get(change.key, [])
        wish = work.resolved(change)
        if wish is None or len(lives) < 2:
            continue
        ctx = work.context(provider)
        native = kind.render(wish.spec, ctx)
        current = next((live for live in lives if kind.differs(wish, native, live, ctx) is None), lives[0])
        found += [live for live in lives if live.id != current.id]
    return found


def _remove(work: Work, provider: ObjectProvider, changes: list[Change], lives: list[Live]) -> None:
    unread = work.unread
    why = f"{unread[0]} could not be read and may still use it" if unread else "a loaded document still uses it"
    free = [] if unread else _unused(work, lives)
    work.memory.intent(provider.name, changes)
    work.pruned.add(provider.name)
    try:
        outcomes = provider.remove(free)
    except ConduitError as error:
        outcomes = {c.key: Outcome(c.key, c.action, Result.FAILED, error.diagnostics[0].summary) for c in changes}
    kept = {live.key for live in lives} - {live.key for live in free}
    declared = {change.key for change in changes if change.key not in work.desired.leaves}
    work.memory.record({key: None for key in declared if key in outcomes and outcomes[key].result is Result.OK})
    for change in changes:
        if change.key in kept:
            work.settle([Outcome(change.key, change.action, Result.SKIPPED, why)])
        elif change.key in outcomes:
            work.settle([outcomes[change.key]])


def _unused(work: Work, lives: list[Live]) -> list[Live]:
    """Return the objects of which no block in a document names a fact."""
    documents = [name for name in work.providers if work.document(name)]
    natives = [native for name in documents for native in work.readings[name].owned().values()]
    facts = {live.id: set(_texts(live.facts)) for live in lives}
    named = named_in(natives, set().union(*facts.values()))
    return [live for live in lives if not facts[live.id] & named]


def _texts(value: Any) -> list[str]:
    return [leaf for leaf in walk(value) if isinstance(leaf, str)]


def named_in(natives: Iterable[Native], facts: Collection[str]) -> set[str]:
    """Return those of some facts that blocks of a daemon name; only blocks that a fact stands in are taken apart."""
    parts = [canonical(fact)[1:-1] for fact in facts]
    telling = [native for native in natives if any(map(canonical(native).__contains__, parts))] if parts else []
    return mentioned(_texts(telling)).intersection(facts)


def mentioned(texts: Iterable[str]) -> set[str]:
    """Return all that texts of a daemon may name: themselves, their words, and addresses in these.

    An address may stand in a URL and have a port after it: `proxy_pass http://10.0.0.5:80/a;` names 10.0.0.5.
    """
    whole = set(texts)
    words = {word for text in whole for word in _WORDS.findall(text)}
    authorities = {word.partition("://")[2].partition("/")[0] for word in words if "://" in word} | words
    return whole | authorities | {word.rpartition(":")[0].strip("[]") for word in authorities}
