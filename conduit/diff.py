"""Differences between two values of one shape, as field paths or as text. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from conduit.change import Diff, FieldChange
from conduit.model import UNRESOLVED, Native
from conduit.spec import Spec


def compare(old: Spec, new: Spec) -> tuple[FieldChange, ...]:
    """Return the fields in which two specs differ, `old` being live and `new` the wish.

    Paths are dotted: `upstreams.0`, `headers.X-Frame-Options`. Defaults count as values, so leaving a field out and
    spelling its default out compare equal.
    """
    return tuple(_walk("", _fields(old), _fields(new)))


def _fields(spec: Spec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in type(spec).model_fields}


def _plain(value: Any) -> Any:
    return _fields(value) if isinstance(value, Spec) else value


def _walk(path: str, old: Any, new: Any) -> Iterable[FieldChange]:
    old, new = _plain(old), _plain(new)
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _walk(_join(path, name), old.get(name, UNRESOLVED), new.get(name, UNRESOLVED))
    elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _walk(_join(path, str(index)), before, after)
    else:
        yield FieldChange(path, old, new)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def text_of(native: Native) -> str:
    """Return a native form as stable, readable text, one value per line."""
    if isinstance(native, str):
        return native
    return json.dumps(native, indent=2, sort_keys=True, ensure_ascii=False, default=str)


def difference(live: Native, want: Native) -> Diff:
    """Return a raw diff of two native forms, for a live object that says more than a spec can."""
    import difflib

    lines = difflib.unified_diff(
        text_of(live).splitlines(), text_of(want).splitlines(), "live", "declared", n=2, lineterm=""
    )
    return Diff(raw="\n".join(lines), reason="changed beyond what the manifest can say")
