"""vhost: what nginx does with the requests for a host name and a path.

A leaf kind, and a route's twin: the same fields with the same meaning, rendered so that a visitor sees the same. A
service with `proxy: nginx` expands into one. Several vhosts may share a host name with different paths; a host name
and path used on both proxies is a clash. What nginx cannot do as Caddy does is in docs/proxies.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from conduit.change import Diff
from conduit.diff import compare, difference
from conduit.fields import Host
from conduit.kind import Context, Kind
from conduit.model import Claim, Key, Live, Native, Ref
from conduit.providers import nginx_vhost
from conduit.providers.nginx_text import word
from conduit.resources import passwords_spec as passwords
from conduit.resources import route_spec
from conduit.resources.route_spec import RouteSpec
from conduit.spec import RefTo, Resource


def _in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names))


class VhostSpec(RouteSpec):
    """A host name and path, and what nginx answers there: upstreams, a redirect or a maintenance page."""

    names: Annotated[tuple[Host, ...], AfterValidator(_in_order)] = Field(min_length=1, strict=False)
    """The host names, each exact or `*.` and a domain; their order does not matter."""
    certificate: Annotated[Ref | None, RefTo("certificate", "nginx")] = None
    """The name of the declared certificate."""

    @model_validator(mode="after")
    def _for_nginx(self) -> Self:
        for name, value in (*self.request_headers.items(), *self.response_headers.items()):
            _require_writable(name, value)
        if "Server" in self.response_headers:
            raise ValueError("response_headers: nginx always says Server itself; it cannot be set or removed")
        answered = [name for name in OWN_ANSWER if name in self.response_headers]
        if answered and not self.upstreams:
            raise ValueError(f"response_headers: {answered[0]} of a redirect or maintenance page is the proxy's own")
        if "Host" in self.request_headers and not self.request_headers["Host"]:
            raise ValueError("request_headers: Host can be changed, not removed")
        return self


OWN_ANSWER: Final = ("Content-Type", "Location", "Retry-After")
"""What nginx sends with an answer of its own, beside the header that was declared."""


def _require_writable(name: str, value: str | None) -> None:
    if value == "":
        raise ValueError(f"{name}: nginx sends no empty header; write null to remove it")
    word(value or "")


class Vhost(Kind[VhostSpec]):
    """A host name and path served by nginx. What differs from Caddy is told in [proxies.md](../proxies.md)."""

    name = "vhost"
    plural = "vhosts"
    spec = VhostSpec
    provider = "nginx"
    adopt_step = "remove its server from the other file of nginx, then apply"

    def render(self, spec: VhostSpec, ctx: Context) -> Native:
        """Return nginx's directives; stored passwords stay `Secret` until they are staged."""
        return nginx_vhost.build(spec, route_spec.port_of(ctx.settings, "nginx"), passwords.declared(ctx))

    def parse(self, native: Native) -> VhostSpec | None:
        """Return the spec of a native form, or None when nginx does more than a spec can say."""
        try:
            found = nginx_vhost.fields(native)
            users = native.get("users", {})
            if users:
                found["basic_auth"] = {user: getattr(p, "value", p) for user, p in users.items()}
            if found["tls"]:
                entry = native["certificate"]
                found["certificate"] = Ref(Key("certificate", entry["name"]), "nginx", entry["files"])
            spec = VhostSpec.model_validate(found)
            again = nginx_vhost.build(spec, nginx_vhost.port_of(native), lambda user, value: users[user])
        except (LookupError, TypeError, AttributeError, ValueError):
            return None
        return spec if again == native else None

    def same(self, want: Resource[VhostSpec], native: Native, live: Live, ctx: Context) -> Diff | None:
        """Compare, taking a stored password as equal while its seal in nginx's file still holds."""
        users = want.spec.basic_auth
        if users and live.native != native:
            kept = passwords.unchanged(users, live.key, live.native.get("users", {}), ctx)
            native = native | {"users": native["users"] | kept}
        return super().same(want, native, live, ctx)

    def explain(self, spec: VhostSpec, native: Native, live: Native, ctx: Context) -> Diff:
        """Show the difference in spec terms: passwords by keyed fingerprint, a certificate by its file."""
        parsed = self.parse(live)
        if parsed is None:
            return difference(live, native)
        plain = [
            change for change in compare(parsed, route_spec.dialled(spec)) if not change.path.startswith("basic_auth")
        ]
        users = passwords.changes(live.get("users", {}), native.get("users", {}), ctx)
        fields = (*map(route_spec.by_file, plain), *users)
        return Diff(fields) if fields else difference(live, native)

    def claims(self, spec: VhostSpec) -> Iterable[Claim]:
        """A vhost claims its path on each of its hosts, whichever proxy serves them; paths ignore case."""
        return route_spec.claims(spec)
