"""service: a site under a name of its own. It expands into DNS records, a certificate and a route, or nginx's vhost.

The name answers at the proxy, the proxy shows a certificate of the internal CA and passes requests on to the upstream.
An upstream given by name is resolved when the plan is made and handed to the proxy as addresses, so that what was
checked is what is connected to; another answer of the name is a difference like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from conduit import fields, grammar
from conduit.change import Proof
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.kind import Context, Kind, Look
from conduit.model import Key, Ref
from conduit.resources import route_spec
from conduit.resources.certificate import CertificateSpec
from conduit.resources.dns_record import DnsRecordSpec
from conduit.resources.route_spec import RouteSpec, Upstream
from conduit.resources.vhost import VhostSpec
from conduit.settings import Settings
from conduit.spec import Resource, Spec
from conduit.upstreams import (
    REFUSED_UPSTREAM,
    UNKNOWN_UPSTREAM,
    addresses,
    named_host,
    normal,
    refuse_everywhere,
)

BAD_LEAF = Code(
    "CND-0323",
    "a service that does not fit its parts",
    "Each field of the service is fine by itself, but the DNS record, certificate or route it stands for would not be. "
    "The message names the part and its field.",
)


def _upstream(text: str) -> str:
    """`host:port`; an address that no site may proxy to is refused here, before anything is resolved."""
    text = normal(text)
    refuse_everywhere(text)
    return text


def _maintenance(value: Any) -> Any:
    return {True: route_spec.Maintenance(), False: None}[value] if isinstance(value, bool) else value


HostPort = Annotated[str, AfterValidator(_upstream)]
HostName = Annotated[str, AfterValidator(grammar.host_name)]
Address = Annotated[str, AfterValidator(grammar.address)]


class WeightedUpstream(Spec):
    """An upstream of several; `weight` is its share of the requests."""

    address: HostPort
    """Where requests go, host:port."""
    weight: int = Field(1, ge=1, le=1000)
    """Its share of the requests."""


class ServiceSpec(Spec):
    """A site: its name, how it is reached, what answers it, and who may ask."""

    upstream: HostPort | None = Field(None, description="where requests go, host:port")
    upstreams: tuple[HostPort | WeightedUpstream, ...] = Field(
        (), strict=False, description="the same for several, which share the requests by weight"
    )
    domain: HostName | None = Field(
        None, description="the name of the site; by default the service's own name in the internal domain"
    )
    aliases: tuple[HostName, ...] = Field((), strict=False, description="more names of the same site")
    address: Address | None = Field(None, description="what the names resolve to; by default the proxy's address")
    dns: bool = Field(True, description="whether the names get DNS records; off when something else answers them")
    path: fields.Prefix = Field("/", description="the service answers this path and everything below it")
    strip_prefix: bool = Field(False, description="whether the upstream sees requests without the path")
    proxy: Literal["caddy", "nginx"] | None = Field(
        None, description="the proxy that serves it; by default the only one the settings name, else caddy"
    )
    tls: Literal["internal", "off"] = Field("internal", description="who signs the certificate; off serves plain HTTP")
    https_redirect: bool = Field(True, description="whether plain HTTP is sent on to HTTPS")
    health: route_spec.Health | None = Field(None, description="the proxy's check of the upstreams, and the proof's")
    websockets: bool = Field(True, description="whether connections may be upgraded")
    request_headers: route_spec.RequestHeaders = Field(
        default_factory=dict, description="headers the upstream gets; null removes one"
    )
    response_headers: fields.Headers = Field(
        default_factory=dict, description="headers the visitor gets; null removes one"
    )
    basic_auth: dict[fields.User, fields.Password] | None = Field(
        None, min_length=1, description="who may come in: user to bcrypt hash or {secret: NAME}"
    )
    allow: tuple[fields.Cidr, ...] | None = Field(
        None, min_length=1, strict=False, description="address ranges that may come in; without it all may"
    )
    deny: tuple[fields.Cidr, ...] = Field((), strict=False, description="address ranges that may not come in")
    max_body: fields.Size | None = Field(None, description="the largest request body, for example 10MB")
    timeouts: route_spec.Timeouts | None = Field(None, description="how long the proxy waits for an upstream")
    redirect: route_spec.Redirect | None = Field(None, description="where to send visitors instead of an upstream")
    maintenance: Annotated[route_spec.Maintenance | None, BeforeValidator(_maintenance)] = Field(
        None, description="a page with status 503 instead of the site: true, or its message"
    )

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        given = bool(self.upstream) + bool(self.upstreams) + bool(self.redirect)
        if given > 1 or not (given or self.maintenance):
            raise ValueError("write exactly one of upstream, upstreams and redirect")
        return self


CARRIED: Final = frozenset(ServiceSpec.model_fields) & frozenset(RouteSpec.model_fields) - {"upstreams", "tls"}
"""The fields a route has under the same name and with the same meaning."""

UNDER_MAINTENANCE: Final = CARRIED - {*RouteSpec.PROXY_ONLY, "redirect"}

ROUTE_FROM: Final = {n: n for n in CARRIED} | {"names": "domain", "tls": "tls", "certificate": "tls"}
FROM: Final[Mapping[str, Mapping[str, str]]] = {
    "dns_record": {"name": "domain", "type": "address", "value": "address"},
    "alias": {"name": "aliases", "type": "address", "value": "address"},
    "certificate": {"names": "domain", "consumers": "proxy"},
    "one": ROUTE_FROM | {"upstreams": "upstream"},
    "several": ROUTE_FROM | {"upstreams": "upstreams"},
}
"""Which field of a service each field of its leaves comes from."""

INDEPENDENT: Final = frozenset(
    (
        *("upstream", "address", "dns", "tls", "proxy", "health", "websockets"),
        *("max_body", "basic_auth", "request_headers", "response_headers"),
    )
)
"""Fields that make a valid leaf whatever the others are. With these alone, leaves are copied from a valid one: at ten
thousand services, validating again what was validated as a service would cost more than all the rest."""

LEAF: Final[Mapping[str, str]] = {"caddy": "route", "nginx": "vhost"}
"""The kind that stands for a service in each proxy."""

READ_TWICE: Final[Mapping[str, frozenset[str]]] = {
    "caddy": frozenset(),
    "nginx": frozenset(("request_headers", "response_headers")),
}
"""Fields with rules of that proxy's own, which its leaf has to check."""

