"""Plans that look back: the manifests of an earlier commit or run, and what the last run did not finish."""

from __future__ import annotations

from conduit.change import Result
from conduit.engine import Engine
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.history import History, Started
from conduit.manifests.commits import committed_tree
from conduit.model import Key
from conduit.pins import as_then
from conduit.plan import Plan, Selection
from conduit.wish import Wish

NOTHING_TO_UNDO = Code(
    "CND-2221",
    "no earlier manifests are known",
    "`apply --undo` plans the manifests of the last run before the one to be undone, which are kept in the state "
    "directory. There was no such run, or its manifests were forgotten. With git, `conduit rollback REVISION` does the "
    "same.",
)
DONE = (Result.OK, Result.UNPROVEN)


def rollback(engine: Engine, revision: str, selection: Selection = Selection()) -> Plan:
    """Plan the manifests of a commit, and what floats in them as the last run with these manifests had it.

    Raises ConduitError when there is no such commit, LoadError.
    """
    tree = committed_tree(engine.settings, revision)
    engine.wish = wish = engine.check(tree)
    runs = [each.run for each in engine.history.started() if each.manifests == wish.manifests.digest]
    return _as_of(engine, wish, max(runs, default=0), selection)._replace(commit=tree.commit)


def undo(engine: Engine, selection: Selection = Selection()) -> Plan:
    """Plan the last run that had other manifests, or another thing for what floats in them, than the run before this.

    Raises ConduitError.
    """
    earlier = _before(engine.history)
    tree = engine.archive.tree(earlier.manifests, engine.settings.base) if earlier else None
    if earlier is None or tree is None:
        hint = "with git: conduit rollback REVISION"
        raise ConduitError(Diagnostic(NOTHING_TO_UNDO, "the manifests of an earlier run are not known", hint=hint))
    engine.wish = wish = engine.check(tree)
    run = engine.history.run(earlier.run)
    return _as_of(engine, wish, earlier.run, selection)._replace(commit=run.commit if run else "")


def _before(history: History) -> Started | None:
    """Return the last run that left something else behind than the newest one did."""
    started = history.started()
    pins = history.pins(started[-1].run) if started else {}
    other = (e for e in reversed(started) if e.manifests != started[-1].manifests or history.pins(e.run) != pins)
    return next(other, None)


def _as_of(engine: Engine, wish: Wish, run: int, selection: Selection) -> Plan:
    """Plan a wish with all that floats as it was after a run."""
    observed = engine.observe()
    desired, lost = as_then(wish.desired, engine.history.pins(run), engine.kinds, observed)
    plan = engine.plan_for(desired, observed, selection)
    return plan._replace(warnings=(*plan.warnings, *lost))


def unfinished(engine: Engine) -> tuple[Key, ...]:
    """Return what the last run set out to do and did not do."""
    started = engine.history.started()
    if not started:
        return ()
    results = engine.journal.outcomes(started[-1].run)
    return tuple(key for key in started[-1].keys if results.get(key) not in DONE)
