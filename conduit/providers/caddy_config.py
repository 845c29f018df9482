"""The settings of Caddy: the section `caddy` of conduit.yaml."""

from typing import Annotated

from pydantic import Field

from conduit.settings import ConfigPath, Section

Listen = Annotated[str, Field(pattern=r"^(\[[0-9a-f:]+\]|[0-9.]*):[0-9]{1,5}$")]
"""Where Caddy listens for us: `address:port`, or `:port` for every address."""


class Config(Section):
    """Where Caddy is and what it listens on for us."""

    admin: str = Field("unix//run/caddy/admin.sock", pattern=r"^(unix//[^{}|]+(\|0[0-7]{3})?|[^/{}\s]+:[0-9]{1,5})$")
    """Its admin API: `unix//path`, as Caddy writes it, or `host:port`."""
    http: tuple[Listen, ...] = Field(default=(":80",), min_length=1, strict=False)
    """What plain HTTP listens on."""
    https: tuple[Listen, ...] = Field(default=(":443",), min_length=1, strict=False)
    """What HTTPS listens on."""
    program: ConfigPath | None = None
    """The caddy binary: tells the version, and checks copies when somebody has to be blamed."""
    user: str | None = None
    """Who Caddy runs as; certificate files must be open to them."""
