"""Plans that look back: the manifests of an earlier commit or run, and what the last run did not finish."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from conduit.change import Result
from conduit.engine import Engine
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.history import History
from conduit.history_rows import Started
from conduit.manifests.archive import tree_of
from conduit.manifests.commits import committed_tree
from conduit.model import Key
from conduit.pins import as_then
from conduit.plan import Plan, Selection
from conduit.providers.kept_files import KeptFiles
from conduit.wish import Wish

NOTHING_TO_UNDO = Code(
    "CND-2221",
    "no earlier manifests are known",
    "`apply --undo` plans the manifests of the last run before the one to be undone, with the files they name, such as "
    "Compose files, and the secrets they use; all are kept in the state directory. There was no such run, or what it "
    "read was forgotten or does not open. With git, `conduit rollback REVISION` plans the manifests of a commit.",
)
DONE = (Result.OK, Result.UNPROVEN)


def rollback(engine: Engine, revision: str, selection: Selection = Selection()) -> Plan:
    """Plan the manifests of a commit, and what floats in them as the last run with these manifests had it.

    Raises ConduitError when there is no such commit, LoadError.
    """
    tree = committed_tree(engine.settings, revision)
    engine.wish = wish = engine.check(tree)
    runs = (each for each in engine.history.started() if each.manifests == wish.manifests.digest)
    last = max(((each.files == wish.files_digest, each.run) for each in runs), default=(False, 0))
    plan = _as_of(engine, wish, last[1], selection)
    return replace(plan, commit=tree.commit, past=f"the manifests of commit {tree.commit[:7]}")


def undo(engine: Engine, selection: Selection = Selection()) -> Plan:
    """Plan what the last run read that left something else behind than the newest one, and what floated then.

    Raises ConduitError.
    """
    earlier = _before(engine.history)
    if earlier is None:
        raise _unknown("the manifests of an earlier run are not known")
    engine.wish = wish = _read_by(engine, earlier)
    run = engine.history.run(earlier.run)
    plan = _as_of(engine, wish, earlier.run, selection)
    return replace(plan, commit=run.commit if run else "", past=f"the manifests of run {earlier.run}")


def _read_by(engine: Engine, run: Started) -> Wish:
    """Return the wish of a run. Raises ConduitError when what it read is not known any more."""
    manifests = engine.archive.contents(run.manifests)
    if manifests is None:
        raise _unknown(f"the manifests of run {run.run} are not known any more")
    files = engine.files.contents(run.files) if run.files else {}
    if files is None:
        raise _unknown(f"the files that the manifests of run {run.run} name are not known any more")
    if not engine.used_secrets.go_back(run.secrets):
        raise _unknown(f"the secrets that run {run.run} used are not known any more")
    settings = engine.settings
    tree = tree_of(manifests, settings.path(settings.desired), settings.base)
    return engine.wish_of(tree, KeptFiles(files), engine.now())


def _unknown(summary: str) -> ConduitError:
    return ConduitError(Diagnostic(NOTHING_TO_UNDO, summary, hint="with git: conduit rollback REVISION"))


def _before(history: History) -> Started | None:
    """Return the last run that left something else behind than the newest one did."""
    started = history.started()
    return next((each for each in reversed(started) if _differ(history, each, started[-1])), None)


def _differ(history: History, run: Started, other: Started) -> bool:
    """Return whether two runs left something else behind; a secret that only one of them read tells nothing."""
    read = run.manifests, run.files, history.pins(run.run)
    values = any(run.secrets[name] != other.secrets[name] for name in run.secrets.keys() & other.secrets.keys())
    return values or read != (other.manifests, other.files, history.pins(other.run))


def _as_of(engine: Engine, wish: Wish, run: int, selection: Selection) -> Plan:
    """Plan a wish with all that floats as it was after a run."""
    observed = engine.observe()
    desired, lost = as_then(wish.desired, engine.history.pins(run), engine.kinds, observed)
    plan = engine.plan_for(desired, observed, selection)
    return replace(plan, warnings=(*plan.warnings, *lost, *_not_restored(plan, engine)))


def _not_restored(plan: Plan, engine: Engine) -> Iterable[Diagnostic]:
    """Yield what no manifest knows and the changes of a plan that goes back therefore leave out."""
    for change in plan.changes:
        kind = engine.kinds.get(change.key.kind)
        if kind and (told := kind.not_restored(change)):
            yield told


def unfinished(engine: Engine) -> tuple[Key, ...]:
    """Return what the last run set out to do and did not do."""
    started = engine.history.started()
    if not started:
        return ()
    results = engine.journal.outcomes(started[-1].run)
    return tuple(key for key in started[-1].keys if results.get(key) not in DONE)
