"""What services and domains expand into: the parts they share, and how each is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, Literal

from msgspec.structs import replace
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from conduit.dialect.complaints import words_of
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.look import Look
from conduit.model import Key, Ref
from conduit.resources.certificate import CertificateSpec
from conduit.resources.dns_record import DnsRecordSpec
from conduit.resources.route_spec import RouteSpec
from conduit.resources.service_spec import SiteSpec, Upstreams
from conduit.resources.upstream_spec import Upstream
from conduit.settings import Settings
from conduit.spec import Resource, Spec
from conduit.upstreams import REFUSED_UPSTREAM, UNKNOWN_UPSTREAM, addresses, named_host

BAD_LEAF = Code(
    "CND-0323",
    "a site that does not fit its parts",
    "Each field of the service or domain is fine by itself, but not for the DNS record, certificate, route or vhost it "
    "stands for. A name without a dot, for example, can be that of a site, but has no DNS record. The message names "
    "the field, the part and what it takes.",
)

CARRIED: Final = frozenset(SiteSpec.model_fields) & frozenset(RouteSpec.model_fields) - {"tls"}
"""The fields a route has under the same name and with the same meaning."""

UNDER_MAINTENANCE: Final = CARRIED - {*RouteSpec.PROXY_ONLY, "redirect"}

LEAF: Final[Mapping[str, str]] = {"caddy": "route", "nginx": "vhost"}
"""The kind that stands for a site in each proxy."""

READ_TWICE: Final[Mapping[str, frozenset[str]]] = {
    "caddy": frozenset(),
    "nginx": frozenset(("request_headers", "response_headers")),
}
"""Fields with rules of that proxy's own, which its leaf has to check."""

VALID_UPSTREAM: Final = Upstream.model_construct(address="192.0.2.1:80")
VALID_SITE: Final = {"names": ("name.invalid",), "upstreams": (VALID_UPSTREAM,), "tls": False}
VALID: Final[Mapping[str, Mapping[str, Any]]] = {
    "dns_record": {"name": "name.invalid", "value": "192.0.2.1"},
    "certificate": {"names": ("name.invalid",)},
    "route": VALID_SITE,
    "vhost": VALID_SITE,
}
"""The fields of a valid spec of each part."""
PARTS: Final[Mapping[str, str]] = {"dns_record": "DNS record"}
"""What a part is called where people do not say the name of its kind."""
SPECS: Final[Mapping[str, type[Spec]]] = {
    "dns_record": DnsRecordSpec,
    "certificate": CertificateSpec,
    "route": RouteSpec,
}


class Misfit(ValueError):
    """Fields of a site that make no valid part of it; `origin` names the declared field of each field of the part."""

    def __init__(self, kind: str, origin: Mapping[str, str], error: ValidationError) -> None:
        super().__init__(str(error))
        self.kind, self.origin, self.error = kind, origin, error

    @property
    def problems(self) -> dict[tuple[object, ...], ErrorDetails]:
        """What is wrong, by the part, the field and the words of it."""
        return {(self.kind, each["loc"], each["msg"]): each for each in self.error.errors(include_url=False)}


def _spec_of(kind: str) -> type[Spec]:
    """Return the spec of a part; that of nginx is imported by sites that use it."""
    if kind in SPECS:
        return SPECS[kind]
    from conduit.resources.vhost import VhostSpec

    return VhostSpec


@cache
def _valid(kind: str) -> Spec:
    """Return a valid spec to copy, made without the validator of its kind: building one takes longer than a site."""
    return _spec_of(kind).model_construct(**VALID[kind])


def leaf(
    resource: Resource[Any], key: Key, fields: Mapping[str, Any], origin: Mapping[str, str], *, copied: bool = False
) -> Resource[Any]:
    """Return a part of a declared resource. `copied` fields are valid already. Raises `Misfit`."""
    try:
        spec = _valid(key.kind).model_copy(update=fields) if copied else _spec_of(key.kind)(**fields)
    except ValidationError as error:
        raise Misfit(key.kind, origin, error) from None
    r = resource
    return Resource(key, spec, r.source, r.root, r.needs, r.protect, r.ignore, origin)


def proxy_of(spec: SiteSpec, settings: Settings) -> str:
    """Return the proxy that serves a site."""
    return spec.proxy or ("nginx" if "nginx" in settings.sections and "caddy" not in settings.sections else "caddy")


