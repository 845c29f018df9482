"""A plan as text: what would change, why, from where, and what it interrupts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conduit.change import Action, Change, Origin
from conduit.model import Key
from conduit.plan import Plan
from conduit.show.diagnostics import diagnostic_lines
from conduit.show.summary import Summary, expiry, left_alone
from conduit.show.text import View, duration, escape

SYMBOLS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.ADOPT: "~",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
}
WORDS = {"+": "add", "~": "change", "-/+": "replace", "-": "destroy", "!": "drift", "?": "unknown"}
ROLES = {"+": "create", "~": "update", "-/+": "replace", "-": "delete"}
DRIFT = {
    Origin.DRIFT: "DRIFT: changed on the host (not in git)",
    Origin.BOTH: "DRIFT: changed on the host and in git",
}


def plan_lines(plan: Plan, view: View) -> Iterator[str]:
    """Yield a plan line by line; the last one is the summary. A quiet view has only that, and what is unsafe."""
    if view.verbosity >= 0:
        body = [*_change_lines(plan, view), *_unknown_lines(plan, view), *_quiet_facts(plan, view)]
        yield from body
        if body:
            yield from ("", *_legend(plan))
    for unsafe in plan.unsafe:
        yield from diagnostic_lines(unsafe, view)
    if view.verbosity > 0:
        yield f"Unchanged: {plan.unchanged:,}.  Unmanaged: {len(plan.unmanaged):,}."
    yield view.style("bold", Summary.of(plan).sentence(view.now))


def _change_lines(plan: Plan, view: View) -> Iterator[str]:
    if not plan.changes:
        return
    from conduit.show.detail import detail_lines

    groups: dict[Key, list[Change]] = {}
    for change in plan.changes:
        groups.setdefault(change.root, []).append(change)
    headed = False
    for root, changes in groups.items():
        alone = all(change.key == root for change in changes)
        if alone and headed:
            yield ""
        headed = not alone
        together = not alone and all(change.source == changes[0].source for change in changes)
        if not alone:
            yield view.style("bold", escape(str(root))) + (view.style("dim", _source(changes[0])) if together else "")
        for change in changes:
            yield from _head(change, view, "" if together else _source(change))
            if change.origin in DRIFT:
                yield "        " + view.style("drift", DRIFT[change.origin])
            yield from detail_lines(change, view)


def _source(change: Change) -> str:
    return f"  {escape(str(change.source))}" if change.source.file else ""


def _head(change: Change, view: View, source: str) -> Iterator[str]:
    """Yield what is done to what, and what that interrupts: in one line where it fits."""
    symbol = SYMBOLS[change.action]
    drifted = "!" if change.origin in DRIFT else " "
    what, impact = f"{drifted} {symbol:>3} {escape(str(change.key)):<36}", f"impact: {escape(str(change.impact))}"
    end = impact + view.style("dim", source)
    if len(f"{what} {impact}{source}") <= view.width:
        yield f"{view.style(ROLES[symbol], what)} {end}"
    else:
        yield view.style(ROLES[symbol], what.rstrip())
        yield f"        {end}"


def _unknown_lines(plan: Plan, view: View) -> Iterator[str]:
    for provider, reason in plan.unknown.items():
        mark = view.style("unknown", f"  ? {escape(provider):<36}")
        yield f"{mark}  UNKNOWN: {escape(reason)}; nothing of it is changed or pruned"
    if plan.unjudged and view.verbosity > 0:
        for key, reason in plan.unjudged.items():
            yield f"  ? {escape(str(key)):<36}  UNKNOWN: {escape(reason)}"


def _quiet_facts(plan: Plan, view: View) -> Iterator[str]:
    """Yield what does not change anything: ignored and unmanaged objects, warnings."""
    if view.verbosity > 0:
        for ignored in plan.ignored:
            end = expiry(ignored)
            until = "for good" if end is None else f"for {duration(max(0.0, end - view.now))} more"
            where = f"{escape(str(ignored.key))} {escape(ignored.field.path)}"
            yield f"    {where} ignored {until}: {escape(ignored.entry.reason)}"
        for live in plan.unmanaged:
            yield f"  ? {escape(str(live.key)):<36}  unmanaged, left alone  {escape(live.place)}"
    elif plan.unmanaged:
        yield left_alone(len(plan.unmanaged))
    for warning in plan.warnings:
        if isinstance(warning, str):
            yield view.style("warning", f"warning: {escape(warning)}")
        else:
            yield from diagnostic_lines(warning, view)
    if plan.selection.targets or plan.selection.excludes:
        yield view.style("warning", "warning: incomplete plan: --target and --exclude leave the rest of the site out")


def _legend(plan: Plan) -> Iterable[str]:
    """Explain the symbols that were used."""
    used = dict.fromkeys(SYMBOLS[change.action] for change in plan.changes)
    signs = [sign for sign in ROLES if sign in used]
    signs += ["!"] if plan.drift else []
    signs += ["?"] if plan.unknown or plan.unjudged else []
    return ["  ".join(f"{sign} {WORDS[sign]}" for sign in signs)] if signs else []
