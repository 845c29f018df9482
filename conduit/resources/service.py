"""service: a site under a name of its own. It expands into DNS records, a certificate and a route, or nginx's vhost.

The name answers at the proxy, the proxy shows a certificate of the internal CA and passes requests on to the upstream.
An upstream given by name is resolved when the plan is made and handed to the proxy as addresses, so that what was
checked is what is connected to; another answer of the name is a difference like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from conduit import grammar, measures
from conduit.change import Proof
from conduit.errors import ConduitError
from conduit.kind import Context, Kind
from conduit.look import Look
from conduit.model import Key
from conduit.resources.service_spec import ServiceSpec
from conduit.resources.site_leaves import (
    CARRIED,
    LEAF,
    READ_TWICE,
    Misfit,
    dialled,
    leaf,
    misfits,
    proxy_of,
    record_of,
    route_of,
    upstreams_of,
)
from conduit.resources.upstream_spec import Upstream
from conduit.settings import Settings
from conduit.spec import Resource
from conduit.upstreams import named_host

ROUTE_FROM: Final = {n: n for n in CARRIED} | {"names": "domain", "tls": "tls", "certificate": "tls"}
FROM: Final[Mapping[str, Mapping[str, str]]] = {
    "dns_record": {"name": "domain", "type": "address", "value": "address"},
    "alias": {"name": "aliases", "type": "address", "value": "address"},
    "certificate": {"names": "domain", "consumers": "proxy"},
    "upstream": ROUTE_FROM | {"upstreams": "upstream"},
    "upstreams": ROUTE_FROM | {"upstreams": "upstreams"},
    "deployment": ROUTE_FROM | {"upstreams": "deployment"},
}
"""Which field of a service each field of its leaves comes from."""

INDEPENDENT: Final = frozenset(
    (
        *("upstream", "deployment", "container", "container_port"),
        *("address", "dns", "tls", "proxy", "health", "websockets"),
        *("max_body", "basic_auth", "request_headers", "response_headers"),
    )
)
"""Fields that make a valid leaf whatever the others are. With these alone, leaves are copied from a valid one: at ten
thousand services, validating again what was validated as a service would cost more than all the rest."""
COPIED: Final = {proxy: INDEPENDENT - fields for proxy, fields in READ_TWICE.items()}
"""The same by proxy, without what its leaf has to check again."""


class Service(Kind[ServiceSpec]):
    """A site with a DNS name, a certificate and a route through the proxy, Caddy or nginx."""

    name = "service"
    plural = "services"
    spec = ServiceSpec
    permission = "services"

    def hosts(self, spec: ServiceSpec) -> Iterable[str]:
        """Yield the upstreams that are named, not addressed."""
        if spec.upstream and not spec.upstreams:
            host = named_host(spec.upstream)
            return (host,) if host else ()
        return (host for _, text, _ in upstreams_of(spec) if (host := named_host(text)))

    def alone(self, spec: ServiceSpec) -> bool:
        """Return whether it reaches no container."""
        return spec.deployment is None

    def expand(self, resource: Resource[ServiceSpec], look: Look) -> Iterable[Resource[Any]]:
        """Return the DNS records, the certificate and the route or vhost of a service. Raises `ConduitError`."""
        try:
            return parts_of(resource, look)
        except Misfit as misfit:
            raise ConduitError(misfits(resource, misfit)) from None

    def prove(self, ctx: Context, resource: Resource[ServiceSpec]) -> Proof | None:
        """Ask for the name, then for the site; see `conduit.resources.site_proof`."""
        from conduit.resources.site_proof import prove

        return prove(ctx, ctx.prober, resource.key) if ctx.prober else None

    def check_seconds(self, spec: ServiceSpec) -> float | None:
        """Return the interval of the declared health check."""
        return measures.duration(spec.health.interval) if spec.health else None


def parts_of(resource: Resource[ServiceSpec], look: Look) -> list[Resource[Any]]:
    """Return the parts of a service. Raises `Misfit`, `ConduitError`."""
    if resource.spec.deployment is not None:
        from conduit.resources.deployment_reach import held

        resource = held(resource, resource.spec, look)
    spec = resource.spec
    key = Key(LEAF[proxy_of(spec, look.settings)], resource.key.name)
    found = () if spec.maintenance else dialled(resource, spec, key, look)
    return list(_leaves(resource, look.settings, found))


def names_of(name: str, spec: ServiceSpec, settings: Settings) -> tuple[str, ...]:
    """Return the host names of a service, its own first."""
    return (spec.domain or f"{grammar.label_of(name)}.{settings.internal_domain}", *spec.aliases)


def _leaves(
    resource: Resource[ServiceSpec], settings: Settings, found: tuple[Upstream, ...]
) -> Iterable[Resource[Any]]:
    """Yield the parts of a service in the order a visitor meets them."""
    (_, name), spec = resource.key, resource.spec
    names, proxy = names_of(name, spec, settings), proxy_of(spec, settings)
    copied = spec.model_fields_set <= COPIED[proxy] and len(names[0]) <= 253
    for number, host in enumerate(names if spec.dns else ()):
        key = Key("dns_record", f"{name}-alias-{number}" if number else name)
        origin = FROM["alias" if number else "dns_record"]
        yield leaf(resource, key, record_of(host, spec, settings), origin, copied=copied)
    certificate = Key("certificate", name)
    if spec.tls == "internal":
        yield leaf(resource, certificate, {"names": names, "consumers": (proxy,)}, FROM["certificate"], copied=copied)
    fields = route_of(spec, certificate, proxy) | {"names": names, "upstreams": found}
    yield leaf(resource, Key(LEAF[proxy], name), fields, FROM[_answering(spec)], copied=copied)


def _answering(spec: ServiceSpec) -> str:
    """Return the field that says who answers."""
    if spec.upstreams:
        return "upstreams"
    return "deployment" if spec.deployment else "upstream"
