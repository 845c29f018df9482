"""How a route is declared: its path, the permission it needs, its dialect, and the failures it may answer with."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Any, Final, NotRequired, TypedDict

from litestar import delete, get, patch, post, put
from litestar.openapi.datastructures import ResponseSpec

from conduit.api.auth import PUBLIC, Permission
from conduit.api.codes import CODES
from conduit.api.errors import NATIVE, SECOND

Decorator = Callable[[Callable[..., Any]], Any]


class Problem(TypedDict):
    """A failed request of the native part (RFC 9457): `code` is stable, `field` names what is to blame.

    `errors` are all problems of the manifests, each with its place and field, as `--json` prints them.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    field: NotRequired[str]
    hint: NotRequired[str]
    errors: NotRequired[list[dict[str, Any]]]


class Failure(TypedDict):
    """A failed request of the documented API."""

    error: str
    detail: str
    code: str
    request_id: str
    field: NotRequired[str]


class Result(TypedDict):
    """What a command would have printed, and what it changed: `run` is its number in the journal."""

    ok: bool
    stdout: str
    stderr: str
    exit_code: int
    changes: list[dict[str, Any]]
    run: int


METHODS: Final[dict[str, Any]] = {"GET": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete}
ALWAYS: Final = (400, 401, 403, 404, 413, 415, 421, 422, 429, 503)
"""What any route may answer beside its success."""
WRITES: Final = (409, 507)
CONDITIONAL: Final = (412,)
VERSIONED: Final = (412, 428)


def route(
    method: str,
    path: str | list[str],
    permission: Permission,
    *,
    native: bool = False,
    second: bool = False,
    versioned: bool = False,
    conditional: bool = False,
    act: str = "",
    **options: Any,
) -> Decorator:
    """Declare a handler. `native` answers failures as problem+json; a `versioned` one needs If-Match.

    A `conditional` one goes by If-Match where it is sent. A `second` one belongs to the second documented API. `act` is
    what the audit trail calls a change that fails before its handler says anything.
    """
    matching = VERSIONED if versioned else CONDITIONAL if conditional else ()
    statuses = [*ALWAYS, *(WRITES if method != "GET" else ()), *matching]
    container = Problem if native else Failure
    said = {status: ResponseSpec(container, description=_title(status), generate_examples=False) for status in statuses}
    dialect = NATIVE if native else SECOND if second else "documented"
    opt = {"permission": permission, "dialect": dialect, "act": act, **options.pop("opt", {})}
    options.setdefault("status_code", 200)
    options.setdefault("security", [] if permission == PUBLIC else [{"key": []}, {"bearer": []}])

    def declare(handler: Callable[..., Any]) -> Any:
        about = cleandoc(handler.__doc__ or "")
        return METHODS[method](path, opt=opt, responses=said, description=about, **options)(handler)

    return declare


def _title(status: int) -> str:
    return CODES[status].title if status in CODES else {503: "it cannot be done now", 507: "the disk is full"}[status]
