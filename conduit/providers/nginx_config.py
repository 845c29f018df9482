"""The settings of nginx: the section `nginx` of conduit.yaml."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from conduit.providers.nginx_text import word
from conduit.providers.nginx_upstreams import TRUST
from conduit.providers.process import PlainProcess, SystemdUnit
from conduit.settings import ConfigPath, Section
from conduit.validators import After


def _plain(path: Path) -> Path:
    word(path)
    return path


FilePath = Annotated[ConfigPath, After(_plain)]
"""A path that can be written into nginx's configuration."""
Listen = Annotated[str, Field(pattern=r"^(\[[0-9a-f:]+\]|[0-9.]*):[0-9]{1,5}$")]
"""Where nginx listens for us: `address:port`, or `:port` for every address."""


class Config(Section):
    """The `nginx` section of conduit.yaml: our file, where nginx listens for us, and how it is told."""

    conf_file: FilePath = Path("/etc/nginx/conf.d/conduit.conf")
    """Our file of servers; nginx must include it in its `http` block."""
    config: ConfigPath = Path("/etc/nginx/nginx.conf")
    """nginx's main configuration; every change is checked with it."""
    http: tuple[Listen, ...] = Field(default=(":80",), min_length=1, strict=False)
    """What plain HTTP listens on."""
    https: tuple[Listen, ...] = Field(default=(":443",), min_length=1, strict=False)
    """What HTTPS listens on."""
    marker: str = Field("127.0.0.1:8989", pattern=r"^(127\.[0-9.]+|\[::1\]):[0-9]{1,5}$")
    """A loopback `address:port` of its own where nginx tells which generation of the file it serves."""
    passwords: FilePath = Path("/etc/nginx/conduit-passwords")
    """The directory of the password files; only nginx's user may read them."""
    catch_all: bool = True
    """Whether hosts nobody declared are refused; off when another file has the default server of these listeners."""
    backlog: int | None = Field(None, ge=1, le=65535)
    """Connections that may wait to be accepted; without it nginx's own 511. It takes more than a moment of 1,000
    requests a second on a machine that is busy to fill that, and what comes then is lost. Needs `catch_all`."""
    trust: FilePath = Path(TRUST)
    """The authorities that upstreams with `upstream_tls` are verified by."""
    challenges: FilePath | None = None
    """The directory that answers ACME's HTTP challenges."""
    access_log: FilePath | None = None
    """A log of all requests to vhosts, in JSON."""
    program: ConfigPath = Path("/usr/sbin/nginx")
    """Checks our file before it is used."""
    user: str | None = "www-data"
    """Who nginx's workers run as."""
    process: PlainProcess | SystemdUnit = SystemdUnit.model_construct(systemd="nginx.service")
    """How it is told: a systemd unit, or a pid file and a command."""

    @model_validator(mode="after")
    def _has_where_to_say_it(self) -> Self:
        """nginx takes options of a listener once, and refuses a second server that has any for the same address."""
        if self.backlog is not None and not self.catch_all:
            raise ValueError("backlog is an option of the default server, and with catch_all: false that is another's")
        return self
