"""Native: the difference between the wish and the live daemons, and applying it."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.params import Parameter, QueryParameter

from conduit.api.auth import Caller, Who
from conduit.api.desk import Desk, Here
from conduit.api.envelopes import applied
from conduit.api.routing import Result, route
from conduit.plan import Selection
from conduit.plan_json import plan_document
from conduit.reconcile.worker import Apply, Look, Passed

Digest = Annotated[str, Parameter(pattern=r"^[0-9a-f]{8,64}$", description="the digest of a plan that was shown")]
AllowDeletes = Annotated[int | None, QueryParameter(name="allow_deletes", ge=0, description="allow exactly so many")]


@route("GET", "/api/diff", "system:read", native=True, summary="What an apply would change")
async def diff(desk: Here) -> dict[str, Any]:
    """Compare the wish with the live daemons now. Changes nothing."""
    passed: Passed = await desk.ask(Look())
    return plan_document(passed.plan)


@route("GET", "/api/drift", "system:read", native=True, summary="What the host changed")
async def drift(desk: Here) -> dict[str, Any]:
    """Compare now, and return what moved on the host and not in the manifests."""
    passed: Passed = await desk.ask(Look())
    document = plan_document(passed.plan)
    changes = [each for each in document["resource_changes"] if each["origin"] in ("drift", "both")]
    return {"drift": changes, "ignored": document["ignored"], "unknown": document["unknown"]}


@route("POST", "/api/apply", "system:write", native=True, summary="Apply what is declared")
async def apply(desk: Here, caller: Who, allow_deletes: AllowDeletes = None) -> Result:
    """Plan and apply all that is declared, and return how it ended."""
    return await _apply(desk, caller, Apply(Selection(allow_deletes=allow_deletes)))


@route("POST", "/api/plans/{digest:str}/apply", "system:write", native=True, summary="Apply the plan that was shown")
async def apply_plan(desk: Here, caller: Who, digest: Digest, allow_deletes: AllowDeletes = None) -> Result:
    """Apply the very plan of this digest; 409 when anything moved since it was shown."""
    return await _apply(desk, caller, Apply(Selection(allow_deletes=allow_deletes), digest))


async def _apply(desk: Desk, caller: Caller, ask: Apply) -> Result:
    desk.audit.require()
    passed: Passed = await desk.ask(ask)
    result = applied(passed)
    desk.record(caller, "apply", result["stdout"].strip().splitlines()[-1], ok=result["ok"], details=_details(passed))
    return result


def _details(passed: Passed) -> dict[str, Any]:
    return {"run": passed.report.run if passed.report else 0, "digest": passed.plan.digest}


ROUTES = (diff, drift, apply, apply_plan)
