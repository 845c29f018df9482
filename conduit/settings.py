"""How this process runs: conduit.yaml, read into typed settings.

The core fields are below. Every other top-level key is the section of a provider, validated by the `Config` of
`conduit/providers/<key>.py`; a provider with no section is not used, observed or touched.
"""

from collections.abc import Mapping
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr

from conduit.documented import Documented
from conduit.evidence import Evidence
from conduit.grammar import domain_name, host_name
from conduit.model import Secret
from conduit.validators import After, Before


def _address(value: object) -> str:
    text = str(value)
    try:
        IPv4Address(text)
    except ValueError:
        IPv6Address(text)
    return text


def _network(text: str) -> str:
    """An address or a block of addresses."""
    return str(ip_network(text))


def _name_or_network(text: str) -> str:
    """A host name, or a block of addresses."""
    try:
        return str(ip_network(text))
    except ValueError:
        return host_name(text)


Address = Annotated[str, After(_address)]
"""An IPv4 or IPv6 address in text form."""

Domain = Annotated[str, After(domain_name)]

ConfigPath = Annotated[Path, Before(lambda value: Path(value) if isinstance(value, str) else value)]
"""A path in conduit.yaml; a relative one counts from the directory of that file."""


class Section(Documented):
    """Base of every settings model: unknown keys are errors, paths in it are made absolute by `Settings`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class Upstreams(Section):
    """Which upstream addresses services may name beyond public and private ranges (never link-local or metadata)."""

    allow_loopback: bool = False
    """Whether services may name ports of this machine itself."""
    allow: tuple[Annotated[str, After(_name_or_network)], ...] = Field(default=(), strict=False)
    """Names and CIDR blocks; when there are any, services may name no other upstream."""


class Tls(Section):
    """The certificate the API serves itself with, PEM files both."""

    certificate: ConfigPath
    """The certificate and its chain."""
    key: ConfigPath
    """Its private key."""


class Api(Section):
    """The REST API of `conduit serve`: where it listens, who may ask, how much."""

    host: Address = "127.0.0.1"
    """Where it listens; any address beyond loopback needs `tls`."""
    port: int = Field(9999, ge=1, le=65535)
    """The port."""
    tls: Tls | None = None
    """Serve HTTPS with this certificate."""
    hosts: tuple[str, ...] = Field(default=(), strict=False)
    """More values of the Host header that are answered, beside the address and, on loopback, localhost."""
    trusted_proxies: tuple[Annotated[str, After(_network)], ...] = Field(default=(), strict=False)
    """Addresses and CIDR blocks of proxies whose X-Forwarded-For tells whose request it is; from others it is ignored.
    Behind them the dashboard may be served over HTTPS under the names in `hosts`."""
    anonymous_read: bool = False
    """Whether reads need no key; on loopback only."""
    reads_per_minute: int = Field(600, ge=0)
    """Reads one client address, and one key, may send in a minute; 0 is no limit."""
    writes_per_minute: int = Field(60, ge=0)
    """Writes one client address, and one key, may send in a minute; 0 is no limit."""
    health_interval: int = Field(30, ge=1)
    """Seconds between two checks of a service that declares no interval of its own."""
    slow_seconds: float = Field(1.0, gt=0)
    """A service that answers later than this is degraded."""
    dashboard: ConfigPath | None = None
    """The directory of the built dashboard; by default the one that came with conduit."""


class Pull(Section):
    """A git remote whose new commits the loop checks out."""

    remote: str = Field("origin", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    """The name of the remote in the repository of the manifests."""
    branch: str = Field("main", pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$")
    """The branch that is followed; one that was rewound is refused."""
    interval: int = Field(60, ge=1)
    """Seconds between two looks at it."""
    allowed_signers: ConfigPath | None = None
    """Whose SSH signature the newest commit must bear: a file as ssh-keygen(1) describes. Those of gpg are refused."""


class Reconcile(Section):
    """How `conduit watch` and `conduit serve` keep the site true."""

    mode: Literal["apply", "observe"] = "apply"
    """Whether differences are applied, or only told."""
    kinds: dict[str, Literal["apply", "observe"]] = Field(default_factory=dict)
    """Kinds that have a mode of their own, declared or live ones."""
    interval: int = Field(300, ge=1)
    """Seconds after which everything is compared again, whether anything told of a change or not."""
    source: Literal["work tree", "commit"] = "work tree"
    """Whether manifests count as they lie there, or as they were committed last."""
    pull: Pull | None = None
    """Follow a git remote."""


class Channel(Section):
    """Where messages go."""

    url: Secret | str
    """Its URL as apprise reads them, such as ntfy://ntfy.home.arpa/conduit; {secret: NAME} when it holds a password."""
    events: tuple[Literal["failure", "drift", "recovery", "expiry"], ...] = Field(
        ("failure", "drift", "recovery", "expiry"), strict=False
    )
    """What it is told; recovery tells the end of those others that it is told."""


