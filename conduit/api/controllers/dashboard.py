"""The dashboard: files of the built one, and its first page for every path of its own; JSON 404 below /api."""

from __future__ import annotations

import asyncio
from mimetypes import guess_type
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response

import conduit
from conduit.api.auth import PUBLIC
from conduit.api.desk import Here
from conduit.api.errors import ApiError
from conduit.api.routing import route

BUILT: Final = Path(conduit.__file__).parent / "ui"
"""Where the dashboard lies inside the installed package."""
CHECKOUT: Final = Path(conduit.__file__).parents[1] / "ui" / "dist"
"""Where `make ui-build` puts it in a checkout."""
NOT_BUILT: Final = {"error": "UI not built. Run: make ui-build"}
PAGE: Final = "index.html"
ASSETS: Final = "assets/"
"""Below it every file has the hash of its content in its name, so that a browser may keep it for good (RFC 8246)."""
KEPT: Final = "public, max-age=31536000, immutable"


@route("GET", ["/", "/{path:path}"], PUBLIC, include_in_schema=False)
async def dashboard(desk: Here, request: Request[Any, Any, Any]) -> Response[Any]:
    """Return a file of the dashboard; every path without one is the dashboard's own and gets its page."""
    asked = request.url.path.lstrip("/")
    if asked == "api" or asked.startswith("api/"):
        raise ApiError(404, "there is no such route")
    own = desk.settings.api.dashboard
    root = desk.settings.path(own) if own else next((place for place in (BUILT, CHECKOUT) if place.is_dir()), BUILT)
    if not (root / PAGE).is_file():
        return Response(NOT_BUILT, status_code=503)
    file = _inside(root, asked)
    if file is None and asked.startswith(ASSETS):
        raise ApiError(404, "the dashboard has no such file")
    found = file or root / PAGE
    content = await asyncio.to_thread(found.read_bytes)
    kept = KEPT if asked.startswith(ASSETS) else "no-store"
    kind = guess_type(found.name)[0] or "application/octet-stream"
    return Response(content, media_type=kind, headers={"Cache-Control": kept})


def _inside(root: Path, asked: str) -> Path | None:
    """Return the file a path names, if it lies in the dashboard and is no link out of it."""
    file = (root / asked).resolve()
    return file if file.is_relative_to(root.resolve()) and file.is_file() else None


ROUTES = (dashboard,)
