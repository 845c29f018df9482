"""One run: a plan carried out, journalled, remembered, and what earlier runs still owe a proof."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from conduit.apply import apply
from conduit.change import Change, Outcome, Proof, Result
from conduit.decide import Observed
from conduit.expand import Desired
from conduit.failpoints import fail
from conduit.history import History
from conduit.history_rows import Reverted, RunRecord
from conduit.journal import Run
from conduit.keeping import left_nothing
from conduit.kind import Context, Kind
from conduit.lock import Lock
from conduit.measures import rfc3339
from conduit.model import Key, Native, Reading
from conduit.pins import pins_of
from conduit.plan import Plan
from conduit.providers.base import Provider
from conduit.proving import OWED_SECONDS, prove_owed
from conduit.report import ApplyOptions, Listener, Report
from conduit.work import Work, sole_facts


class Means(Struct, frozen=True):
    """What a run works with; `context` is what proofs may know, `now` the clock in seconds since the epoch.

    `meanwhile` is called while daemons load, when there is nothing else to do.
    """

    kinds: Mapping[str, Kind[Any]]
    providers: Mapping[str, Provider]
    history: History
    lock: Lock
    context: Context
    now: Callable[[], float]
    meanwhile: Callable[[], object] = lambda: None


class Memory(Struct, frozen=True):
    """`work.Memory` over the journal and the history."""

    run: Run
    history: History
    lock: Lock
    meanwhile: Callable[[], object]

    def intent(self, provider: str, changes: Iterable[Change]) -> None:
        """Journal what is about to change, if this run still holds the lock, with all records before it written."""
        self.lock.check()
        self.history.wait()
        self.run.intent(provider, changes)

    def outcome(self, outcomes: Iterable[Outcome]) -> None:
        """Journal what became of it."""
        self.run.outcome(outcomes)

    def expect(self, natives: Mapping[Key, Native | None]) -> None:
        """Work out the texts of natives while their daemon loads them, and what else there is time for."""
        self.history.expect(natives)
        self.meanwhile()

    def record(self, natives: Mapping[Key, Native | None]) -> None:
        """Remember what was written, for the origin of later differences."""
        self.history.record(natives)


def carry_out(
    plan: Plan,
    desired: Desired,
    observed: Mapping[str, Observed],
    means: Means,
    run: Run,
    options: ApplyOptions,
    listen: Listener,
    stop: threading.Event,
) -> tuple[Report, Mapping[str, Reading]]:
    """Apply a plan and remember the run; return its report, and all readings if the next plan is empty for sure.

    Raises what `conduit.apply.apply` raises; the run then has no end.
    """
    started = means.now()
    memory = Memory(run, means.history, means.lock, means.meanwhile)
    for provider in means.providers.values():
        provider.parallel, provider.breath = options.parallel, options.breath
    work = Work(plan, desired, means.kinds, observed, means.providers, memory, means.context, options, listen, stop)
    work.owed = owed(desired, means.history)
    proofs = apply(work)
    fail("apply.outcome")
    report = _report(work, run, proofs, means.now() - started)
    run.finish(report.result)
    _remember(plan, report, means, started, options.operation)
    means.history.note_pins(run.id, pins_of(work))
    _remember_reverted(plan, work, means.history, run.id, rfc3339(started, "milliseconds"))
    passed = {key: proof.passed for key, proof in proofs.items()} | dict.fromkeys(work.unasked, False)
    means.history.note_proofs({key: ok for key, ok in passed.items() if key not in work.blamed})
    fail("apply.unlock")
    return report, work.readings if left_nothing(work) else {}


def _report(work: Work, run: Run, proofs: Mapping[Key, Proof], seconds: float) -> Report:
    return Report(
        run=run.id,
        outcomes=tuple(work.outcomes.values()),
        proofs=proofs,
        seconds=seconds,
        interrupted=work.interrupted,
        stale=work.stale,
        unread=bool(work.plan.unknown),
        unjudged=bool(work.plan.unjudged),
    )


def _remember_reverted(plan: Plan, work: Work, history: History, run: int, at: str) -> None:
    """Remember the roots that were taken back, and forget those whose changes held this time."""

    def ended(result: Result) -> dict[Key, str]:
        outcomes = ((change.root, work.outcomes.get(change.key)) for change in plan.changes)
        return {root: outcome.reason for root, outcome in outcomes if outcome and outcome.result is result}

    why = ended(Result.REVERTED) if any(each.result is Result.REVERTED for each in work.outcomes.values()) else {}
    reverted = {root: Reverted(plan.digest_of_root(root), run, at, reason) for root, reason in why.items()}
    history.note_reverted(reverted, lambda: ended(Result.OK).keys() - why.keys())


def owed(desired: Desired, history: History) -> list[Key]:
    """Return the declared roots that were applied and have not passed their proof since."""
    return sorted(key for key in history.unproven() if key in desired.roots)


def settle_owed(
    desired: Desired, observed: Mapping[str, Observed], means: Means
) -> tuple[dict[Key, Proof], tuple[str, ...]]:
    """Prove again what still owes its proof, and remember what passes; tell also what there is to warn of."""
    roots = [desired.roots[key] for key in owed(desired, means.history)]
    if not roots:
        return {}, ()
    facts = sole_facts(live for view in observed.values() for live in view.reading.ours())
    proofs = prove_owed(roots, means.kinds, replace(means.context, facts=facts, leaves=desired.leaves_of))
    means.history.note_proofs({key: proof.passed for key, proof in proofs.items()})
    left = len(roots) - len(proofs)
    told = f"{left:,} of {len(roots):,} owed proofs got no answer within {OWED_SECONDS:g} s; the next apply asks again"
    return proofs, (told,) if left else ()


def _remember(plan: Plan, report: Report, means: Means, started: float, operation: str) -> None:
    means.history.add_run(
        RunRecord(
            id=report.run,
            started=rfc3339(started, "milliseconds"),
            finished=rfc3339(means.now(), "milliseconds"),
            operation=operation,
            result=report.result,
            digest=plan.digest,
            commit=plan.commit,
            summary={result.value: count for result, count in report.counts.items()},
            outcomes=report.outcomes,
        )
    )