class Notify(Section):
    """Who is told what goes wrong."""

    calm: int = Field(300, ge=0)
    """Seconds something must have been well before that is told; what comes and goes meanwhile is told once."""
    channels: dict[str, Channel] = Field(default_factory=dict)
    """The channels by a name of your choice."""


class AuditTrail(Section):
    """The audit trail: how long it is kept, and where its head is written down beside git."""

    retention: int = Field(365, ge=1)
    """Days an entry is kept; older ones leave a signed note of where the trail begins."""
    anchor: Secret | str = ""
    """A file on another disk, or a URL that takes PUT and gives back what was put (RFC 9110 section 9.3.4)."""


class Settings(Section):
    """The settings of one conduit process, from conduit.yaml.

    Sections that are absent are their defaults, constructed without the validator that each would build first.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    desired: ConfigPath = Path("desired")
    """The directory of the manifests."""
    state_dir: ConfigPath = Path("/var/lib/conduit")
    """Journal, records, cache and lock, which may be deleted, and the audit trail (docs/audit.md)."""
    keys_dir: ConfigPath = Path("/etc/conduit/keys")
    """The keys of this site and its stored secrets; to be backed up."""
    site: str = Field("default", pattern=r"^[a-z0-9-]{1,63}$")
    """Names this site in marks and in the internal CA; two sites on one machine never touch each other's objects."""
    internal_domain: Domain = "home.arpa"
    """Where service names live unless they name their own domain (RFC 8375)."""
    local_domains: tuple[Domain, ...] = Field(default=(), strict=False)
    """More domains that are answered here and never forwarded upstream."""
    proxy_address: Address = "127.0.0.1"
    """What the names of proxied services resolve to."""
    upstreams: Upstreams = Upstreams.model_construct()
    """Which upstreams services may name."""
    reconcile: Reconcile = Reconcile.model_construct()
    """The reconcile loop."""
    notify: Notify = Notify.model_construct()
    """Messages about failures, drift and certificates."""
    api: Api = Api.model_construct()
    """The REST API."""
    audit: AuditTrail = AuditTrail.model_construct()
    """The audit trail."""
    prune_percent: int = Field(30, ge=0, le=100)
    """More deletions than this share of a kind of ten or more need `--allow-deletes`."""
    _base: Path = PrivateAttr(default=Path())
    _evidence: tuple[Evidence] | None = PrivateAttr(default=None)

    @property
    def base(self) -> Path:
        """The directory of conduit.yaml."""
        return self._base

    @property
    def evidence(self) -> tuple[Evidence] | None:
        """The file these settings were read from, as it was then; None for settings without one."""
        return self._evidence

    @cached_property
    def sections(self) -> Mapping[str, Any]:
        """The provider sections as read, name -> raw mapping, and that of conduit itself, which every site has."""
        return {"self": {}, **(self.__pydantic_extra__ or {})}

    def path(self, value: Path) -> Path:
        """Make a settings path absolute against the directory of conduit.yaml."""
        return value if value.is_absolute() else self._base / value
