"""vhost: what nginx does with the requests for a host name and a path.

A leaf kind, and a route's twin: the same fields with the same meaning, rendered so that a visitor sees the same. A
service with `proxy: nginx` expands into one. Several vhosts may share a host name with different paths; a host name
and path used on both proxies is a clash. What nginx cannot do as Caddy does is in docs/proxies.md.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from conduit.fields import Host
from conduit.kind import Context
from conduit.model import Native, Ref
from conduit.providers import nginx_vhost, nginx_vhost_fields
from conduit.providers.accounts import Password
from conduit.providers.nginx_text import word
from conduit.providers.nginx_upstreams import TRUST
from conduit.providers.nginx_vhost import Dialect
from conduit.resources import route_spec
from conduit.resources.proxied_spec import Proxied
from conduit.resources.route_spec import RouteSpec
from conduit.spec import RefTo
from conduit.validators import After


def _in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names))


class VhostSpec(RouteSpec):
    """A host name and path, and what nginx answers there: upstreams, a redirect or a maintenance page."""

    names: Annotated[tuple[Host, ...], After(_in_order)] = Field(min_length=1, strict=False)
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
        if self.upstream_tls and self.upstream_tls.verify and not self.upstream_tls.name:
            raise ValueError(
                "upstream_tls: nginx verifies by name; write the name in the certificate, or verify: false"
            )
        return self


OWN_ANSWER: Final = ("Content-Type", "Location", "Retry-After")
"""What nginx sends with an answer of its own, beside the header that was declared."""


def _require_writable(name: str, value: str | None) -> None:
    if value == "":
        raise ValueError(f"{name}: nginx sends no empty header; write null to remove it")
    word(value or "")


class Vhost(Proxied[VhostSpec]):
    """A host name and path served by nginx; docs/proxies.md tells what differs from Caddy."""

    name = "vhost"
    plural = "vhosts"
    spec = VhostSpec
    provider = "nginx"
    adopt_step = "remove its server from the other file of nginx, then apply"
    permission = "routes"

    def build(self, spec: VhostSpec, ctx: Context, password: Password) -> Native:
        """Return nginx's directives."""
        trust = str((ctx.settings.sections.get("nginx") or {}).get("trust") or TRUST)
        return nginx_vhost.build(spec, Dialect(route_spec.port_of(ctx.settings, "nginx"), trust), password)

    def rebuild(self, spec: VhostSpec, native: Native, password: Password) -> Native:
        """Return the directives of a vhost in the dialect of others."""
        return nginx_vhost.build(spec, Dialect.of(native), password)

    def fields(self, native: Native) -> dict[str, Any]:
        """Return the fields the directives seem to say."""
        return nginx_vhost_fields.fields(native)

    def users(self, native: Native) -> Mapping[str, Any]:
        """Return the passwords beside the directives."""
        found: Mapping[str, Any] = native.get("users", {})
        return found
