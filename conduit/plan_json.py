"""Plans, reports and errors as versioned JSON. Pure.

`format_version` is major.minor: a minor step only adds names, a major one breaks. Readers ignore names they do not know
and refuse a major they do not know. The schema is docs/plan.schema.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from conduit.canonical import digest_of
from conduit.change import Action, Change, Outcome, Proof
from conduit.decide import Suppressed
from conduit.errors import Diagnostic
from conduit.model import UNRESOLVED, Late, Live, Secret, Source, walk
from conduit.plan import Plan
from conduit.report import Event, Report
from conduit.show.summary import Summary
from conduit.show.visible import HIDDEN, fields_of, raw_of, visible

if TYPE_CHECKING:
    from conduit.chain import Entry
    from conduit.history_rows import RunRecord
    from conduit.show.drift import Drifted

FORMAT: Final = "1.0"

HIDDEN_WORDS: Final = "(secret)"
"""What stands for a value that is never shown."""

ACTIONS: Final[Mapping[Action, list[str]]] = {
    Action.CREATE: ["create"],
    Action.UPDATE: ["update"],
    Action.REPLACE: ["create", "delete"],
    Action.DELETE: ["delete"],
    Action.ADOPT: ["adopt"],
}


def document(kind: str, **content: Any) -> dict[str, Any]:
    """Return a JSON document of ours: its version and type first."""
    return {"format_version": FORMAT, "type": kind, **content}


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON-like data, secrets masked; also the form a saved plan has."""
    summary = Summary.of(plan)
    return document(
        "plan",
        plan_digest=plan.digest,
        commit=plan.commit,
        selection={
            "targets": [str(key) for key in plan.selection.targets],
            "excludes": [str(key) for key in plan.selection.excludes],
            "allow_deletes": plan.selection.allow_deletes,
        },
        versions=dict(plan.versions),
        resource_changes=[change_document(change) for change in plan.changes],
        drift=[str(change.key) for change in plan.drift],
        ignored=[_ignored(each) for each in plan.ignored],
        unmanaged=[_unmanaged(live) for live in plan.unmanaged],
        unknown=[{"provider": name, "reason": reason} for name, reason in plan.unknown.items()],
        unjudged=[{"address": str(key), "reason": reason} for key, reason in plan.unjudged.items()],
        warnings=[{"message": w} if isinstance(w, str) else problem_document(w) for w in plan.warnings],
        unsafe=[problem_document(problem) for problem in plan.unsafe],
        summary={
            "state": summary.state.name.lower(),
            **{action.value: summary.actions[action] for action in Action},
            "drift": summary.drift,
            "ignored": summary.ignored,
            "unchanged": summary.unchanged,
            "unmanaged": summary.unmanaged,
            "unknown": summary.unjudged,
        },
    )


def change_document(change: Change) -> dict[str, Any]:
    """Return one change: `before` and `after` map field paths to values, the masked ones listed beside them."""
    fields = fields_of(change)
    before = {field.path: field.old for field in fields if field.old is not UNRESOLVED}
    after = {field.path: field.new for field in fields if field.new is not UNRESOLVED}
    return {
        "address": str(change.key),
        "kind": change.key.kind,
        "root": str(change.root),
        "provider": change.provider,
        "host": "local",
        "actions": ACTIONS[change.action],
        "origin": change.origin.value,
        "before": None if change.live is None else {path: encoded(value) for path, value in before.items()},
        "after": None if change.native is None else {path: encoded(value) for path, value in after.items()},
        "before_sensitive": [path for path, value in before.items() if _sensitive(value)],
        "after_sensitive": [path for path, value in after.items() if _sensitive(value)],
        "after_unknown": [path for path, value in after.items() if any(isinstance(v, Late) for v in walk(value))],
        "raw": "\n".join(raw_of(change)),
        "reason": change.diff.reason,
        "impact": {
            "disturbance": change.impact.disturbance.value,
            "target": change.impact.target,
            "seconds": change.impact.seconds,
            "text": str(change.impact),
        },
        "source": _source(change.source),
        "digest": change_digest(change),
    }


