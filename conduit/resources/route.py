"""route: what Caddy does with the requests for a host name and a path.

A leaf kind. A service expands into one; a route may also be declared on its own, with addresses instead of names.
Its native form is a mapping of marked fragments: `https` and `http` are Caddy routes on the two servers of conduit,
`certificate` is the file pair that `https` needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from conduit import grammar, upstreams
from conduit.diff import compare, difference
from conduit.errors import ConduitError
from conduit.fields import Cidr as Cidr
from conduit.fields import Duration, Host, Probe, Target, Text
from conduit.fields import Headers as Headers
from conduit.fields import Password as Password
from conduit.fields import Prefix as Prefix
from conduit.fields import Size as Size
from conduit.fields import User as User
from conduit.kind import Context, Kind
from conduit.model import (
    UNRESOLVED,
    Claim,
    Diff,
    FieldChange,
    Key,
    Live,
    Native,
    Ref,
    RefTo,
    Resource,
    Secret,
    Spec,
)
from conduit.providers import caddy_route
from conduit.providers.caddy_accounts import Hashed, Seal
from conduit.providers.caddy_route import Dialect


def _upstream(text: str) -> str:
    """`address:port`, never one that no site may proxy to."""
    normal = upstreams.normal(text)
    upstreams.refuse_everywhere(normal)
    host = grammar.split_host_port(normal)[0]
    if ":" not in host and not grammar.DOTTED_QUAD.fullmatch(host):
        raise ValueError(f'"{host}" is a name: a route takes an address; a service resolves names')
    return normal


def _whole_seconds(text: str) -> str:
    if text.endswith("ms"):
        raise ValueError("Retry-After counts whole seconds")
    return text


class Upstream(Spec):
    """One address requests go to; `weight` is its share when there are several."""

    address: Annotated[str, AfterValidator(_upstream)]
    """`address:port`; a service takes names as well."""
    weight: int = Field(1, ge=1, le=1000)
    """The share of requests among several."""


class Health(Spec):
    """The proxy's own check: an upstream that fails it gets no requests."""

    path: Probe = "/"
    """What is asked for, perhaps with a query."""
    interval: Duration = "30s"
    """How often."""
    timeout: Duration = "5s"
    """How long an answer may take."""
    status: Annotated[int, Field(ge=100, le=599)] | Literal["1xx", "2xx", "3xx", "4xx", "5xx"] = "2xx"
    """What a healthy upstream answers: a status, or a class such as `2xx`."""


class Timeouts(Spec):
    """How long to wait for an upstream: to connect, for the head of its answer, and for it to take the request."""

    connect: Duration | None = None
    """To connect to the upstream."""
    read: Duration | None = None
    """For the head of its answer."""
    write: Duration | None = None
    """For it to take the request."""


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
    retry_after: Annotated[Duration, AfterValidator(_whole_seconds)] = "5m"
    """When to come back, in whole seconds or more."""


def _maintenance(value: Any) -> Any:
    return {True: Maintenance(), False: None}.get(value, value) if isinstance(value, bool) else value


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
    redirect: Redirect | None = None
    """Where to send the browser instead of an upstream."""
    maintenance: Annotated[Maintenance | None, BeforeValidator(_maintenance)] = None
    """A page with status 503 instead: true, or its message."""
    websockets: bool = True
    """Whether connections may be upgraded."""
    request_headers: Headers = Field(default_factory=dict)
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
    timeouts: Annotated[Timeouts | None, AfterValidator(_timeouts)] = None
    """How long the proxy waits for an upstream."""
    health: Health | None = None
    """The proxy's check of the upstreams."""
    tls: bool = True
    """Whether it is served over HTTPS; needs a certificate."""
    certificate: Annotated[Ref | None, RefTo("certificate", "caddy")] = None
    """The name of the declared certificate."""
    https_redirect: bool = True
    """Whether plain HTTP is sent on to HTTPS."""

    PROXY_ONLY: ClassVar = ("strip_prefix", "websockets", "request_headers", "max_body", "timeouts", "health")

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


