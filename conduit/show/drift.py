"""Drift as rows: what the host changed, since when, and where it is declared otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from conduit.change import Change, Origin
from conduit.model import UNRESOLVED, Key, Source
from conduit.plan import Plan
from conduit.show.detail import value_text
from conduit.show.text import View, columns, counted, duration, escape
from conduit.show.visible import fields_of


class Drifted(Struct, frozen=True):
    """One difference the host caused. `since` (epoch) is when it was first seen, None when nobody saw it before."""

    key: Key
    root: Key
    field: str
    live: Any
    declared: Any
    origin: Origin
    since: float | None
    source: Source


def drifted(plan: Plan, since: Mapping[Key, float], locate: Callable[[Change, str], Source]) -> Iterator[Drifted]:
    """Yield the drift of a plan field by field; a difference without fields is one row with the field ""."""
    for change in plan.drift:
        for field in fields_of(change) if change.live else ():
            source = locate(change, field.path)
            origin, seen = change.origin, since.get(change.key)
            yield Drifted(change.key, change.root, field.path, field.old, field.new, origin, seen, source)
        if not change.live or not change.diff.fields:
            what = change.diff.reason or f"to {change.action}"
            live = UNRESOLVED if change.live is None else what
            declared = UNRESOLVED if change.want is None else "declared"
            seen = since.get(change.key)
            yield Drifted(change.key, change.root, "", live, declared, change.origin, seen, change.source)


def drift_lines(rows: list[Drifted], ignored: int, view: View) -> Iterator[str]:
    """Yield a table of drift and a line that counts it."""
    if rows:
        head = ["RESOURCE", "FIELD", "LIVE", "DECLARED", "SEEN FOR", "DECLARED AT"]
        yield from columns([head, *(_row(each, view.now) for each in rows)])
    resources = len({each.key for each in rows})
    more = f" {counted(ignored, 'known difference')} ignored." if ignored else ""
    yield view.style("bold", f"Drift: {counted(resources, 'resource')}.{more}")


def _row(each: Drifted, now: float) -> list[str]:
    age = "just found" if each.since is None else duration(max(0.0, now - each.since))
    live, declared = value_text(each.live), value_text(each.declared)
    if not each.field and isinstance(each.live, str):
        live, declared = escape(each.live), "-"
    return [escape(str(each.key)), escape(each.field), live, declared, age, escape(str(each.source))]