def change_digest(change: Change) -> str:
    """Return what tells a change from another of the same key: the wished and the live form."""
    live = [change.live.id, change.live.native] if change.live else None
    return digest_of([change.action, change.native, live])


def problem_document(problem: Diagnostic) -> dict[str, Any]:
    """Return one diagnostic."""
    return {
        "code": problem.code.id,
        "severity": problem.severity,
        "message": problem.summary,
        "hint": problem.hint,
        "field": problem.field,
        "source": _source(problem.source),
        "related": [{"message": words, "source": _source(source)} for words, source in problem.related],
    }


def errors_document(problems: Iterable[Diagnostic]) -> dict[str, Any]:
    """Return the document of a command that failed."""
    return document("errors", errors=[problem_document(problem) for problem in problems])


def drift_document(each: Drifted) -> dict[str, Any]:
    """Return one difference the host caused as JSON-like data, secrets masked."""
    return {
        "address": str(each.key),
        "root": str(each.root),
        "field": each.field,
        "live": None if each.live is UNRESOLVED else encoded(each.live),
        "declared": None if each.declared is UNRESOLVED else encoded(each.declared),
        "origin": each.origin.value,
        "since": each.since,
        "source": _source(each.source),
    }


def report_document(report: Report) -> dict[str, Any]:
    """Return the end of an apply; the last line of its JSON lines."""
    return document(
        "report",
        run=report.run,
        result=report.result,
        exit_code=report.exit_code,
        seconds=round(report.seconds, 3),
        outcomes=[outcome_document(outcome) for outcome in report.outcomes],
        proofs=[proof_document(proof) for proof in report.proofs.values()],
        warnings=list(report.warnings),
        recovered=list(report.recovered),
    )


def proof_document(proof: Proof) -> dict[str, Any]:
    """Return one proof."""
    return {
        "address": str(proof.key),
        "level": proof.level.name.lower(),
        "passed": proof.passed,
        "detail": proof.detail,
        "checks": list(proof.checks),
        "said": proof.said,
    }


def run_document(run: RunRecord) -> dict[str, Any]:
    """Return one past run."""
    return {
        "run": run.id,
        "started": run.started,
        "finished": run.finished,
        "operation": run.operation,
        "result": run.result,
        "plan_digest": run.digest,
        "commit": run.commit,
        "summary": dict(run.summary),
        "outcomes": [outcome_document(outcome) for outcome in run.outcomes],
    }


def entry_document(entry: Entry) -> dict[str, Any]:
    """Return one journal entry, hashes included."""
    return {
        "seq": entry.seq,
        "time": entry.time,
        "run": entry.run,
        "event": entry.event,
        "data": dict(entry.data),
        "prev": entry.prev,
        "hash": entry.hash,
    }


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return what became of one change."""
    return {
        "address": str(outcome.key),
        "action": outcome.action.value,
        "result": outcome.result.value,
        "reason": outcome.reason,
        "seconds": round(outcome.seconds, 3),
    }


def event_document(event: Event) -> dict[str, Any]:
    """Return one line of progress."""
    address = str(event.key) if event.key else None
    return {"type": event.kind.value, "address": address, "provider": event.provider, "text": event.text}


def encoded(value: Any) -> Any:
    """Return a value as JSON data; secrets and what is not known yet become their words."""
    value = visible(value)
    if isinstance(value, Mapping):
        return {name: encoded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [encoded(item) for item in value]
    if value is HIDDEN:
        return HIDDEN_WORDS
    return str(value) if isinstance(value, (Secret, Late)) else value


def _sensitive(value: Any) -> bool:
    return any(leaf is HIDDEN or isinstance(leaf, Secret) for leaf in walk(value))


def _source(source: Source | None) -> dict[str, Any] | None:
    return {"file": source.file, "line": source.line, "column": source.column} if source and source.file else None


def _ignored(each: Suppressed) -> dict[str, Any]:
    return {
        "address": str(each.key),
        "path": each.field.path,
        "reason": each.entry.reason,
        "until": each.entry.until,
    }


def _unmanaged(live: Live) -> dict[str, Any]:
    return {"address": str(live.key), "place": live.place, "claims": sorted(str(claim) for claim in live.claims)}
