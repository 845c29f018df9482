"""Native: the difference between the wish and the live daemons, and applying it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from litestar.params import FromPath, Parameter, QueryParameter

from conduit.accept import accept, way_back
from conduit.api.auth import Caller, Who
from conduit.api.controllers.records import kind_named, permission_of
from conduit.api.controllers.scope import require
from conduit.api.desk import Desk, Here
from conduit.api.envelopes import applied
from conduit.api.errors import ApiError
from conduit.api.routing import Result, route
from conduit.api.writes import author_of
from conduit.model import Key
from conduit.plan import Selection
from conduit.plan_json import drift_document, plan_document
from conduit.reconcile.asks import Apply, Passed, Preview
from conduit.show.drift import drifted

Digest = Annotated[str, Parameter(pattern=r"^[0-9a-f]{8,64}$", description="the digest of a plan that was shown")]
Field = Annotated[str | None, QueryParameter(name="field", max_length=256, description="one field alone")]
AllowDeletes = Annotated[int | None, QueryParameter(name="allow_deletes", ge=0, description="allow exactly so many")]


@route("GET", "/api/diff", "system:read", native=True, summary="What an apply would change")
async def diff(desk: Here, caller: Who) -> dict[str, Any]:
    """Compare the wish with the live daemons now. Changes nothing."""
    passed: Passed = await desk.ask(Preview())
    return desk.sight(caller).document(plan_document(passed.plan))


@route("GET", "/api/drift", "system:read", native=True, sync_to_thread=True, summary="What the host changed")
def drift(desk: Here, caller: Who) -> dict[str, Any]:
    """Compare now, and return what moved on the host and not in the manifests, field by field."""
    engine, sight = desk.reader, desk.sight(caller)
    plan = engine.plan()
    rows = drifted(plan, engine.history.drift(), engine.locate_change)
    told = [drift_document(each) for each in rows if sight.sees(each.key) or sight.sees(each.root)]
    unknown = {provider: sight.why(reason) for provider, reason in plan.unknown.items()}
    return {"drift": told, "ignored": len(plan.ignored), "unknown": unknown}


@route("POST", "/api/drift/{kind:str}/{name:str}/accept", "system:write", native=True, summary="Accept what is live")
async def accept_drift(
    desk: Here, caller: Who, kind: FromPath[str], name: FromPath[str], field: Field = None
) -> dict[str, Any]:
    """Write the live value of a field, or of all that moved, into the manifest; comments stay, and it is committed.

    `left` are the frames that the next apply still writes.
    """
    subject = f"{kind}/{name}.{field}" if field else f"{kind}/{name}"
    await asyncio.to_thread(_require, desk, caller, Key(kind, name))
    found = await asyncio.to_thread(way_back, desk.reader, subject)
    saved, left = await asyncio.to_thread(accept, desk.reader, found, author_of(caller))
    await desk.ask(Preview())
    details = {"address": f"{kind}/{name}", "commit": saved.commit}
    desk.record(caller, "accept", f"accepted {subject}", details=details)
    place = {"file": saved.file, "version": saved.version, "commit": saved.commit}
    return {"ok": True, **place, "left": list(map(str, left))}


def _require(desk: Desk, caller: Caller, key: Key) -> None:
    """Raise `ApiError` unless a caller may change the declaration that a resource belongs to."""
    leaf = desk.desired.leaves.get(key)
    root = leaf.root if leaf else key
    permission = f"{permission_of(kind_named(desk, root.kind))}:write"
    if not caller.may(permission):
        raise ApiError(403, f"{permission} is required")
    require(desk, caller, root, "write")


@route("POST", "/api/apply", "system:write", native=True, summary="Apply what is declared")
async def apply(desk: Here, caller: Who, allow_deletes: AllowDeletes = None) -> Result:
    """Plan and apply all that is declared, and return how it ended."""
    return await _apply(desk, caller, Apply(Selection(allow_deletes=allow_deletes)))


@route("POST", "/api/plans/{digest:str}/apply", "system:write", native=True, summary="Apply the plan that was shown")
async def apply_plan(desk: Here, caller: Who, digest: Digest, allow_deletes: AllowDeletes = None) -> Result:
    """Apply the very plan of this digest; 409 when anything moved since it was shown."""
    return await _apply(desk, caller, Apply(Selection(allow_deletes=allow_deletes), digest))


async def _apply(desk: Desk, caller: Caller, ask: Apply) -> Result:
    if ask.selection.allow_deletes is not None and caller.deployments is not None:
        raise ApiError(403, "only who reaches every deployment allows deletions")
    passed: Passed = await desk.ask(ask)
    result = applied(desk.sight(caller).passed(passed))
    desk.record(caller, "apply", result["stdout"].strip().splitlines()[-1], ok=result["ok"], details=_details(passed))
    return result


def _details(passed: Passed) -> dict[str, Any]:
    return {"run": passed.report.run if passed.report else 0, "digest": passed.plan.digest}


ROUTES = (diff, drift, accept_drift, apply, apply_plan)
