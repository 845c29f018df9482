"""Edits of one value of a manifest: set it, or remove it. Pure: text in, text out.

A path is (plural, name, field, ...); what stays the same keeps its bytes, see `conduit.manifests.rewrite`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from conduit.dialect.document import Document
from conduit.dialect.model_types import FieldPath
from conduit.errors import Code, ConduitError
from conduit.manifests.rewrite import dotted, rewritten

NO_PLACE = Code(
    "CND-0131",
    "nothing to edit there",
    "The edit names a manifest, a name or a field that is not there, or goes below a value that holds no fields. "
    "`conduit get` and `conduit schema KIND` tell what there is and what there may be.",
)


def set_value(document: Document, path: FieldPath, value: Any) -> bytes:
    """Return the text in which the value at `path` is `value`; mappings on the way there are made.

    A mapping is changed key by key, so that what stays the same keeps its form. Raises `ConduitError`.
    """
    wish = deepcopy(document.data) or {}
    at, last = _parent(document, wish, path), path[-1]
    if isinstance(at, list) and last == len(at):
        at.append(value)
    else:
        at[last] = value
    return rewritten(document, wish)


def remove_value(document: Document, path: FieldPath) -> bytes:
    """Return the text without the value at `path`; a section that holds no name afterwards goes too.

    The comment lines directly above a removed key go with it. Raises `ConduitError`.
    """
    wish = deepcopy(document.data) or {}
    at = _parent(document, wish, path)
    if path[-1] not in (range(len(at)) if isinstance(at, list) else at):
        raise _no_place(document, path)
    del at[path[-1]]
    if not wish.get(str(path[0]), True):
        del wish[path[0]]
    return rewritten(document, wish)


def field_path(document: Document, below: FieldPath, field: str) -> FieldPath:
    """Return the path of a dotted field below the value at `below`.

    Keys that exist may hold dots themselves, and the longest that fits is taken; the part that does not exist yet is
    split at each dot.
    """
    path, at = list(below), _found(document.data, below)
    while field:
        inside = range(len(at)) if isinstance(at, list) else at if isinstance(at, dict) else ()
        fits = [part for part in inside if f"{field}.".startswith(f"{part}.")]
        if not fits:
            return (*path, *field.split("."))
        longest = max(fits, key=lambda part: len(str(part)))
        path.append(longest)
        at, field = at[longest], field[len(str(longest)) + 1 :]
    return tuple(path)


def _parent(document: Document, wish: Any, path: FieldPath) -> Any:
    """Return the collection that holds, or will hold, the value at `path`; mappings that are missing are made."""
    at = wish
    for part in path[:-1]:
        if isinstance(at, dict):
            at[part] = {} if at.get(part) is None else at[part]
        elif not (isinstance(at, list) and part in range(len(at))):
            raise _no_place(document, path)
        at = at[part]
    if isinstance(at, dict) or (isinstance(at, list) and path[-1] in range(len(at) + 1)):
        return at
    raise _no_place(document, path)


def _found(data: Any, path: FieldPath) -> Any:
    """Return the value at a path, None when there is none."""
    for part in path:
        fits = part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))
        if not fits:
            return None
        data = data[part]
    return data


def _no_place(document: Document, path: FieldPath) -> ConduitError:
    place = document.place(document.find(path)) if document.marks else (1, 1)
    hint = "name a field that is there, or one below a mapping"
    return ConduitError(document.source.problem(NO_PLACE, f"there is no {dotted(path)} to edit", *place, hint))
