"""A one-off verb: something that happens once and is nobody's desired state, such as a restart or a rotation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from conduit.change import Action, Change, Diff, Origin, Outcome, Result
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.journal import Run
from conduit.kind import Context, Kind
from conduit.model import FRAME, Key, Live, Source
from conduit.observe import view
from conduit.operation import Operation, operations_of
from conduit.providers.base import Provider

NO_VERB = Code(
    "CND-0581",
    "no such operation",
    "A kind has a few verbs that happen once, and a provider has some too. The message lists those there are.",
)
NOT_GIVEN = Code(
    "CND-0583",
    "an operation that needs to be told more",
    "`conduit operate` gives an operation nothing but what it is done to. One that needs more, such as the new "
    "password of a user, has a command of its own, which reads it without showing it; `conduit --help` lists them.",
)
NO_OBJECT = Code(
    "CND-0582",
    "nothing to operate on",
    "An operation works on a live object that is ours, and there is none of this name. Declare and apply it first.",
)


def operate(
    run: Run, provider: Provider, kind: Kind[Any] | None, key: Key, verb: str, given: Mapping[str, Any], ctx: Context
) -> Outcome:
    """Carry out `verb` on the live object `key`, or on the provider when there is no kind, and journal it.

    Raises `ConduitError` when there is no such verb or object, or the provider cannot be read.
    """
    owner, live, context = (provider, None, ctx) if kind is None else (kind, *_found(provider, kind, key, ctx))
    found: Operation | None = operations_of(owner).get(verb)
    if found is None:
        known = ", ".join(operations_of(owner)) or "none"
        raise ConduitError(Diagnostic(NO_VERB, f"{key} has no operation {verb}", hint=f"there are: {known}"))
    if missing := set(found.takes) - given.keys():
        words = f"{verb} of {key} needs {' and '.join(sorted(missing))}"
        raise ConduitError(Diagnostic(NOT_GIVEN, words, hint="it has a command of its own; see conduit --help"))
    step = Change(Action.UPDATE, key, provider.name, Diff(reason=verb), Origin.UNKNOWN, Source(""), key)
    run.intent(provider.name, [step])
    outcome = _carried_out(found, key, context, live, given)
    run.outcome([outcome])
    run.finish(outcome.result)
    return outcome


def permission_of(key: Key, kinds: Mapping[str, Kind[Any]]) -> str:
    """Return what it takes to operate on a resource, or on a provider named `frame/<provider>`."""
    kind = None if key.kind == FRAME else kinds[key.kind]
    return f"{(kind.permission if kind else '') or 'system'}:write"


def _found(provider: Provider, kind: Kind[Any], key: Key, ctx: Context) -> tuple[Live, Context]:
    """Return the newest live object of a key, and the context an operation on it gets."""
    context = replace(view(provider, provider.read(), "", ctx).context, provider=provider)
    live = next((each for each in kind.observe(context) if each.key == key and each.owned), None)
    if live is None:
        raise ConduitError(Diagnostic(NO_OBJECT, f"there is no live {key}", hint="declare and apply it first"))
    return live, context


def _carried_out(found: Operation, key: Key, ctx: Context, live: Live | None, given: Mapping[str, Any]) -> Outcome:
    started = time.monotonic()
    try:
        outcome: Outcome = found.run(ctx, live, given)
    except (ConduitError, OSError) as error:
        outcome = Outcome(key, Action.UPDATE, Result.FAILED, str(error))
    return replace(outcome, key=key, seconds=time.monotonic() - started)
