"""Native: past runs, the journal, and the kinds there are."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.params import FromPath, Parameter

from conduit.api.auth import Who
from conduit.api.desk import Desk, Here
from conduit.api.errors import ApiError
from conduit.api.routing import route
from conduit.kind import Kind
from conduit.manifest_schema import manifest_schema, spec_schema
from conduit.plan_json import entry_document, run_document
from conduit.show.explained import summary_of

Limit = Annotated[int, Parameter(ge=1, le=500, description="at most so many")]
Number = Annotated[int, Parameter(ge=1, le=2**62, description="the number of a run")]


@route("GET", "/api/runs", "system:read", native=True, sync_to_thread=True, summary="Past runs, newest last")
def runs(desk: Here, caller: Who, limit: Limit = 20) -> dict[str, Any]:
    """Return the last runs and how each change of them ended."""
    sight = desk.sight(caller)
    return {"runs": [sight.document(run_document(run)) for run in desk.reader.history.runs(limit)]}


@route("GET", "/api/runs/{number:int}", "system:read", native=True, sync_to_thread=True, summary="One run")
def run(desk: Here, caller: Who, number: Number) -> dict[str, Any]:
    """Return one run with what it intended and what came of it, from the journal."""
    entries = desk.reader.journal.entries(number, limit=500)
    if not entries:
        raise ApiError(404, f"there is no run {number}")
    sight = desk.sight(caller)
    return {"run": number, "entries": [sight.entry(entry_document(entry)) for entry in entries]}


@route("GET", "/api/journal", "system:read", native=True, sync_to_thread=True, summary="The journal, newest last")
def journal(desk: Here, caller: Who, limit: Limit = 100) -> dict[str, Any]:
    """Return the last entries of the journal, and whether its chain holds."""
    own, sight = desk.reader.journal, desk.sight(caller)
    bad = own.verify()
    entries = [sight.entry(entry_document(entry)) for entry in own.entries(limit=limit)]
    return {"entries": entries, "broken": str(bad) if bad else None}


@route("GET", "/api/kinds", "system:read", native=True, sync_to_thread=False, summary="The kinds of resource")
def kinds(desk: Here) -> dict[str, Any]:
    """Return every kind a manifest may declare."""
    return {"kinds": [_kind_document(kind) for kind in desk.passes.engine.kinds.values()]}


@route("GET", "/api/schema", "system:read", native=True, sync_to_thread=True, summary="The schema of a manifest")
def schema(desk: Here) -> dict[str, Any]:
    """Return the JSON Schema of a whole manifest file."""
    return manifest_schema(desk.passes.engine.kinds)


@route("GET", "/api/schema/{kind:str}", "system:read", native=True, sync_to_thread=True, summary="The schema of a kind")
def kind_schema(desk: Here, kind: FromPath[str]) -> dict[str, Any]:
    """Return the JSON Schema of one kind's spec."""
    return spec_schema(kind_named(desk, kind))


def kind_named(desk: Desk, name: str) -> Kind[Any]:
    """Return a kind by its name or plural. Raises `ApiError` 404."""
    found = next((kind for kind in desk.passes.engine.kinds.values() if name in (kind.name, kind.plural)), None)
    if found is None:
        raise ApiError(404, "there is no such kind", hint="GET /api/kinds lists them")
    return found


def _kind_document(kind: Kind[Any]) -> dict[str, Any]:
    return {
        "name": kind.name,
        "plural": kind.plural,
        "provider": kind.provider,
        "summary": summary_of(kind),
        "permission": permission_of(kind),
        "operations": {name: each.summary for name, each in kind.operations.items()},
    }


def permission_of(kind: Kind[Any]) -> str:
    """Return the resource whose permissions guard a kind; one of no documented resource is guarded as the system."""
    return kind.permission or "system"


ROUTES = (runs, run, journal, kinds, schema, kind_schema)
