"""Hand-built plans for the rendering tests."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec.structs import replace

from conduit.change import Action, Change, Diff, FieldChange, Impact, Origin
from conduit.model import Key, Live, Ref, Secret, Source
from conduit.plan import Plan, Selection
from conduit.spec import Marker, RefTo, Resource, Spec


class Door(Spec):
    """A made-up spec with every sort of field a plan has to show."""

    host: str
    port: Annotated[int, Marker.IMMUTABLE] = 80
    password: Annotated[str | Secret | None, Marker.WRITE_ONLY] = None
    text: str = ""
    key: Annotated[Ref | None, RefTo("certificate", "file")] = None


EMPTY = Plan(
    changes=(),
    rounds=(),
    unchanged=0,
    unmanaged=(),
    ignored=(),
    unknown={},
    unjudged={},
    warnings=(),
    unsafe=(),
    versions={"caddy": "v1"},
    digest="d0",
    commit="",
    selection=Selection(),
)


def change_of(action: Action, name: str, *fields: FieldChange, spec: Door | None = None, **words: Any) -> Change:
    """Return a change of `door/<name>` declared in desired/doors.yaml."""
    key = Key("door", name)
    want = Resource(key, spec or Door(host=f"{name}.lan"), Source("desired/doors.yaml", 3, 3))
    live = None if action is Action.CREATE else Live(key, f"id-{name}", {"host": name}, owned=True)
    change = Change(action, key, "caddy", Diff(fields), Origin.PENDING, want.source, key, want=want, live=live)
    change = replace(change, native={"host": name}, impact=Impact(note="reload, nothing dropped"))
    if action is Action.DELETE:
        change = replace(change, want=None, native=None, source=Source(""))
    return replace(change, **words)


def plan_of(*changes: Change, **words: Any) -> Plan:
    """Return a plan of `changes`."""
    return replace(EMPTY, changes=changes, **words)
