"""What the page of the REST API says: each route of the code, with the contract row that tests it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from docs_tables import wrapped
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from conduit.api.app import build
from conduit.api.desk import Desk
from conduit.settings import Settings

ROOT = Path(__file__).parents[1]


def api_parts() -> Iterator[str]:
    """Yield the reference of the REST API: its conventions, and each route with the contract row that tests it."""
    told = {(method, path): handler for method, path, handler in _routes()}
    yield (ROOT / "scripts" / "api-intro.md").read_text().strip()
    for file in sorted((ROOT / "tests" / "api" / "contract").glob("*.yaml")):
        section = yaml.safe_load(file.read_text())
        yield f"## {section['section']}"
        for row in section["rows"]:
            yield from _route_parts(row, told[row["method"], row["path"]])


def _routes() -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    app = build(Desk(Settings()))
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            path = re.sub(r":(str|int)}", "}", route.path)
            yield from ((method, path, handler) for handler in route.route_handlers for method in handler.http_methods)


def _route_parts(row: Mapping[str, Any], handler: HTTPRouteHandler) -> Iterator[str]:
    """Yield what is said of one route: its docstring, the request that is tried, what answers and what is then true."""
    yield f"### {row['method']} {row['path']}"
    yield wrapped(str(handler.description))
    lines = [f"Permission: `{row['permission']}`."]
    if row.get("seen"):
        lines.append("Needs `If-Match`.")
    if "request" in row:
        lines.append(f"For example `{json.dumps(row['request']).replace('$echo', '10.0.1.5:3000')}`.")
    keys = [*row.get("reply", ()), *(f"{row['item']}[].{key}" for key in row.get("item_keys", ()))]
    if keys:
        lines.append(f"Answers {row['status']} with {', '.join(f'`{key}`' for key in keys)}.")
    yield wrapped(" ".join(lines))
