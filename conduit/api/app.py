"""The application: every controller, the guard in front of each route, one exception handler, and OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

from conduit import __version__
from conduit.api import controllers
from conduit.api.auth import Caller, Guard, Permission, require_permissions
from conduit.api.body import Sent
from conduit.api.desk import Desk
from conduit.api.errors import answer
from conduit.api.gate import Gate, hosts_of
from conduit.api.optional_keys import OptionalKeys
from conduit.api.recorder import Recorder, announce

BODY_BYTES: Final = 2**20
"""The largest JSON body."""
KEYS: Final = {
    "key": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
    "bearer": SecurityScheme(type="http", scheme="bearer"),
}


def handlers() -> list[HTTPRouteHandler]:
    """Return every route handler: the `ROUTES` of each module in conduit/api/controllers."""
    found = [import_module(f"{controllers.__name__}.{module.name}") for module in iter_modules(controllers.__path__)]
    return [handler for module in found for handler in getattr(module, "ROUTES", ())]


def build(desk: Desk) -> Litestar:
    """Return the application. Raises `ConduitError` when a route declares no permission."""
    guard = Guard(desk.door.recognition, desk.settings.api, hosts_of(desk.settings.api), desk.deny)
    app = Litestar(
        route_handlers=handlers(),
        guards=[guard],
        request_class=Sent,
        before_request=announce,
        dependencies={
            "desk": Provide(lambda: desk, sync_to_thread=False),
            "caller": Provide(_caller, sync_to_thread=False),
        },
        exception_handlers={Exception: answer},
        request_max_body_size=BODY_BYTES,
        openapi_config=_openapi(),
        plugins=[OptionalKeys()],
        state=State({"guard": guard, "desk": desk}),
        lifespan=[_running(desk)],
        logging_config=None,
    )
    require_permissions(app)
    return app


def served(desk: Desk) -> Gate:
    """Return what the server runs: the application behind the gate and the recorder."""
    return Gate(Recorder(build(desk), desk.audit), desk.settings.api)  # type: ignore[arg-type]


def table_of(app: Litestar) -> list[tuple[str, str, str]]:
    """Return method, path and permission of every route, sorted; a permission that depends on the request says so."""
    rows = [
        (method, route.path, _words(handler.opt["permission"]))
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS"}
    ]
    return sorted(rows, key=lambda row: (row[1], row[0]))


def _words(permission: Permission) -> str:
    return permission if isinstance(permission, str) else "of the kind"


def _caller(request: Request[Any, Any, Any]) -> Caller:
    caller: Caller = request.scope["state"]["caller"]
    return caller


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="conduit",
        version=__version__,
        description="The REST API of conduit: what is declared, what is live, and making the one the other.",
        components=Components(security_schemes=dict(KEYS)),
        openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, opt={"permission": "system:read"}),
        render_plugins=[JsonRenderPlugin(path="/openapi.json"), YamlRenderPlugin()],
    )


def _running(desk: Desk) -> Any:
    @asynccontextmanager
    async def running(_app: Litestar) -> AsyncIterator[None]:
        desk.start()
        try:
            yield
        finally:
            desk.stop()
            await desk.settle()

    return running
