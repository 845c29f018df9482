"""What a route or vhost says of its upstreams: where they are, how they are asked and how long they may take."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from conduit import grammar, upstreams
from conduit.fields import Duration, Probe
from conduit.model import Ref
from conduit.spec import RefTo, Spec
from conduit.validators import After


def _upstream(text: str) -> str:
    """`address:port`, never one that no site may proxy to."""
    normal = upstreams.normal(text)
    upstreams.refuse_everywhere(normal)
    host = grammar.split_host_port(normal)[0]
    if ":" not in host and not grammar.DOTTED_QUAD.fullmatch(host):
        raise ValueError(f'"{host}" is a name: a route takes an address; a service resolves names')
    return normal


HostName = Annotated[str, After(grammar.host_name)]


class Upstream(Spec):
    """One address requests go to; `weight` is its share when there are several."""

    address: Annotated[str, After(_upstream)] | None = None
    """`address:port`; a service takes names as well."""
    container: Annotated[Ref | None, RefTo("container", "address")] = None
    """A container instead of an address, wherever it is."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The container's port."""
    weight: int = Field(1, ge=1, le=1000)
    """The share of requests among several."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.address is None) == (self.container is None):
            raise ValueError("write an address, or a container and its port")
        if (self.container is None) != (self.port is None):
            raise ValueError("a container needs a port, an address has its own")
        return self

    @property
    def dial(self) -> str:
        """Where the proxy connects to, host:port."""
        if self.container is None:
            return self.address or ""
        host = str(self.container.value)
        return f"[{host}]:{self.port}" if ":" in host and " " not in host else f"{host}:{self.port}"


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


class UpstreamTls(Spec):
    """That the proxy speaks TLS to the upstreams, and whether it minds who they are."""

    verify: bool = True
    """Whether their certificate has to be trusted by this machine, and be for `name`."""
    name: HostName | None = None
    """The name they are asked for, and have to show; by default that of the upstream."""


def as_upstream_tls(value: Any) -> Any:
    """Return what `true` and `false` stand for."""
    return {True: UpstreamTls(), False: None}[value] if isinstance(value, bool) else value
