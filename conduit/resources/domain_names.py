"""Who else has the host names of a domain: what belongs to a name and not to one domain is made once, and shared.

A name has one DNS record, whoever answers paths of it. The domains of one main name share one certificate for all names
of all of them. Such a leaf is named after the host, and is the same whichever of its sharers makes it: it has no parent
while there are several, and where it was declared is where the first of them was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from conduit.errors import Code, ConduitError, Diagnostic
from conduit.look import Look
from conduit.model import Key
from conduit.resources.dns_record import answered_here
from conduit.resources.domain_spec import OWN, DomainSpec, Names
from conduit.resources.service import names_of
from conduit.resources.service_spec import ServiceSpec, SiteSpec
from conduit.resources.site_leaves import address_of, leaf, proxy_of, record_of
from conduit.settings import Settings
from conduit.spec import Resource

TWO_ADDRESSES = Code(
    "CND-0324",
    "one name at two addresses",
    "Two sites share a host name, each with paths of its own, but the name would have to resolve to a different "
    "address for each. A name has one DNS record. Give both the same address, or turn dns off for the one that is not "
    "asked for here.",
)


class Sharer(NamedTuple):
    """A declared site with a name, and the site's fields as they take effect."""

    root: Resource[Any]
    site: SiteSpec


class Sharers(Struct, frozen=True):
    """Who gives each host name its DNS record, services first, and which domains share the certificate of a name."""

    records: dict[str, list[Sharer]] = {}
    certificates: dict[str, list[Sharer]] = {}


def effective(resource: Resource[DomainSpec], look: Look) -> ServiceSpec | None:
    """Return the service a domain amounts to; None when the one it names is not declared."""
    spec = resource.spec
    service = look(Key("service", spec.service)) if spec.service else ServiceSpec.model_construct()
    if not isinstance(service, ServiceSpec):
        return None
    own = OWN | (spec.model_fields_set & ServiceSpec.model_fields.keys() - Names.model_fields.keys())
    return service.model_copy(update={name: getattr(spec, name) for name in own})


def sharers(look: Look) -> Sharers:
    """Return who shares names; to be asked for `once`."""
    found = Sharers()
    for root in look.declared.values():
        if isinstance(root.spec, ServiceSpec) and root.spec.dns:
            for host in names_of(root.key.name, root.spec, look.settings):
                found.records.setdefault(host, []).append(Sharer(root, root.spec))
    for root in look.declared.values():
        if isinstance(root.spec, DomainSpec) and (site := effective(root, look)):
            _add(found, Sharer(root, site), look.settings)
    return found


def _add(found: Sharers, sharer: Sharer, settings: Settings) -> None:
    spec: DomainSpec = sharer.root.spec
    for host in spec.names:
        if answered_here(host, settings) if spec.dns is None else spec.dns:
            found.records.setdefault(host, []).append(sharer)
    if spec.tls == "internal":
        found.certificates.setdefault(spec.domain, []).append(sharer)


def record(host: str, own: Sharer, look: Look) -> Resource[Any] | None:
    """Return the DNS record of a domain's name; None when it has none, or a service brings it along.

    Raises `ConduitError` when another site wants the name at another address.
    """
    all_of = look.once(sharers).records.get(host, [])
    if own.root.key not in (sharer.root.key for sharer in all_of):
        return None
    for other in all_of:
        if address_of(other.site, look.settings) != address_of(own.site, look.settings):
            raise ConduitError([_two_addresses(host, own, other, look.settings)])
    if all_of[0].root.key.kind != own.root.key.kind:
        return None
    origin = {"name": "domain", "type": "address", "value": "address"}
    return shared(all_of, Key("dns_record", host), record_of(host, own.site, look.settings), origin)


def certificate(own: Sharer, look: Look) -> Resource[Any]:
    """Return the certificate of a domain, for the names of all domains it shares it with."""
    domain = own.root.spec.domain
    all_of = look.once(sharers).certificates[domain]
    names = tuple(name for sharer in all_of for name in sharer.root.spec.names)
    consumers = tuple(proxy_of(sharer.site, look.settings) for sharer in all_of)
    origin = {"names": "domain", "consumers": "proxy"}
    return shared(all_of, Key("certificate", domain), {"names": names, "consumers": consumers}, origin)


def shared(all_of: Sequence[Sharer], key: Key, fields: Mapping[str, Any], origin: Mapping[str, str]) -> Resource[Any]:
    """Return a leaf as each of its sharers makes it. Raises `Misfit`."""
    first = leaf(all_of[0].root, key, fields, origin)
    if len(all_of) == 1:
        return first
    protect = any(sharer.root.protect for sharer in all_of)
    return replace(first, parent=None, needs=(), protect=protect, ignore=())


def _two_addresses(host: str, own: Sharer, other: Sharer, settings: Settings) -> Diagnostic:
    wanted, there = (address_of(sharer.site, settings)[1] for sharer in (own, other))
    return Diagnostic(
        TWO_ADDRESSES,
        f"{own.root.key} wants {host} at {wanted}, {other.root.key} at {there}",
        own.root.source,
        f"{other.root.key} has it at {other.root.source}; give both one address",
        related=((str(other.root.key), other.root.source),),
    )
