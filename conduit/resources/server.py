"""server: another machine that is watched over SSH. Nothing is applied to it; others read of it."""

from typing import Annotated, Final

from pydantic import Field

from conduit import grammar
from conduit.change import Level, Proof
from conduit.errors import ConduitError
from conduit.kind import Context, Kind
from conduit.model import Secret
from conduit.patterns import pattern
from conduit.spec import Resource, Spec
from conduit.validators import After

HOST_KEY: Final = pattern(r"(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]{40,1400}={0,2}")
USER: Final = pattern(r"[a-z_][a-z0-9_-]{0,31}")


def _host_key(text: str) -> str:
    words = " ".join(text.split()[:2])
    if not HOST_KEY.fullmatch(words):
        raise ValueError("write a public key as in known_hosts, for example ssh-ed25519 AAAA...")
    return words


def _user(text: str) -> str:
    if not USER.fullmatch(text):
        raise ValueError("write the name of a user")
    return text


def _host(text: str) -> str:
    literal = ":" in text or grammar.DOTTED_QUAD.fullmatch(text)
    return grammar.address(text) if literal else grammar.host_name(text)


class ServerSpec(Spec):
    """Where a machine is, who logs in with which key, and the key it must show."""

    host: Annotated[str, After(_host)]
    """Its address or name."""
    port: int = Field(22, ge=1, le=65535)
    """Where its SSH server listens."""
    user: Annotated[str, After(_user)] = "root"
    """Who logs in."""
    host_key: Annotated[str, After(_host_key)]
    """Its public host key; a server that shows another one is not talked to."""
    key: Secret
    """The private key to log in with, a stored secret."""


class Server(Kind[ServerSpec]):
    """A machine that is watched: processor, memory, disk, graphics cards, containers. conduit changes nothing there."""

    name = "server"
    plural = "servers"
    spec = ServerSpec
    permission = "servers"
    alarm = "monitor_alert"

    def prove(self, ctx: Context, resource: Resource[ServerSpec]) -> Proof | None:
        """Log in: the machine answers, shows the declared key, and takes ours."""
        from conduit.providers.ssh_machine import enter

        spec = resource.spec
        try:
            enter(spec.host, spec.port, spec.user, spec.host_key, ctx.secret(spec.key.name))
        except (ConduitError, OSError) as error:
            return Proof(resource.key, Level.NO_CONNECTION, str(error))
        return Proof(resource.key, Level.EXPECTED, f"{spec.user}@{spec.host} may log in")