VALID_UPSTREAM: Final = Upstream(address="192.0.2.1:80")
VALID: Final[Mapping[str, Spec]] = {
    "dns_record": DnsRecordSpec(name="name.invalid", value="192.0.2.1"),
    "certificate": CertificateSpec(names=("name.invalid",)),
    "route": RouteSpec(names=("name.invalid",), upstreams=(VALID_UPSTREAM,), tls=False),
    "vhost": VhostSpec(names=("name.invalid",), upstreams=(VALID_UPSTREAM,), tls=False),
}


class Service(Kind[ServiceSpec]):
    """A site with a DNS name, a certificate and a route through the proxy, Caddy or nginx."""

    name = "service"
    plural = "services"
    spec = ServiceSpec

    def hosts(self, spec: ServiceSpec) -> Iterable[str]:
        """Yield the upstreams that are named, not addressed."""
        return (host for _, text, _ in upstreams_of(spec) if (host := named_host(text)))

    def expand(self, resource: Resource[ServiceSpec], look: Look) -> Iterable[Resource[Any]]:
        """Return the DNS records, the certificate and the route or vhost of a service. Raises `ConduitError`."""
        found = () if resource.spec.maintenance else tuple(self._upstreams(resource, look))
        try:
            return list(_leaves(resource, look.settings, found))
        except ValidationError as error:
            raise ConduitError(_misfits(resource, error)) from None

    def prove(self, ctx: Context, resource: Resource[ServiceSpec]) -> Proof | None:
        """Ask for the name, then for the site; see `conduit.resources.service_proof`."""
        from conduit.resources.service_proof import prove

        return prove(ctx, ctx.prober, resource) if ctx.prober else None

    def _upstreams(self, resource: Resource[ServiceSpec], look: Look) -> Iterable[Upstream]:
        """Yield what the proxy connects to: each upstream's addresses, checked. Names are resolved once per load."""
        for field, text, weight in upstreams_of(resource.spec):
            try:
                for address in addresses(text, look.rules, look.resolve):
                    yield VALID_UPSTREAM.model_copy(update={"address": address, "weight": weight})
            except OSError as error:
                raise ConduitError(_problem(UNKNOWN_UPSTREAM, resource, field, f"{text}: {error}")) from None
            except ValueError as error:
                raise ConduitError(_problem(REFUSED_UPSTREAM, resource, field, str(error))) from None


