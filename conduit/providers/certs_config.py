"""The settings of certificates: the section `certs` of conduit.yaml."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from conduit.measures import duration
from conduit.providers.certs_trust import Trust
from conduit.settings import ConfigPath, Section
from conduit.validators import After


def _lifetime(text: str) -> str:
    if not 60 <= duration(text) <= 36500 * 86400:
        raise ValueError("use a duration from 1m to 36500d")
    return text


Lifetime = Annotated[str, After(_lifetime)]


class Copy(Section):
    """Where one daemon's copies lie, and its user; without one they belong to conduit's own user."""

    dir: ConfigPath
    """The directory; made with mode 0700 when it is not there."""
    user: str | None = None
    """Who owns the files in it."""


class Config(Section):
    """The section `certs`: the masters and the CA, each daemon's copies, and the times used where a spec has none."""

    dir: ConfigPath = Path("/etc/conduit/certs")
    """The masters, and the CA below `ca/`."""
    copies: dict[str, Copy] = Field(default_factory=dict)
    """The daemons that serve certificates, by name."""
    lifetime: Lifetime = "90d"
    """How long a certificate is valid."""
    renew_before: Lifetime = "30d"
    """How long before its end it is renewed."""
    ca_lifetime: Lifetime = "3650d"
    """How long the root is valid."""
    trust: Trust = Trust.model_construct()
    """The machine's own trust store."""
