"""service: a site under a name of its own. It expands into DNS records, a certificate and a route.

The name answers at the proxy, the proxy shows a certificate of the internal CA and passes requests on to the upstream.
An upstream given by name is resolved when the plan is made and handed to the proxy as addresses, so that what was
checked is what is connected to; another answer of the name is a difference like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from conduit import grammar
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.kind import Context, Kind, Look
from conduit.model import Key, Proof, Ref, Resource, Spec
from conduit.providers.resolver import Resolver
from conduit.resources.certificate import CertificateSpec
from conduit.resources.dns_record import DnsRecordSpec
from conduit.resources.route import (
    Cidr,
    Headers,
    Health,
    Maintenance,
    Password,
    Prefix,
    Redirect,
    RouteSpec,
    Size,
    Timeouts,
    Upstream,
    User,
)
from conduit.settings import Settings
from conduit.upstreams import Resolve, Rules, addresses, normal, refuse_everywhere, rules_of

REFUSED_UPSTREAM = Code(
    "CND-0321",
    "an upstream that must not be proxied to",
    "Sending visitors to this address would hand them something that is not meant for them: a cloud's credentials, a "
    "daemon's control port, this machine itself. For a name, each address it resolves to is checked, and the proxy is "
    "given these addresses. Use another address; loopback alone can be allowed, with `upstreams: {allow_loopback: "
    "true}` in conduit.yaml.",
)
UNKNOWN_UPSTREAM = Code(
    "CND-0322",
    "an upstream's name does not resolve",
    "Names of upstreams are resolved when a plan is made, with the resolver of this machine and within 2 s. A route "
    "without an address cannot be written, so nothing is planned. Correct the name, start what answers it, or write "
    "the address.",
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
    return {True: Maintenance(), False: None}[value] if isinstance(value, bool) else value


HostPort = Annotated[str, AfterValidator(_upstream)]
HostName = Annotated[str, AfterValidator(grammar.host_name)]
Address = Annotated[str, AfterValidator(grammar.address)]


class WeightedUpstream(Spec):
    """An upstream of several; `weight` is its share of the requests."""

    address: HostPort
    weight: int = Field(1, ge=1, le=1000)


class ServiceSpec(Spec):
    """A site: its name, how it is reached, what answers it, and who may ask."""

    upstream: HostPort | None = None
    """Where requests go, `host:port`."""
    upstreams: tuple[HostPort | WeightedUpstream, ...] = Field(default=(), strict=False)
    """The same for several, which share the requests by weight."""
    domain: HostName | None = None
    """The name of the site; by default the service's own name in the internal domain."""
    aliases: tuple[HostName, ...] = Field(default=(), strict=False)
    """More names of the same site."""
    address: Address | None = None
    """What the names resolve to; by default the proxy's address."""
    dns: bool = True
    """Whether the names get DNS records; off when another service or another server answers them."""
    path: Prefix = "/"
    strip_prefix: bool = False
    tls: Literal["internal", "off"] = "internal"
    https_redirect: bool = True
    health: Health | None = None
    websockets: bool = True
    request_headers: Headers = Field(default={})
    response_headers: Headers = Field(default={})
    basic_auth: dict[User, Password] | None = Field(default=None, min_length=1)
    allow: tuple[Cidr, ...] | None = Field(default=None, min_length=1, strict=False)
    deny: tuple[Cidr, ...] = Field(default=(), strict=False)
    max_body: Size | None = None
    timeouts: Timeouts | None = None
    redirect: Redirect | None = None
    """Where to send visitors instead of an upstream."""
    maintenance: Annotated[Maintenance | None, BeforeValidator(_maintenance)] = None
    """A page with status 503 instead of the site, for as long as it is set."""

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        given = bool(self.upstream) + bool(self.upstreams) + bool(self.redirect)
        if given > 1 or not (given or self.maintenance):
            raise ValueError("write exactly one of upstream, upstreams and redirect")
        return self


CARRIED: Final = frozenset(ServiceSpec.model_fields) & frozenset(RouteSpec.model_fields) - {"upstreams", "tls"}
"""The fields a route has under the same name and with the same meaning."""

UNDER_MAINTENANCE: Final = CARRIED - {*RouteSpec.PROXY_ONLY, "redirect"}

