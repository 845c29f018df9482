"""Native: every declared resource of every kind, read with its version and changed only in the version one has seen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from typing import Annotated, Any, Final, TypedDict

from litestar import Response
from litestar.params import Body, FromPath, HeaderParameter, QueryParameter

from conduit.api.auth import Caller, Connection, Who
from conduit.api.change import Change, change
from conduit.api.controllers.accounts import removing
from conduit.api.controllers.records import kind_named, permission_of
from conduit.api.controllers.scope import disown, makes, own, require, require_wish
from conduit.api.desk import Desk, Here
from conduit.api.envelopes import instant
from conduit.api.routing import route
from conduit.api.sight import Sight
from conduit.api.versions import Match, NoneMatch, required, tag
from conduit.identity.reach import within
from conduit.manifests.saving import Stored
from conduit.manifests.store import ABSENT
from conduit.model import Key, walk
from conduit.plan import Selection
from conduit.plan_json import HIDDEN_WORDS, encoded, plan_document

Prefer = Annotated[str | None, HeaderParameter(name="Prefer", description="respond-async for an answer at once")]
DryRun = Annotated[bool, QueryParameter(name="dry_run", description="return the plan and change nothing")]
Fields = Annotated[dict[str, Any], Body(description="the fields, as below the name in a manifest")]
ONE: Final = "/api/resources/{kind:str}/{name:str}"


class Declared(TypedDict):
    """One declared resource: its fields as they are written, its spec, where it stands and how it is doing.

    A field that holds a password or its hash is in neither.
    """

    kind: str
    name: str
    fields: Any
    spec: dict[str, Any]
    source: str
    health: dict[str, Any]
    leaves: list[str]


class Summary(TypedDict):
    """One declared resource in a list."""

    kind: str
    name: str
    spec: dict[str, Any]
    source: str
    health: dict[str, Any]


class Resources(TypedDict):
    """All declared resources of one kind."""

    items: list[Summary]


def _permission(verb: str) -> Any:
    """Return how a route of this part tells its permission: by the kind in its path."""

    def permission(connection: Connection) -> str:
        desk: Desk = connection.app.state.desk
        return f"{permission_of(kind_named(desk, connection.path_params['kind']))}:{verb}"

    return permission


READ, WRITE, DELETE = _permission("read"), _permission("write"), _permission("delete")


@route("GET", "/api/resources/{kind:str}", READ, native=True, sync_to_thread=True, summary="All resources of a kind")
def resources(desk: Here, caller: Who, kind: FromPath[str]) -> Resources:
    """Return every declared resource of one kind within reach, as the last pass loaded it."""
    name = kind_named(desk, kind).name
    keys = [key for key in sorted(desk.desired.roots) if key.kind == name and within(caller, key)]
    return {"items": [_summary(desk, key) for key in keys]}


@route("GET", ONE, READ, native=True, summary="One resource and its version")
async def resource(desk: Here, caller: Who, kind: FromPath[str], name: FromPath[str]) -> Response[Declared]:
    """Return one declared resource; the ETag is the version to send back as If-Match."""
    key = Key(kind_named(desk, kind).name, name)
    await asyncio.to_thread(require, desk, caller, key, "read")
    stored: Stored = await asyncio.to_thread(desk.writes.read, key)
    return Response(_declared(desk, key, stored), headers={"ETag": tag(stored.version)})


@route("PUT", ONE, WRITE, native=True, versioned=True, summary="Declare a resource")
async def put(
    desk: Here,
    caller: Who,
    kind: FromPath[str],
    name: FromPath[str],
    data: Fields,
    match: Match = None,
    none_match: NoneMatch = None,
    prefer: Prefer = None,
    dry_run: DryRun = False,
) -> Response[Any]:
    """Write all fields of a resource and apply. If-Match is the version seen; a new one takes If-None-Match: *."""
    key = Key(kind_named(desk, kind).name, name)
    expect = ABSENT if none_match == "*" and match is None else required(match)
    return await _put(desk, caller, key, data, expect, prefer, dry_run=dry_run)


@route("PATCH", ONE, WRITE, native=True, versioned=True, summary="Change fields of a resource")
async def patch(
    desk: Here,
    caller: Who,
    kind: FromPath[str],
    name: FromPath[str],
    data: Fields,
    match: Match = None,
    prefer: Prefer = None,
    dry_run: DryRun = False,
) -> Response[Any]:
    """Merge fields into a resource and apply (RFC 7396): null removes one. Every other byte of the file stays."""
    key, expect = Key(kind_named(desk, kind).name, name), required(match)
    await asyncio.to_thread(require, desk, caller, key, "write")
    stored: Stored = await asyncio.to_thread(desk.writes.read, key)
    return await _put(desk, caller, key, merged(stored.data, data), expect, prefer, dry_run=dry_run)


@route("DELETE", ONE, DELETE, native=True, versioned=True, summary="Remove a resource")
async def remove(
    desk: Here,
    caller: Who,
    kind: FromPath[str],
    name: FromPath[str],
    match: Match = None,
    prefer: Prefer = None,
    dry_run: DryRun = False,
) -> Response[Any]:
    """Remove the declaration of a resource, and what stood for it."""
    key, expect = Key(kind_named(desk, kind).name, name), required(match)
    await asyncio.to_thread(require, desk, caller, key, "admin")
    if dry_run:
        return await _previewed(desk, caller, key, None, expect)
    edit = partial(desk.writes.remove, key, caller, expect)
    async with removing(desk, key) if key.kind == "user" else nullcontext():
        answer = await change(desk, caller, Change(edit, "edit", f"removed {key}", named=(key,)), prefer)
    await disown(desk, caller, key)
    return answer


async def _put(
    desk: Desk, caller: Caller, key: Key, fields: Any, expect: str, prefer: str | None, *, dry_run: bool
) -> Response[Any]:
    await asyncio.to_thread(require_wish, desk, caller, key, fields)
    if dry_run:
        return await _previewed(desk, caller, key, fields, expect)
    new = await asyncio.to_thread(makes, desk, caller, key)
    edit = partial(desk.writes.put, key, fields, caller, expect)
    answer = await change(desk, caller, Change(edit, "edit", f"set {key}", new=201), prefer)
    if new:
        await own(desk, caller, key)
    return answer


async def _previewed(desk: Desk, caller: Caller, key: Key, fields: Any, expect: str) -> Response[Any]:
    """Return the plan of an edit that is not made."""

    def plan() -> dict[str, Any]:
        engine = desk.reader
        wish = desk.writes.preview(key, fields, expect)
        named = (key, *desk.desired.children.get(key, ()))
        found = plan_document(engine.plan_for(wish.desired, engine.observe(), Selection(named=named)))
        return Sight(caller, engine.kinds, wish.desired).document(found)

    return Response(await asyncio.to_thread(plan))


def merged(old: Any, patch: Any) -> Any:
    """Return `old` with a merge patch laid over it (RFC 7396 section 2)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(old) if isinstance(old, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _declared(desk: Desk, key: Key, stored: Stored) -> Declared:
    """Return a resource as it is written now, with the spec of the last pass; one saved since has none yet."""
    desired = desk.desired
    unseen = Summary(kind=key.kind, name=key.name, spec={}, source=stored.file, health={})
    summary = _summary(desk, key) if key in desired.roots else unseen
    fields = {field: value for field, value in stored.data.items() if not _secret(summary["spec"].get(field))}
    return {**summary, "fields": fields, "leaves": [str(leaf) for leaf in desired.children.get(key, ())]}


def _secret(shown: Any) -> bool:
    """Whether a value, as it is shown, hides something: what is written there is not given out either."""
    return any(leaf == HIDDEN_WORDS for leaf in walk(shown))


def _summary(desk: Desk, key: Key) -> Summary:
    root = desk.desired.roots[key]
    found = desk.watch.of(key)
    return {
        "kind": key.kind,
        "name": key.name,
        "spec": encoded(root.spec),
        "source": str(root.source),
        "health": {"state": found.state, "milliseconds": found.milliseconds, "checked": instant(found.at)},
    }


ROUTES = (resources, resource, put, patch, remove)