class RouteKind(Kind[RouteSpec]):
    """A host name and path served by Caddy."""

    name = "route"
    plural = "routes"
    spec = RouteSpec
    provider = "caddy"
    adopt = "mark"
    adopt_step = "remove the route from the other server's configuration, then apply"

    def render(self, spec: RouteSpec, ctx: Context) -> Native:
        """Return the Caddy fragments of a route; stored passwords stay `Secret` until they are staged."""
        return caddy_route.build(spec, _dialect(ctx), _declared(ctx))

    def parse(self, native: Native) -> RouteSpec | None:
        """Return the spec of a native form, or None when Caddy does more than a spec can say."""
        try:
            found = caddy_route.fields(native)
            users = found.get("basic_auth", {})
            if users:
                found["basic_auth"] = {user: getattr(p, "value", p) for user, p in users.items()}
            if found["tls"]:
                entry = native["certificate"]
                found["certificate"] = Ref(Key("certificate", entry["name"]), "caddy", entry["files"])
            spec = RouteSpec.model_validate(found)
            again = caddy_route.build(spec, Dialect.of(native), lambda user, value: users[user])
        except (LookupError, TypeError, AttributeError, ValueError):
            return None
        return spec if again == native else None

    def same(self, want: Resource[RouteSpec], native: Native, live: Live, ctx: Context) -> Diff | None:
        """Compare, taking a stored password as equal while its seal in Caddy still holds."""
        users = want.spec.basic_auth
        if users and live.native != native:
            kept = _unchanged(users, live, ctx)
            declared = _declared(ctx)
            native = caddy_route.build(want.spec, _dialect(ctx), lambda u, v: kept.get(u) or declared(u, v))
        return super().same(want, native, live, ctx)

    def explain(self, spec: RouteSpec, native: Native, live: Native, ctx: Context) -> Diff:
        """Show the difference in spec terms: passwords by keyed fingerprint, a certificate by its file."""
        parsed = self.parse(live)
        if parsed is None:
            return difference(live, native)
        plain = [change for change in compare(parsed, spec) if not change.path.startswith("basic_auth")]
        fields = (*map(_by_file, plain), *_password_changes(live, native, ctx))
        return Diff(fields) if fields else difference(live, native)

    def claims(self, spec: RouteSpec) -> Iterable[Claim]:
        """A route claims its path on each of its hosts; Caddy matches paths without regard to case."""
        return (Claim("route", (host, spec.path.lower())) for host in spec.names)


def _dialect(ctx: Context) -> Dialect:
    listen = (ctx.settings.sections.get("caddy") or {}).get("https") or [":443"]
    port = str(listen[0]).rpartition(":")[2]
    return Dialect("stream_close_delay" in ctx.features, int(port) if port.isdigit() else 443)


def _declared(ctx: Context) -> caddy_route.Password:
    return lambda user, value: value if isinstance(value, Secret) else Hashed.of(ctx.fingerprint, value)


def _unchanged(users: dict[str, Any], live: Live, ctx: Context) -> dict[str, Hashed]:
    """Return the hashes in Caddy that still stand for the stored passwords, by user."""
    kept = {}
    for user, hashed in caddy_route.accounts(live.native).items():
        secret = users.get(user)
        if isinstance(secret, Secret) and isinstance(hashed, Hashed):
            password = _stored(secret, ctx)
            seal = Seal.of(ctx.fingerprint, live.key, user, password, hashed.value) if password else None
            if seal == hashed.seal:
                kept[user] = hashed
    return kept


def _stored(secret: Secret, ctx: Context) -> str:
    """Return a stored password, empty when it is missing: then this route alone is refused when it is written."""
    try:
        return ctx.secret(secret.name)
    except ConduitError:
        return ""


def _password_changes(live: Native, native: Native, ctx: Context) -> Iterable[FieldChange]:
    have, want = caddy_route.accounts(live), caddy_route.accounts(native)
    for user in sorted({*have, *want}):
        old, new = have.get(user, UNRESOLVED), want.get(user, UNRESOLVED)
        if old != new:
            yield FieldChange(f"basic_auth.{user}", *_labels(old, new, ctx))


def _labels(old: Any, new: Any, ctx: Context) -> tuple[Any, Any]:
    """Tell a rotated secret (`ab12` to `cd34`) from a hash that someone edited in Caddy."""
    if not isinstance(new, Secret):
        return old, new
    password = _stored(new, ctx)
    label = ctx.fingerprint(password) if password else "which is not stored"
    before = old.seal.label if isinstance(old, Hashed) else ""
    if before:
        old = f"{new} {before[:4]}" if before != label else f"{new} with another hash"
    return old, f"{new} {label[:4] if password else label}"


def _by_file(change: FieldChange) -> FieldChange:
    old, new = change.old, change.new
    if not (isinstance(old, Ref) and isinstance(new, Ref) and old.key == new.key):
        return change
    return FieldChange(
        change.path, *(r.value["certificate"] if isinstance(r.value, dict) else r.value for r in (old, new))
    )