ROUTE_FROM: Final = {n: n for n in CARRIED} | {"hosts": "domain", "tls": "tls", "certificate": "tls"}
FROM: Final[Mapping[str, Mapping[str, str]]] = {
    "dns_record": {"name": "domain", "type": "address", "value": "address"},
    "alias": {"name": "aliases", "type": "address", "value": "address"},
    "certificate": {"names": "domain", "consumers": "tls"},
    "one": ROUTE_FROM | {"upstreams": "upstream"},
    "several": ROUTE_FROM | {"upstreams": "upstreams"},
}
"""Which field of a service each field of its leaves comes from."""


class Service(Kind[ServiceSpec]):
    """A site with a DNS name, a certificate and a route through the proxy."""

    name = "service"
    plural = "services"
    spec = ServiceSpec

    def __init__(self) -> None:
        self._run: tuple[Look, Rules, Resolve] | None = None

    def expand(self, resource: Resource[ServiceSpec], look: Look) -> Iterable[Resource[Any]]:
        """Return the DNS records, the certificate and the route of a service. Raises `ConduitError`."""
        spec, name = resource.spec, resource.key.name
        names = names_of(name, spec, look.settings)
        try:
            leaves = [*_records(resource, names, look.settings)] if spec.dns else []
            if spec.tls == "internal":
                leaves.append(_leaf(resource, "certificate", name, CertificateSpec(names=names)))
            found = [] if spec.maintenance else self._addresses(resource, look)
            route = _route(spec, name, names, found)
            leaves.append(_leaf(resource, "route", name, route, "several" if spec.upstreams else "one"))
        except ValidationError as error:
            raise ConduitError(_misfits(resource, error)) from None
        return leaves

    def prove(self, ctx: Context, resource: Resource[ServiceSpec]) -> Proof | None:
        """Ask for the name, then for the site; see `conduit.resources.service_proof`."""
        from conduit.resources.service_proof import prove

        return prove(ctx, ctx.prober, resource) if ctx.prober else None

    def _addresses(self, resource: Resource[ServiceSpec], look: Look) -> list[Upstream]:
        """Return what the proxy connects to: each upstream's addresses, checked. Names are resolved once per run."""
        if self._run is None or self._run[0] is not look:
            self._run = look, rules_of(look.settings), getattr(look, "resolve", None) or Resolver()
        _, rules, resolve = self._run
        found = []
        for field, text, weight in _declared(resource.spec):
            try:
                found += [Upstream(address=a, weight=weight) for a in addresses(text, rules, resolve)]
            except OSError as error:
                raise ConduitError(_problem(UNKNOWN_UPSTREAM, resource, field, f"{text}: {error}")) from None
            except ValueError as error:
                raise ConduitError(_problem(REFUSED_UPSTREAM, resource, field, str(error))) from None
        return found


def names_of(name: str, spec: ServiceSpec, settings: Settings) -> tuple[str, ...]:
    """Return the host names of a service, its own first."""
    return (spec.domain or f"{grammar.label_of(name)}.{settings.internal_domain}", *spec.aliases)


def address_of(spec: ServiceSpec, settings: Settings) -> tuple[Literal["A", "AAAA"], str]:
    """Return the record type and address that the names of a service answer."""
    address = spec.address or settings.proxy_address
    return ("AAAA" if ":" in address else "A"), address


def _leaf(resource: Resource[ServiceSpec], kind: str, name: str, spec: Spec, origin: str = "") -> Resource[Any]:
    """Return one part of a service, which shares its declaration."""
    r = resource
    return Resource(Key(kind, name), spec, r.source, r.root, r.needs, r.protect, r.ignore, FROM[origin or kind])


def _records(resource: Resource[ServiceSpec], names: tuple[str, ...], settings: Settings) -> Iterable[Resource[Any]]:
    rtype, address = address_of(resource.spec, settings)
    own, *aliases = (DnsRecordSpec(name=name, type=rtype, value=address) for name in names)
    yield _leaf(resource, "dns_record", resource.key.name, own)
    for number, alias in enumerate(aliases, 1):
        yield _leaf(resource, "dns_record", f"{resource.key.name}-alias-{number}", alias, "alias")


def _route(spec: ServiceSpec, name: str, names: tuple[str, ...], found: list[Upstream]) -> RouteSpec:
    given = spec.model_fields_set & (UNDER_MAINTENANCE if spec.maintenance else CARRIED)
    fields: dict[str, Any] = {field: getattr(spec, field) for field in given}
    if spec.tls == "internal":
        fields["certificate"] = Ref(Key("certificate", name), "caddy")
    else:
        fields["tls"] = False
        fields.pop("https_redirect", None)
    return RouteSpec(hosts=names, upstreams=tuple(found), **fields)


def _declared(spec: ServiceSpec) -> Iterable[tuple[str, str, int]]:
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
