"""Every failure of a request as one value, and its two renderings: problem+json, and the documented API's own body."""

from __future__ import annotations

import dataclasses
import errno
import logging
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from conduit.api.codes import CODES, INVALID, UNAVAILABLE
from conduit.api.wording import wrong_fields
from conduit.claims import CLASH
from conduit.errors import (
    Code,
    ConduitError,
    Diagnostic,
    LoadError,
    Locked,
    Refused,
    RollbackFailed,
    Stale,
    Unreadable,
    Unsafe,
)
from conduit.expand import DUPLICATE
from conduit.manifests.rewrite import NOT_IN_PLACE, SHARED, VARIABLE
from conduit.manifests.saving import DIRTY
from conduit.plan_json import problem_document
from conduit.providers.git import GIT_FAILED, HEAD_MOVED
from conduit.reconcile.worker import STOPPED

LOG: Final = logging.getLogger("conduit.api")

CONFLICTS: Final = frozenset(each.id for each in (DIRTY, HEAD_MOVED, SHARED, VARIABLE, NOT_IN_PLACE, DUPLICATE, CLASH))
"""The codes of edits that are in the way of somebody else's work, of how a manifest is written, or of what is there."""

AWAY: Final = frozenset((STOPPED.id, GIT_FAILED.id))
"""The codes of what may be asked for again in a moment."""

STATUSES: Final[tuple[tuple[type[ConduitError], int], ...]] = (
    (LoadError, 422),
    (Unsafe, 409),
    (Stale, 409),
    (Locked, 409),
    (Refused, 422),
    (Unreadable, 503),
    (RollbackFailed, 503),
)
"""The status of each failure of the engine; any other one is 422: the request asked for what cannot be."""

PLAIN: Final = {
    405: "this path does not take this method; Allow names those it takes",
    413: "a body may have 1 MiB at most",
}
"""What to say of a failure that Litestar names by its status alone."""

AGAIN_SECONDS: Final = "5"
"""When to ask again for what could not be done just now."""

MOST: Final = 20
"""Problems that one answer tells."""

NATIVE: Final = "native"
"""The value of a route's `dialect` option that asks for problem+json."""
SECOND: Final = "second"
"""The value of the second documented API, which answers 400 for any wrong field."""


@dataclasses.dataclass
class ApiError(Exception):
    """A request that fails. `field` is the field to blame, `headers` go into the answer."""

    status: int
    detail: str
    field: str = ""
    code: Code | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    hint: str = ""
    problems: tuple[Diagnostic, ...] = ()
    """What the engine says is wrong, each with its place and field."""

    @property
    def id(self) -> str:
        """The stable code."""
        return (self.code or CODES.get(self.status, UNAVAILABLE)).id

    @property
    def title(self) -> str:
        """What sort of failure it is."""
        return (self.code or CODES.get(self.status, UNAVAILABLE)).title


def as_api_error(error: Exception) -> ApiError:
    """Return any failure as one value. What nobody foresaw says nothing of its inside."""
    match error:
        case ApiError():
            return error
        case ConduitError():
            return _of_engine(error)
        case ValidationException():
            return _of_validation(error)
        case HTTPException() if wrong_fields(error):  # a field that Litestar takes for an argument of the handler
            return _of_validation(error)
        case HTTPException():
            said = PLAIN.get(error.status_code, str(error.detail))
            return ApiError(error.status_code, said, headers=dict(error.headers or {}))
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return ApiError(507, f"no space left: {error.strerror}", code=UNAVAILABLE)
        case OSError():
            return ApiError(503, f"the operating system refused: {error.strerror or type(error).__name__}")
    return ApiError(503, "an unforeseen failure; the log of conduit has it under the request id")


def _of_engine(error: ConduitError) -> ApiError:
    first: Diagnostic = error.diagnostics[0]
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 422)
    status = 409 if first.code.id in CONFLICTS else 503 if first.code.id in AWAY else status
    problems = error.diagnostics[:MOST]
    detail = "\n".join(map(_said, problems))
    later = {"Retry-After": AGAIN_SECONDS} if isinstance(error, Unreadable) else {}
    return ApiError(
        status, detail, field=first.field, code=first.code, headers=later, hint=first.hint, problems=problems
    )


def _said(problem: Diagnostic) -> str:
    """Return a problem in words; its code and its hint have fields of their own."""
    return f"{problem.source}: {problem.summary}" if problem.source else problem.summary


def _of_validation(error: HTTPException) -> ApiError:
    """Name each field that is wrong; a body without fields to name is not JSON at all."""
    found = wrong_fields(error)[:MOST]
    if not found:
        return ApiError(400, str(error.detail))
    words = "; ".join(f"{each.field or 'the body'}: {each.words}" for each in found)
    return ApiError(422, words, field=found[0].field)


def body_of(error: ApiError, request_id: str, *, native: bool) -> dict[str, Any]:
    """Return the body of a failed request in one of the two dialects."""
    named = {"field": error.field} if error.field else {}
    if native:
        head = {"type": "about:blank", "title": error.title, "status": error.status, "detail": error.detail}
        hint = {"hint": error.hint} if error.hint else {}
        each = {"errors": [problem_document(problem) for problem in error.problems]} if error.problems else {}
        return {**head, "code": error.id, **named, **hint, **each, "request_id": request_id}
    detail = f"{error.detail}; {error.hint}" if error.hint and error.hint not in error.detail else error.detail
    return {"error": error.detail, "detail": detail, "code": error.id, **named, "request_id": request_id}


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Render a failure; the exception handler of the whole application."""
    found = as_api_error(error)
    if found.status >= 500 and not isinstance(error, (ConduitError, ApiError, OSError)):
        LOG.error("request %s failed", request.scope["state"].get("request_id", ""), exc_info=error)
    handler = request.scope.get("route_handler")
    dialect = handler.opt.get("dialect") if handler is not None else ""
    native = dialect == NATIVE
    if dialect == SECOND and found.status == 422:
        found.status, found.code = 400, found.code or INVALID
    request.scope["state"]["failure"] = found.detail
    body = body_of(found, request.scope["state"].get("request_id", ""), native=native)
    kind = "application/problem+json" if native else "application/json"
    return Response(body, status_code=found.status, media_type=kind, headers=found.headers)
