"""Plans that look back: the manifests of an earlier commit or run, and what the last run did not finish."""

from __future__ import annotations

from conduit.change import Result
from conduit.engine import Engine
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.model import Key
from conduit.plan import Plan, Selection

NOTHING_TO_UNDO = Code(
    "CND-2221",
    "no earlier manifests are known",
    "`apply --undo` plans the manifests of the last run before the one to be undone, which are kept in the state "
    "directory. There was no such run, or its manifests were forgotten. With git, `conduit rollback REVISION` does the "
    "same.",
)
DONE = (Result.OK, Result.UNPROVEN)


def rollback(engine: Engine, revision: str, selection: Selection = Selection()) -> Plan:
    """Plan the manifests of a commit. Raises ConduitError when there is no such commit, LoadError."""
    return engine.plan_for(engine.load_commit(revision), engine.observe(), selection)


def undo(engine: Engine, selection: Selection = Selection()) -> Plan:
    """Plan the manifests of the last run that had other ones than the run before this. Raises ConduitError."""
    started = engine.history.started()
    earlier = [each for each in started if each.manifests != started[-1].manifests] if started else []
    tree = engine.archive.tree(earlier[-1].manifests, engine.settings.base) if earlier else None
    if tree is None:
        hint = "with git: conduit rollback REVISION"
        raise ConduitError(Diagnostic(NOTHING_TO_UNDO, "the manifests of an earlier run are not known", hint=hint))
    engine.wish = engine.check(tree)
    return engine.plan_for(engine.wish.desired, engine.observe(), selection)


def unfinished(engine: Engine) -> tuple[Key, ...]:
    """Return what the last run set out to do and did not do."""
    started = engine.history.started()
    if not started:
        return ()
    results = engine.journal.outcomes(started[-1].run)
    return tuple(key for key in started[-1].keys if results.get(key) not in DONE)