def address_of(spec: SiteSpec, settings: Settings) -> tuple[Literal["A", "AAAA"], str]:
    """Return the record type and address that the names of a site answer."""
    address = spec.address or settings.proxy_address
    return ("AAAA" if ":" in address else "A"), address


def record_of(host: str, spec: SiteSpec, settings: Settings) -> dict[str, Any]:
    """Return the fields of the DNS record of one name of a site."""
    rtype, address = address_of(spec, settings)
    return {"name": host, "type": rtype, "value": address}


def route_of(spec: SiteSpec, certificate: Key, proxy: str) -> dict[str, Any]:
    """Return what a route takes over as it stands; under maintenance there is nothing to proxy to."""
    given = spec.model_fields_set & (UNDER_MAINTENANCE if spec.maintenance else CARRIED)
    fields: dict[str, Any] = {field: getattr(spec, field) for field in given}
    if fields.get("upstream_tls"):
        fields["upstream_tls"] = _named(spec.upstream_tls, spec)
    if spec.tls == "internal":
        return fields | {"tls": True, "certificate": Ref(certificate, proxy)}
    fields.pop("https_redirect", None)
    return fields | {"tls": False}


def _named(tls: Any, spec: SiteSpec) -> Any:
    """Return how TLS is spoken with the name to ask for: the declared one, or that of the first upstream with one."""
    declared: Iterable[tuple[str, str, int]] = upstreams_of(spec) if isinstance(spec, Upstreams) else ()
    own = next((host for _, text, _ in declared if (host := named_host(text))), None)
    return tls if tls.name or not own else tls.model_copy(update={"name": own})


def dialled(resource: Resource[Any], spec: Upstreams, key: Key, look: Look) -> tuple[Upstream, ...]:
    """Return what the proxy connects to: containers, or each upstream's addresses, checked. Raises `ConduitError`.

    Names are resolved once per load. One that does not resolve leaves in doubt what the leaf `key` should be.
    """
    if spec.deployment is not None:
        from conduit.resources.deployment_reach import reached

        return reached(resource, spec, look).upstreams()
    found = []
    for field, text, weight in upstreams_of(spec):
        try:
            for address in addresses(text, look.rules, look.resolve):
                found.append(VALID_UPSTREAM.model_copy(update={"address": address, "weight": weight}))
        except OSError as error:
            why = _problem(UNKNOWN_UPSTREAM, resource, field, f"{text}: {error}")
            look.doubts[key] = replace(why, severity="warning")
            return (VALID_UPSTREAM,)
        except ValueError as error:
            raise ConduitError(_problem(REFUSED_UPSTREAM, resource, field, str(error))) from None
    return tuple(found)


def upstreams_of(spec: Upstreams) -> Iterable[tuple[str, str, int]]:
    """Yield the field, `host:port` and weight of each upstream as it was declared."""
    if spec.upstream:
        yield "upstream", spec.upstream, 1
    for number, item in enumerate(spec.upstreams):
        address, weight = (item, 1) if isinstance(item, str) else (item.address, item.weight)
        yield f"upstreams.{number}", address, weight


def misfits(resource: Resource[Any], misfit: Misfit, told: Misfit | None = None) -> Iterable[Diagnostic]:
    """Yield what makes a part of a site invalid, told of the fields that were declared, but for what is `told`."""
    part = PARTS.get(misfit.kind, misfit.kind)
    others = told.problems if told else {}
    for problem in (each for words, each in misfit.problems.items() if words not in others):
        field = misfit.origin.get(str(problem["loc"][0]), "") if problem["loc"] else ""
        named = not field or field in resource.spec.model_fields_set
        what = (f'"{field}"' if named else "its name") if field else "it"
        summary = f"{resource.key}: {what} does not fit its {part}: {words_of(problem)}"
        hint = "" if named else f"write {field}: yourself"
        yield Diagnostic(BAD_LEAF, summary, resource.source, hint, field=_place(resource.spec, field, problem["input"]))


def _place(spec: Spec, field: str, value: Any) -> str:
    """Return the path of a value in a declared field, which may be a list."""
    held = getattr(spec, field) if field else None
    return f"{field}.{held.index(value)}" if isinstance(held, tuple) and value in held else field


def _problem(code: Code, resource: Resource[Any], field: str, text: str) -> Diagnostic:
    hint = "write another address or name there"
    return Diagnostic(code, f"{resource.key} {field}: {text}", resource.source, hint, field=field)
