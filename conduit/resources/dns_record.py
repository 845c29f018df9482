"""dns_record: one name in the site's DNS, answered by dnsmasq."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from conduit.change import Level, Proof
from conduit.grammar import NUMBER, address, domain_name, shown
from conduit.kind import Context, Kind
from conduit.model import Claim, Key, Native
from conduit.patterns import pattern
from conduit.settings import Settings
from conduit.spec import Resource, Spec

RecordType = Literal["A", "AAAA", "CNAME", "TXT", "SRV", "MX", "PTR"]
Number = Annotated[int, Field(ge=0, le=65535)]

OWN_LABEL: Final = "_conduit"
ADDRESS_LIKE = pattern(r"[0-9.]+|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*", re.ASCII)
NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {"SRV": ("priority", "weight", "port"), "MX": ("priority",)}
"""The numbers a record type has; the others have none."""


class DnsRecordSpec(Spec):
    """A DNS record. The value of an A or AAAA record is an address, of a TXT record its text, else a name."""

    name: str = Field(description="the full name; A and AAAA may begin with *. to answer every name below")
    type: RecordType = Field("A", description="which sort of record it is")
    value: str = Field(description="an address, a text of up to 255 characters, or the name it points at")
    priority: Number | None = Field(None, description="SRV and MX: lower is tried first")
    weight: Number | None = Field(None, description="SRV: the share among equal priorities")
    port: Number | None = Field(None, description="SRV: where the service listens")

    @field_validator("name")
    @classmethod
    def _full_name(cls, text: str) -> str:
        if ADDRESS_LIKE.fullmatch(text):
            with suppress(ValueError):
                return ip_address(address(text)).reverse_pointer
        name = domain_name(text.removeprefix("*."))
        if "." not in name:
            raise ValueError(f"write the full name, for example {name}.home.arpa")
        if OWN_LABEL in name.split("."):
            raise ValueError(f"names below {OWN_LABEL} are conduit's own: it asks for them to see what is served")
        return f"*.{name}" if text.startswith("*.") else name

    @field_validator("value")
    @classmethod
    def _normal_value(cls, text: str, info: ValidationInfo) -> str:
        """Bring the value into its type's normal form, so that equal records are equal text."""
        normal = VALUES.get(info.data.get("type", ""))
        return normal(text) if normal else text

    @model_validator(mode="after")
    def _fits_type(self) -> Self:
        if self.name.startswith("*.") and self.type not in ("A", "AAAA"):
            raise ValueError(f"a {self.type} record cannot be a wildcard; only A and AAAA can")
        reverse = self.name.endswith((".in-addr.arpa", ".ip6.arpa"))
        if self.type == "PTR" and not reverse:
            raise ValueError("the name of a PTR record is an address, or its name below in-addr.arpa or ip6.arpa")
        if self.type in ("A", "AAAA") and (reverse or NUMBER.fullmatch(self.name.rpartition(".")[2])):
            raise ValueError(f"{shown(self.name)} cannot have an address")
        if self.type == "SRV" and not (self.name.startswith("_") and "._" in self.name):
            raise ValueError("the name of an SRV record begins with service and protocol, for example _ldap._tcp.")
        self._require_numbers()
        return self

    def _require_numbers(self) -> None:
        needed = NUMBERS.get(self.type, ())
        for field in ("priority", "weight", "port"):
            given = getattr(self, field) is not None
            if given and field not in needed:
                raise ValueError(f"a {self.type} record has no {field}")
            if field in needed and not given:
                raise ValueError(f"a {self.type} record needs {field}")


def _ipv4(text: str) -> str:
    found = address(text)
    if ":" in found:
        raise ValueError(f"an A record needs an IPv4 address; for {found} write type: AAAA")
    return found


def _ipv6(text: str) -> str:
    found = address(text)
    if ":" not in found:
        raise ValueError(f"an AAAA record needs an IPv6 address; for {found} write type: A")
    return found


def _text(text: str) -> str:
    if not (len(text) <= 255 and text.isascii() and text.isprintable()):
        raise ValueError("a TXT record holds one line of at most 255 printable ASCII characters")
    return text


VALUES: Final[Mapping[str, Callable[[str], str]]] = {
    "A": _ipv4,
    "AAAA": _ipv6,
    "TXT": _text,
    "CNAME": domain_name,
    "SRV": domain_name,
    "MX": domain_name,
    "PTR": domain_name,
}


class DnsRecord(Kind[DnsRecordSpec]):
    """A DNS record served by dnsmasq. Declared names are answered here alone and never forwarded upstream.

    A record has one value; a second record of the same name and type is a conflict, and a CNAME has its name alone.
    The target of a CNAME must be the name of a declared address that is no wildcard: for any other, dnsmasq answers
    the alias without an address. A wildcard `*.apps.home.arpa` answers every name below apps.home.arpa, at any depth,
    but not that name itself; a record of its own below it wins for its own type.
    """

    name = "dns_record"
    plural = "dns_records"
    spec = DnsRecordSpec
    provider = "dnsmasq"
    adopt = "mark"
    permission = "dns"

    def alone(self, spec: DnsRecordSpec) -> bool:
        """Return True: a record names no other resource."""
        return True

    def render(self, spec: DnsRecordSpec, ctx: Context) -> Native:
        """Return the record as data; `local` says that it needs a line of its own against being forwarded."""
        numbers = {field: getattr(spec, field) for field in NUMBERS.get(spec.type, ())}
        local = spec.name[0] == "*" or not answered_here(spec.name, ctx.settings)
        return {"type": spec.type, "name": spec.name, "value": spec.value, **numbers, "local": local}

    def parse(self, native: Native) -> DnsRecordSpec | None:
        """Return the spec of a record; None for one with values a manifest would refuse."""
        try:
            return DnsRecordSpec(**{field: value for field, value in native.items() if field != "local"})
        except ValidationError:
            return None

    def claims(self, spec: DnsRecordSpec) -> Iterable[Claim]:
        """Claim the name for this type."""
        yield Claim("dns", (spec.name, spec.type))

    def prove(self, ctx: Context, resource: Resource[DnsRecordSpec]) -> Proof | None:
        """Ask the site's DNS server: the answer is the declared value, or there is no such name."""
        if ctx.prober is None:
            return None
        spec = resource.spec
        asked = spec.name.replace("*", "conduit-proof", 1)
        try:
            answers = ctx.prober.dns(asked, spec.type)
        except OSError as error:
            return Proof(resource.key, Level.NO_NAME, f"{asked} {spec.type}: {error}")
        return _judge(resource.key, f"{asked} {spec.type}", answers, _answer_of(spec))


def answered_here(name: str, settings: Settings) -> bool:
    """Whether a name lies in a domain of the settings, which is answered here alone and never forwarded."""
    return f".{name}".endswith(_endings(settings.internal_domain, settings.local_domains))


@cache
def _endings(internal: str, local: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f".{domain}" for domain in (internal, *local))


def _answer_of(spec: DnsRecordSpec) -> str:
    """Return the answer a client should get, in the usual text form."""
    return " ".join([*(str(getattr(spec, field)) for field in NUMBERS.get(spec.type, ())), spec.value])


def _judge(key: Key, asked: str, answers: list[str], wanted: str) -> Proof:
    detail = f"{asked}: {', '.join(answers) or 'no such name'}"
    if answers == [wanted]:
        return Proof(key, Level.EXPECTED, detail, (detail,))
    return Proof(key, Level.NO_NAME, f"{detail}, expected {wanted}", (detail,))
