"""What a route declares; services share its parts. See `conduit.resources.route` for the kind."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeVar

from pydantic import Field, model_validator

from conduit.change import FieldChange
from conduit.fields import Cidr, Duration, Headers, Host, Password, Prefix, Size, Target, Text, User
from conduit.model import Claim, Ref
from conduit.resources.upstream_spec import Health, Timeouts, Upstream, UpstreamTls, as_upstream_tls
from conduit.settings import Settings
from conduit.spec import RefTo, Spec
from conduit.validators import After, Before

R = TypeVar("R", bound="RouteSpec")


def _whole_seconds(text: str) -> str:
    if text.endswith("ms"):
        raise ValueError("Retry-After counts whole seconds")
    return text


SET_BY_PROXY: Final = frozenset(("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"))
"""What every proxy tells an upstream about the visitor, whatever else is declared."""


def _not_the_proxys(headers: dict[str, str | None]) -> dict[str, str | None]:
    if forbidden := sorted(SET_BY_PROXY & headers.keys()):
        raise ValueError(f"the proxy itself sets {forbidden[0]}; what is declared would be overwritten")
    return headers


RequestHeaders = Annotated[Headers, After(_not_the_proxys)]


def _timeouts(value: Timeouts | None) -> Timeouts | None:
    return None if value == Timeouts() else value


class Redirect(Spec):
    """Where to send the browser instead; `keep_path` appends the path and query that were asked for."""

    to: Target
    """A URL, or a path on the same site."""
    status: Literal[301, 302, 307, 308] = 302
    """Permanent (301, 308) or not (302, 307); 307 and 308 keep the method."""
    keep_path: bool = False
    """Whether the path and query that were asked for are appended."""

    @model_validator(mode="after")
    def _plain_target(self) -> Self:
        if self.keep_path and ("?" in self.to or "#" in self.to or self.to.endswith("/")):
            raise ValueError("keep_path needs a target without ?, # and a final slash")
        return self


class Maintenance(Spec):
    """The page everyone gets while the site is down: 503, with the time after which to come back."""

    message: Text = "Down for maintenance, back soon."
    """What the page says."""
    retry_after: Annotated[Duration, After(_whole_seconds)] = "5m"
    """When to come back, in whole seconds or more."""


def as_maintenance(value: Any) -> Any:
    """Return what `true` and `false` stand for."""
    return {True: Maintenance(), False: None}[value] if isinstance(value, bool) else value


class RouteSpec(Spec):
    """A host name and path, and what answers there: upstreams, a redirect or a maintenance page."""

    names: tuple[Host, ...] = Field(min_length=1, strict=False)
    """The host names, each exact or `*.` and a domain."""
    path: Prefix = "/"
    """The route answers this path and everything below it."""
    strip_prefix: bool = False
    """Whether the upstream sees requests without the path."""
    upstreams: tuple[Upstream, ...] = Field(default=(), strict=False)
    """Where requests go, shared by weight."""
    upstream_tls: Annotated[UpstreamTls | None, Before(as_upstream_tls)] = None
    """How the proxy speaks TLS to the upstreams: true, or its fields; without it, plain HTTP."""
    redirect: Redirect | None = None
    """Where to send the browser instead of an upstream."""
    maintenance: Annotated[Maintenance | None, Before(as_maintenance)] = None
    """A page with status 503 instead: true, or its message."""
    websockets: bool = True
    """Whether connections may be upgraded."""
    request_headers: RequestHeaders = Field(default_factory=dict)
    """Headers the upstream gets; null removes one."""
    response_headers: Headers = Field(default_factory=dict)
    """Headers the visitor gets; null removes one."""
    basic_auth: dict[User, Password] | None = Field(default=None, min_length=1)
    """Who may come in: user to bcrypt hash or {secret: NAME}."""
    allow: tuple[Cidr, ...] | None = Field(default=None, min_length=1, strict=False)
    """Address ranges that may come in; without it all may."""
    deny: tuple[Cidr, ...] = Field(default=(), strict=False)
    """Address ranges that may not come in."""
    max_body: Size | None = None
    """The largest request body, for example 10MB."""
    timeouts: Annotated[Timeouts | None, After(_timeouts)] = None
    """How long the proxy waits for an upstream."""
    health: Health | None = None
    """The proxy's check of the upstreams."""
    tls: bool = True
    """Whether it is served over HTTPS; needs a certificate."""
    certificate: Annotated[Ref | None, RefTo("certificate", "caddy")] = None
    """The name of the declared certificate."""
    https_redirect: bool = True
    """Whether plain HTTP is sent on to HTTPS."""

    PROXY_ONLY: ClassVar = (
        *("strip_prefix", "websockets", "request_headers", "max_body", "timeouts", "health", "upstream_tls"),
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.upstreams) + bool(self.redirect) + bool(self.maintenance) != 1:
            raise ValueError("write exactly one of upstreams, redirect and maintenance")
        idle = () if self.upstreams else self._proxy_only()
        if idle:
            raise ValueError(f"{idle[0]} means nothing without upstreams")
        if self.strip_prefix and self.path == "/":
            raise ValueError("strip_prefix needs a path other than /")
        if not (self.tls or self.https_redirect):
            raise ValueError("https_redirect: false means nothing without tls")
        if self.tls != (self.certificate is not None):
            raise ValueError("tls: true needs a certificate, tls: false has none")
        for field in ("names", "deny", "allow"):
            values = getattr(self, field) or ()
            if len(set(values)) < len(values):
                raise ValueError(f"{field} names the same value twice")
        return self

    def _proxy_only(self) -> list[str]:
        """Return the fields that were set and only mean something with upstreams."""
        defaults = {
            name: type(self).model_fields[name].get_default(call_default_factory=True) for name in self.PROXY_ONLY
        }
        return [name for name, default in defaults.items() if getattr(self, name) != default]


def dialled(spec: R) -> R:
    """Return a resolved route with its containers as the addresses they have, as the proxy sees them."""
    if all(upstream.container is None for upstream in spec.upstreams):
        return spec
    plain = tuple(Upstream(address=upstream.dial, weight=upstream.weight) for upstream in spec.upstreams)
    return spec.model_copy(update={"upstreams": plain})


def claims(spec: RouteSpec) -> Iterable[Claim]:
    """Yield what a route or vhost claims: its path on each of its hosts, in one scope for all proxies."""
    return (Claim("route", (host, spec.path.lower())) for host in spec.names)


PORTS: Final = {"http": 80, "https": 443}


def port_of(settings: Settings, proxy: str, scheme: str = "https") -> int:
    """Return the port a proxy serves HTTP or HTTPS on, by its section of conduit.yaml."""
    listen = (settings.sections.get(proxy) or {}).get(scheme) or [""]
    port = str(listen[0]).rpartition(":")[2]
    return int(port) if port.isdigit() else PORTS[scheme]


def by_file(change: FieldChange) -> FieldChange:
    """Return a change of the files behind one certificate as a change of the certificate's file."""
    old, new = change.old, change.new
    if not (isinstance(old, Ref) and isinstance(new, Ref) and old.key == new.key):
        return change
    files = (ref.value["certificate"] if isinstance(ref.value, dict) else ref.value for ref in (old, new))
    return FieldChange(change.path, *files)
