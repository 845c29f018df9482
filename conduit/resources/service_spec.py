"""What a service declares; a domain shares most of it. See `conduit.resources.service` for the kind."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from conduit import fields, grammar
from conduit.resources import route_spec, upstream_spec
from conduit.resources.reach_spec import Reach
from conduit.spec import Spec
from conduit.upstreams import normal, refuse_everywhere
from conduit.validators import After, Before


def _upstream(text: str) -> str:
    """`host:port`; an address that no site may proxy to is refused here, before anything is resolved."""
    text = normal(text)
    refuse_everywhere(text)
    return text


HostPort = Annotated[str, After(_upstream)]
Address = Annotated[str, After(grammar.address)]


class WeightedUpstream(Spec):
    """An upstream of several; `weight` is its share of the requests."""

    address: HostPort
    """Where requests go, host:port."""
    weight: int = Field(1, ge=1, le=1000)
    """Its share of the requests."""


class Upstreams(Reach):
    """Where the requests of a service go."""

    upstream: HostPort | None = Field(None, description="where requests go, host:port")
    upstreams: tuple[HostPort | WeightedUpstream, ...] = Field(
        (), strict=False, description="the same for several, which share the requests by weight"
    )


class SiteSpec(Spec):
    """What services and domains have in common: where a site answers, who may come in, and how it is passed on."""

    aliases: tuple[upstream_spec.HostName, ...] = Field((), strict=False, description="more names of the same site")
    address: Address | None = Field(None, description="what the names resolve to; by default the proxy's address")
    path: fields.Prefix = Field("/", description="the site answers this path and everything below it")
    strip_prefix: bool = Field(False, description="whether the upstream sees requests without the path")
    proxy: Literal["caddy", "nginx"] | None = Field(
        None, description="the proxy that serves it; by default the only one the settings name, else caddy"
    )
    tls: Literal["internal", "off"] = Field("internal", description="who signs the certificate; off serves plain HTTP")
    https_redirect: bool = Field(True, description="whether plain HTTP is sent on to HTTPS")
    upstream_tls: Annotated[upstream_spec.UpstreamTls | None, Before(upstream_spec.as_upstream_tls)] = Field(
        None, description="how the proxy speaks TLS to the upstreams: true, or its fields; without it, plain HTTP"
    )
    health: upstream_spec.Health | None = Field(None, description="the proxy's check of the upstreams, and the proof's")
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
    timeouts: upstream_spec.Timeouts | None = Field(None, description="how long the proxy waits for an upstream")
    redirect: route_spec.Redirect | None = Field(None, description="where to send visitors instead of an upstream")
    maintenance: Annotated[route_spec.Maintenance | None, Before(route_spec.as_maintenance)] = Field(
        None, description="a page with status 503 instead of the site: true, or its message"
    )


class ServiceSpec(SiteSpec, Upstreams):
    """A site: its name, how it is reached, what answers it, and who may ask."""

    domain: upstream_spec.HostName | None = Field(
        None, description="the name of the site; by default the service's own name in the internal domain"
    )
    dns: bool = Field(True, description="whether the names get DNS records; off when something else answers them")

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        given = bool(self.upstream) + bool(self.upstreams) + bool(self.deployment) + bool(self.redirect)
        if given > 1 or not (given or self.maintenance):
            raise ValueError("write exactly one of upstream, upstreams, deployment and redirect")
        return self
