"""What a service is registered with over the documented API, and the manifest fields that stand for it. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from conduit import grammar
from conduit.fields import Probe
from conduit.grammar import join_host_port, split_host_port
from conduit.upstreams import normal, refuse_everywhere

NAME: Final = r"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$"
PORTS: Final = {"http": 80, "https": 443}


class Registration(BaseModel):
    """What a service is registered with; its name is kept in small letters.

    With `protocol` https the proxy speaks TLS to it, and verifies its certificate unless `verify_upstream` is false.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(json_schema_extra={"pattern": NAME})
    host: str = Field(min_length=1, max_length=260)
    port: int | None = Field(None, ge=1, le=65535, strict=True)
    protocol: Literal["http", "https"] | None = None
    health_path: Probe | None = Field(None, max_length=256)
    no_tls: bool = False
    tls_enabled: bool | None = None
    overwrite: bool = False
    verify_upstream: bool = True

    @field_validator("name")
    @classmethod
    def _name(cls, text: str) -> str:
        """The name of a service: its host name knows no capitals (RFC 4343), so it has none either."""
        return grammar.name(text.lower())

    @field_validator("host")
    @classmethod
    def _host(cls, text: str) -> str:
        """An address or a name, perhaps with its port; never one that no site may proxy to."""
        whole = normal(_with_port(text, 80))
        refuse_everywhere(whole)
        return text

    @field_validator("port")
    @classmethod
    def _port(cls, number: int | None, info: ValidationInfo) -> int | None:
        """The port, unless the host has another one: nobody can tell which of them is meant."""
        host = info.data.get("host")
        if number and host and (other := split_host_port(_with_port(host, number))[1]) != number:
            raise ValueError(f"host says {other}; give one of them")
        return number

    @property
    def upstream(self) -> str:
        """Where requests go: the port that was given, or the protocol's."""
        return normal(_with_port(self.host, self.port or PORTS[self.protocol or "http"]))

    @property
    def tls(self) -> bool:
        """Whether it is served over TLS."""
        return not self.no_tls and self.tls_enabled is not False

    @property
    def fields(self) -> dict[str, Any]:
        """What is written in the manifest: what was asked for, and no default."""
        health = {"health": {"path": self.health_path}} if self.health_path not in (None, "/") else {}
        return {"upstream": self.upstream, **self._upstream_tls, **health, **({} if self.tls else {"tls": "off"})}

    @property
    def details(self) -> dict[str, Any]:
        """What the audit trail says of it, defaults filled in."""
        host, port = split_host_port(self.upstream)
        protocol = "https" if self.tls or self.protocol == "https" else "http"
        place = {"name": self.name, "host": host, "port": port, "protocol": protocol}
        return {**place, "health_path": self.health_path or "/", "tls": self.tls}

    @property
    def _upstream_tls(self) -> dict[str, Any]:
        if self.protocol != "https":
            return {}
        return {"upstream_tls": True if self.verify_upstream else {"verify": False}}


def _with_port(text: str, port: int) -> str:
    """Return a host with a port; one that is written out stays."""
    try:
        literal = ip_address(text)
    except ValueError:
        return text if ":" in text else f"{text}:{port}"
    return join_host_port(str(literal), port)