def names_of(name: str, spec: ServiceSpec, settings: Settings) -> tuple[str, ...]:
    """Return the host names of a service, its own first."""
    return (spec.domain or f"{grammar.label_of(name)}.{settings.internal_domain}", *spec.aliases)


def proxy_of(spec: ServiceSpec, settings: Settings) -> str:
    """Return the proxy that serves a service."""
    return spec.proxy or ("nginx" if "nginx" in settings.sections and "caddy" not in settings.sections else "caddy")


def address_of(spec: ServiceSpec, settings: Settings) -> tuple[Literal["A", "AAAA"], str]:
    """Return the record type and address that the names of a service answer."""
    address = spec.address or settings.proxy_address
    return ("AAAA" if ":" in address else "A"), address


def _leaves(
    resource: Resource[ServiceSpec], settings: Settings, found: tuple[Upstream, ...]
) -> Iterable[Resource[Any]]:
    """Yield the parts of a service in the order a visitor meets them."""
    (_, name), spec = resource.key, resource.spec
    names, proxy = names_of(name, spec, settings), proxy_of(spec, settings)
    copied = spec.model_fields_set <= INDEPENDENT - READ_TWICE[proxy] and len(names[0]) <= 253

    def leaf(kind: str, name: str, fields: Mapping[str, Any], origin: Mapping[str, str]) -> Resource[Any]:
        valid = VALID[kind]
        part = valid.model_copy(update=fields) if copied else type(valid)(**fields)
        r = resource
        return Resource(Key(kind, name), part, r.source, r.root, r.needs, r.protect, r.ignore, origin)

    if spec.dns:
        rtype, address = address_of(spec, settings)
        for number, host in enumerate(names):
            own = f"{name}-alias-{number}" if number else name
            record = {"name": host, "type": rtype, "value": address}
            yield leaf("dns_record", own, record, FROM["alias" if number else "dns_record"])
    if spec.tls == "internal":
        yield leaf("certificate", name, {"names": names, "consumers": (proxy,)}, FROM["certificate"])
    fields = _route_fields(spec, name, proxy) | {"names": names, "upstreams": found}
    yield leaf(LEAF[proxy], name, fields, FROM["several" if spec.upstreams else "one"])


def _route_fields(spec: ServiceSpec, name: str, proxy: str) -> dict[str, Any]:
    """Return what a route takes over as it stands; under maintenance there is nothing to proxy to."""
    given = spec.model_fields_set & (UNDER_MAINTENANCE if spec.maintenance else CARRIED)
    fields: dict[str, Any] = {field: getattr(spec, field) for field in given}
    if spec.tls == "internal":
        return fields | {"tls": True, "certificate": Ref(Key("certificate", name), proxy)}
    fields.pop("https_redirect", None)
    return fields | {"tls": False}


def upstreams_of(spec: ServiceSpec) -> Iterable[tuple[str, str, int]]:
    """Yield the field, `host:port` and weight of each upstream as it was declared."""
    if spec.upstream:
        yield "upstream", spec.upstream, 1
    for number, item in enumerate(spec.upstreams):
        address, weight = (item, 1) if isinstance(item, str) else (item.address, item.weight)
        yield f"upstreams.{number}", address, weight


def _problem(code: Code, resource: Resource[ServiceSpec], field: str, text: str) -> Diagnostic:
    return Diagnostic(code, f"{resource.key} {field}: {text}", resource.source, "write another address or name there")


def _misfits(resource: Resource[ServiceSpec], error: ValidationError) -> Iterable[Diagnostic]:
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(step) for step in problem["loc"]) or "it"
        yield Diagnostic(BAD_LEAF, f"{resource.key}: {field} of its {error.title}: {problem['msg']}", resource.source)
