"""route: what Caddy does with the requests for a host name and a path.

A leaf kind. A service expands into one; a route may also be declared on its own, with addresses instead of names.
Its native form is a mapping of marked fragments: `https` and `http` are Caddy routes on the two servers of conduit,
`certificate` is the file pair that `https` needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conduit.kind import Context
from conduit.model import Native
from conduit.providers import caddy_route
from conduit.providers.accounts import Password
from conduit.providers.caddy_route import Dialect
from conduit.resources import route_spec
from conduit.resources.proxied_spec import Proxied
from conduit.resources.route_spec import RouteSpec


class RouteKind(Proxied[RouteSpec]):
    """A host name and path served by Caddy."""

    name = "route"
    plural = "routes"
    spec = RouteSpec
    provider = "caddy"
    adopt = "mark"
    adopt_step = "remove the route from the other server's configuration, then apply"
    permission = "routes"

    def build(self, spec: RouteSpec, ctx: Context, password: Password) -> Native:
        """Return the Caddy fragments of a route."""
        shared, delay = "named_routes" in ctx.features, "stream_close_delay" in ctx.features
        port = route_spec.port_of(ctx.settings, "caddy") if spec.tls else 443
        return caddy_route.build(spec, Dialect(shared, delay, port), password)

    def rebuild(self, spec: RouteSpec, native: Native, password: Password) -> Native:
        """Return the fragments of a route in the dialect of others."""
        return caddy_route.build(spec, Dialect.of(native), password)

    def fields(self, native: Native) -> dict[str, Any]:
        """Return the fields the fragments seem to say."""
        return caddy_route.fields(native)

    def users(self, native: Native) -> Mapping[str, Any]:
        """Return the passwords in the fragments."""
        return caddy_route.accounts(native)

    def forms(self, native: Native) -> list[Native]:
        """Return the fragments as they are, or when the two routes match different requests, after each of them."""
        routes = {part: native[part] for part in ("https", "http") if part in native}
        forms: list[Native] = []
        for match in (route.get("match") for route in routes.values()):
            form = native | {part: route | {"match": match} for part, route in routes.items()}
            if form not in forms:
                forms.append(form)
        return forms or [native]
