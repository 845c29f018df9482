"""route: what Caddy does with the requests for a host name and a path.

A leaf kind. A service expands into one; a route may also be declared on its own, with addresses instead of names.
Its native form is a mapping of marked fragments: `https` and `http` are Caddy routes on the two servers of conduit,
`certificate` is the file pair that `https` needs.
"""

from __future__ import annotations

from collections.abc import Iterable

from conduit.change import Diff, FieldChange
from conduit.diff import compare, difference
from conduit.kind import Context, Kind
from conduit.model import Claim, Key, Live, Native, Ref
from conduit.providers import caddy_route
from conduit.providers.caddy_route import Dialect
from conduit.resources import passwords_spec as passwords
from conduit.resources import route_spec
from conduit.resources.route_spec import RouteSpec
from conduit.spec import Resource

DISAGREE = "its routes in the HTTPS and the HTTP server disagree"


class RouteKind(Kind[RouteSpec]):
    """A host name and path served by Caddy."""

    name = "route"
    plural = "routes"
    spec = RouteSpec
    provider = "caddy"
    adopt = "mark"
    adopt_step = "remove the route from the other server's configuration, then apply"

    def render(self, spec: RouteSpec, ctx: Context) -> Native:
        """Return the Caddy fragments of a route; stored passwords stay `Secret` until they are staged."""
        return caddy_route.build(spec, _dialect(ctx), passwords.declared(ctx))

    def parse(self, native: Native) -> RouteSpec | None:
        """Return the spec of a native form, or None when Caddy does more than a spec can say."""
        try:
            found = caddy_route.fields(native)
            users = found.get("basic_auth", {})
            if users:
                found["basic_auth"] = {user: getattr(p, "value", p) for user, p in users.items()}
            if found["tls"]:
                entry = native["certificate"]
                found["certificate"] = Ref(Key("certificate", entry["name"]), "caddy", entry["files"])
            spec = RouteSpec.model_validate(found)
            again = caddy_route.build(spec, Dialect.of(native), lambda user, value: users[user])
        except (LookupError, TypeError, AttributeError, ValueError):
            return None
        return spec if again == native else None

    def same(self, want: Resource[RouteSpec], native: Native, live: Live, ctx: Context) -> Diff | None:
        """Compare, taking a stored password as equal while its seal in Caddy still holds."""
        users = want.spec.basic_auth
        if users and live.native != native:
            kept = passwords.unchanged(users, live.key, caddy_route.accounts(live.native), ctx)
            declared = passwords.declared(ctx)
            native = caddy_route.build(want.spec, _dialect(ctx), lambda u, v: kept.get(u) or declared(u, v))
        return super().same(want, native, live, ctx)

    def explain(self, spec: RouteSpec, native: Native, live: Native, ctx: Context) -> Diff:
        """Show the difference in spec terms: passwords by keyed fingerprint, a certificate by its file."""
        halves = [self.parse(form) for form in _agreeing(live)]
        changes: list[FieldChange] = []
        for parsed in halves:
            if parsed is None:
                return difference(live, native)
            changes += [change for change in compare(parsed, route_spec.dialled(spec)) if change not in changes]
        plain = [change for change in changes if not change.path.startswith("basic_auth")]
        fields = (
            *map(route_spec.by_file, plain),
            *passwords.changes(caddy_route.accounts(live), caddy_route.accounts(native), ctx),
        )
        return Diff(fields, reason=DISAGREE if len(halves) > 1 else "") if fields else difference(live, native)

    def claims(self, spec: RouteSpec) -> Iterable[Claim]:
        """A route claims its path on each of its hosts; Caddy matches paths without regard to case."""
        return route_spec.claims(spec)


def _agreeing(native: Native) -> list[Native]:
    """Return a native form as it is, or when its two routes match different requests, as it would be after each."""
    routes = {part: native[part] for part in ("https", "http") if part in native}
    forms: list[Native] = []
    for match in (route.get("match") for route in routes.values()):
        form = native | {part: route | {"match": match} for part, route in routes.items()}
        if form not in forms:
            forms.append(form)
    return forms or [native]


def _dialect(ctx: Context) -> Dialect:
    return Dialect("stream_close_delay" in ctx.features, route_spec.port_of(ctx.settings, "caddy"))
