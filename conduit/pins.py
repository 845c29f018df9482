"""What wishes that float stand for, such as the image behind a tag: noted after a run, and wished for to go back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from conduit.decide import Observed
from conduit.expand import Desired
from conduit.kind import Kind
from conduit.model import Key, Live
from conduit.work import Work


def pins_of(work: Work) -> dict[Key, Any]:
    """Return what each declared leaf that floats stands for, by the newest readings of an apply."""
    lives: dict[str, dict[Key, list[Live]]] = {}
    found = {}
    for key in work.desired.leaves:
        kind = work.kinds[key.kind]
        if not kind.pins or kind.provider not in work.readings:
            continue
        leaf = work.desired.leaves[key]
        if key.kind not in lives:
            lives[key.kind] = work.lives(kind, work.desired.leaves.keys())
        context = work.context(kind.provider)
        native = kind.render(leaf.spec, context)
        same = (each for each in lives[key.kind].get(key, ()) if kind.same(leaf, native, each, context) is None)
        if live := next(same, None):
            found[key] = kind.pin(live)
    return found


def as_then(
    desired: Desired, pins: Mapping[Key, Any], kinds: Mapping[str, Kind[Any]], observed: Mapping[str, Observed]
) -> tuple[Desired, list[str]]:
    """Return a wish whose leaves stand for what they stood for by `pins`, and what cannot be had any more."""
    changed: dict[Key, Any] = {}
    lost = []
    for key in sorted(pins.keys() & desired.leaves.keys()):
        kind = kinds[key.kind]
        changed[key], why_not = kind.pinned(desired.leaves[key], pins[key], observed[kind.provider].context)
        lost += [f"{key}: {why_not}"] if why_not else []
    return (replace(desired, leaves={**desired.leaves, **changed}) if changed else desired), lost
