"""Black-box checks: what a program outside conduit sees of names, certificates and sites.

Every check is bounded: 2 s to connect, 5 s in all, 64 KiB of body. An answer is only compared, never trusted further.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.change import Level
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.grammar import join_host_port, split_host_port
from conduit.providers.resolver import Resolver
from conduit.settings import Settings
from conduit.upstreams import addresses, listener, rules_of

CONNECT_SECONDS: Final = 2.0
TOTAL_SECONDS: Final = 5.0
BODY_BYTES: Final = 64 * 1024

NO_ENDPOINT = Code(
    "CND-1101",
    "a check needs a daemon that the settings do not name",
    "A proof asks the site's DNS server and its proxy from outside, so it needs their addresses. They are read from "
    "the sections of conduit.yaml, and the section named in the message is missing. Add it, or run without proofs.",
)


class HttpProbe(Struct, frozen=True):
    """One GET: for which host (Host header and TLS server name), for what, and whether over TLS.

    Without an `address` (host, port) it goes to the `proxy`. `root` is the PEM file of the only authority trusted over
    TLS, by default that of the internal CA.
    """

    host: str
    path: str = "/"
    tls: bool = False
    address: tuple[str, int] | None = None
    root: Path | None = None
    seconds: float = TOTAL_SECONDS
    proxy: str = "caddy"


class HttpAnswer(Struct, frozen=True):
    """What came back. `level` says how far the exchange got: UPSTREAM_ANSWERED means that some HTTP answer arrived.

    `error` tells in words why there is no `status`. Header names are in lower case. `serial` (hexadecimal) and
    `not_after` (seconds since 1970) are those of the certificate that was served and verified. `client` is the
    address the other side saw us come from.
    """

    level: Level
    status: int | None = None
    headers: Mapping[str, str] = {}
    body: bytes = b""
    serial: str = ""
    not_after: float | None = None
    client: str = ""
    error: str = ""
    seconds: float = 0.0


class Prober:
    """Asks the site's own DNS server and proxy, and its upstreams directly. Opening one does no I/O."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rules = rules_of(settings)
        self.resolve = Resolver()

    def dns(self, name: str, rtype: str) -> list[str]:
        """Ask the site's DNS server; returns the sorted answers in text form, empty for any kind of "no such name".

        Names in them are lower-case without the last dot. Raises TimeoutError after 2 s, OSError when it is not there.
        """
        import dns.exception
        import dns.message
        import dns.query
        import dns.rdatatype

        host, port = self._listener("dnsmasq", "address", 53)
        kind = dns.rdatatype.from_text(rtype)
        try:
            reply, _ = dns.query.udp_with_fallback(dns.message.make_query(name, kind), host, CONNECT_SECONDS, port)
        except dns.exception.Timeout:
            raise TimeoutError(f"no DNS answer from {join_host_port(host, port)} within 2 s") from None
        except dns.exception.DNSException as error:
            raise OSError(f"{join_host_port(host, port)} does not speak DNS: {error}") from None
        return sorted(_text(record) for rrset in reply.answer if rrset.rdtype == kind for record in rrset)

    def endpoint(self, proxy: str = "caddy", *, tls: bool = True) -> tuple[str, int]:
        """Return where a client of the proxy connects; a wildcard listener means `settings.proxy_address`."""
        return self._listener(proxy, "https" if tls else "http", 443 if tls else 80)

    @property
    def root(self) -> Path:
        """The file of the internal CA's root certificate."""
        from conduit.providers.certs import root_path

        return root_path(self.settings)

    def http(self, request: HttpProbe) -> HttpAnswer:
        """Send one request; every failure is an answer with its `error`.

        One that goes elsewhere than to the proxy must obey the upstream rules, or it is blocked; a name is resolved
        once, and what was checked is what is connected to.
        """
        from conduit.providers.probe_http import exchange

        try:
            address = (
                self._checked(*request.address) if request.address else self.endpoint(request.proxy, tls=request.tls)
            )
        except ValueError as error:
            return HttpAnswer(Level.NO_CONNECTION, error=f"blocked: {error}")
        except OSError as error:
            return HttpAnswer(Level.NO_CONNECTION, error=f"it does not resolve: {error}")
        return exchange(replace(request, address=address, root=request.root or self.root))

    def _checked(self, host: str, port: int) -> tuple[str, int]:
        return split_host_port(addresses(join_host_port(host, port), self.rules, self.resolve)[0])

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self.settings.sections.get(name)
        return section if isinstance(section, dict) else {}

    def _listener(self, section: str, key: str, port: int) -> tuple[str, int]:
        """Return the first listener `key` of a section as an address a client can reach."""
        if section not in self.settings.sections:
            raise ConduitError(Diagnostic(NO_ENDPOINT, f'the settings have no section "{section}" to check through'))
        value = self._section(section).get(key) or f":{port}"
        text = str(value[0] if isinstance(value, (list, tuple)) else value)
        host, port = listener(text, port) or (text, port)
        return host or self.settings.proxy_address, port


def _text(record: Any) -> str:
    """Return the data of a DNS record as text: TXT as it was written, names lower-case without the last dot."""
    if hasattr(record, "strings"):
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record.to_text()).lower().removesuffix(".")
