"""domain: an external name of a service or deployment. It expands into DNS records, a certificate and routes.

A domain is its service under other names: it answers from the same upstreams, under the same rules of who may come in,
unless it says otherwise. Its leaves are named after it or its host, with a dot, so that none meets a service's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from conduit.change import Proof
from conduit.errors import ConduitError
from conduit.graph import missing
from conduit.kind import Context, Kind
from conduit.look import Look
from conduit.model import Key, Ref
from conduit.resources.domain_names import Sharer, certificate, effective, record
from conduit.resources.domain_spec import OWN, DomainSpec
from conduit.resources.route_spec import PORTS, Redirect, port_of
from conduit.resources.service import parts_of
from conduit.resources.service_spec import ServiceSpec
from conduit.resources.site_leaves import CARRIED, LEAF, Misfit, dialled, leaf, misfits, proxy_of, route_of
from conduit.resources.upstream_spec import Upstream
from conduit.settings import Settings
from conduit.spec import Resource

FROM: Final[Mapping[str, str]] = {"names": "domain", "tls": "tls", "certificate": "tls", "redirect": "www"}
"""Which field of a domain each field of a www route comes from."""


class Domain(Kind[DomainSpec]):
    """An external name, with aliases, for a service or a deployment: a site under more names, or below a path of one.

    What a visitor meets is the service's (upstreams, health, headers, passwords, allowed addresses, limits,
    maintenance), unless the domain has a field of its own for it. See [domains.md](../domains.md).
    """

    name = "domain"
    plural = "domains"
    spec = DomainSpec
    permission = "services"

    def expand(self, resource: Resource[DomainSpec], look: Look) -> Iterable[Resource[Any]]:
        """Return the DNS records, the certificate and the routes or vhosts of a domain. Raises `ConduitError`."""
        site, wanted = effective(resource, look), Key("service", resource.spec.service or "")
        service = look.declared.get(wanted)
        if site is None:
            raise ConduitError([missing(resource, wanted, look.declared, "service")])
        try:
            return _parts(resource, site, service or resource, look)
        except Misfit as misfit:
            told = _misfit_of(service, look) if service else None
            raise ConduitError(misfits(resource, misfit, told)) from None

    def prove(self, ctx: Context, resource: Resource[DomainSpec]) -> Proof | None:
        """Ask for each name, then for the site; see `conduit.resources.site_proof`."""
        from conduit.resources.site_proof import prove

        return prove(ctx, ctx.prober, resource.key) if ctx.prober else None


def _parts(resource: Resource[DomainSpec], site: ServiceSpec, behind: Resource[Any], look: Look) -> list[Resource[Any]]:
    """Return the parts of a domain; what answers is declared with `behind`. Raises `Misfit`, `ConduitError`."""
    if site.deployment is not None:
        from conduit.resources.deployment_reach import held

        site = held(Resource(behind.key, site, behind.source), site, look).spec
    key = Key(LEAF[proxy_of(site, look.settings)], f"{resource.key.name}.domain")
    found = () if site.maintenance else dialled(behind, site, key, look)
    return list(_leaves(Sharer(resource, site), look, found))


def _misfit_of(service: Resource[ServiceSpec], look: Look) -> Misfit | None:
    """Return what does not fit of the service itself; its domains need not repeat it."""
    try:
        parts_of(service, look)
    except Misfit as misfit:
        return misfit
    except ConduitError:
        return None
    return None


def _leaves(own: Sharer, look: Look, found: tuple[Upstream, ...]) -> Iterable[Resource[Any]]:
    """Yield the parts of a domain in the order a visitor meets them."""
    resource, site = own
    spec: DomainSpec = resource.spec
    proxy = proxy_of(site, look.settings)
    yield from (made for host in spec.names if (made := record(host, own, look)))
    if spec.tls == "internal":
        yield certificate(own, look)
    fields = route_of(site, Key("certificate", spec.domain), proxy) | {"names": spec.answered, "upstreams": found}
    yield leaf(resource, Key(LEAF[proxy], f"{resource.key.name}.domain"), fields, _origin(spec))
    if spec.www == "redirect":
        yield leaf(resource, Key(LEAF[proxy], f"{resource.key.name}.www"), _www(spec, proxy, look.settings), FROM)


def _www(spec: DomainSpec, proxy: str, settings: Settings) -> dict[str, Any]:
    """Return the route that sends visitors of the counterpart to the domain, whatever they asked for."""
    secure = spec.tls == "internal"
    scheme = "https" if secure else "http"
    number = port_of(settings, proxy, scheme)
    port = "" if number == PORTS[scheme] else f":{number}"
    fields: dict[str, Any] = {
        "names": (spec.counterpart,),
        "path": spec.path,
        "redirect": Redirect(to=f"{scheme}://{spec.domain}{port}", status=308, keep_path=True),
        "tls": secure,
    }
    return fields | ({"certificate": Ref(Key("certificate", spec.domain), proxy)} if secure else {})


def _origin(spec: DomainSpec) -> dict[str, str]:
    """Return which field of a domain each field of its route comes from; what it does not write is its service's."""
    given = OWN | spec.model_fields_set
    carried = {name: name if name in given else spec.answer for name in CARRIED}
    return carried | {"names": "domain", "tls": "tls", "certificate": "tls", "upstreams": spec.answer}
