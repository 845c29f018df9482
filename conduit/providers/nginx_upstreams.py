"""How a vhost speaks to its upstreams, in nginx's own words. Pure.

A single upstream without a check needs no group: nginx finds groups by looking at all of them. Times that are nobody's
wish are written in units no wish is brought to (`24h`, `3000ms`), so that both can be told apart. nginx matches
locations against the decoded and normalized path; `$conduit_rest` is what follows a stripped prefix in the path as it
was sent, or, where that is spelled oddly (`//`, `..`, `%61`), in the normalized one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import ceil
from typing import Any, Final

from conduit import measures
from conduit.providers.nginx_text import directive, path_pattern, word

SELF: Final = "self.conduit"
TRUST: Final = "/etc/ssl/certs/ca-certificates.crt"
"""The authorities a machine trusts, where Debian has them."""
STANDARD: Final = {
    "Host": "$http_host",
    "X-Forwarded-For": "$remote_addr",
    "X-Forwarded-Proto": "$scheme",
    "X-Forwarded-Host": "$http_host",
}
"""What Caddy tells an upstream about the visitor, and nothing a visitor can forge."""
_PROXY: Final = (
    "proxy_http_version 1.1;",
    "proxy_redirect off;",
    "proxy_buffering off;",
    "proxy_request_buffering off;",
    "proxy_pass_header Server;",
)
_VIA: Final = "add_header Via $conduit_via always;"
_FAILED: Final = ("error", "timeout", "http_500", "http_502", "http_503", "http_504")
TIMEOUTS: Final = {"connect": "3000ms", "write": "24h", "read": "24h"}
DIRECTIVES: Final = {"connect": "proxy_connect_timeout", "write": "proxy_send_timeout", "read": "proxy_read_timeout"}
REST: Final = "/$conduit_rest$is_args$args"


def needs_group(spec: Any) -> bool:
    """Return whether the upstreams of a vhost are a group."""
    return len(spec.upstreams) > 1 or bool(spec.health) or any(upstream.weight != 1 for upstream in spec.upstreams)


def group(spec: Any) -> Iterable[str]:
    """Yield the group of upstreams. Several share their state among workers; none is left out without a check."""
    yield directive("upstream", SELF, opens=True)
    if spec.health:
        health = spec.health
        yield f"# health {health.path} every {health.interval} within {health.timeout} expects {health.status}"
    if len(spec.upstreams) > 1:
        yield directive("zone", SELF, "64k")
    failing = ["max_fails=0"]
    if spec.health:
        failing = ["max_fails=1", f"fail_timeout={ceil(measures.duration(spec.health.interval))}s"]
    for upstream in spec.upstreams:
        yield directive("server", word(upstream.dial), f"weight={upstream.weight}", *failing)
    yield "}"


def proxied(spec: Any, trust: str) -> list[str]:
    """Return what is in the location of a vhost that has upstreams; `trust` is the file of authorities to go by."""
    lines = [
        *_manner(
            measures.size(spec.max_body) if spec.max_body else 0,
            tuple(getattr(spec.timeouts, name, None) for name in DIRECTIVES),
            ("off",) if len(spec.upstreams) == 1 else _FAILED if spec.health else _FAILED[:2],
            spec.request_headers.get("Host"),
            spec.websockets,
        )
    ]
    for name in sorted(spec.request_headers.keys() - {"Host"}):
        lines.append(directive("proxy_set_header", word(name), word(spec.request_headers[name] or "")))
    lines += [_VIA, *response_headers(spec)]
    if spec.strip_prefix:
        lines += _stripped(path_pattern(spec.path))
    if spec.upstream_tls:
        lines += _upstream_tls(spec.upstream_tls, trust)
    scheme = "https" if spec.upstream_tls else "http"
    target = f"{scheme}://{SELF if needs_group(spec) else word(spec.upstreams[0].dial)}"
    return [*lines, directive("proxy_pass", target + (REST if spec.strip_prefix else ""))]


@lru_cache(maxsize=256)
def _manner(
    size: int, timeouts: tuple[str | None, ...], failing: tuple[str, ...], host: str | None, websockets: bool
) -> tuple[str, ...]:
    """Return how upstreams are spoken to; most vhosts of a site ask for nothing of their own in this."""
    times = zip(DIRECTIVES.items(), timeouts, strict=True)
    headers = {
        **STANDARD,
        **({"Host": word(host)} if host else {}),
        "Connection": "$conduit_connection" if websockets else "close",
        "Upgrade": "$http_upgrade" if websockets else '""',
    }
    return (
        directive("client_max_body_size", str(size)),
        *_PROXY,
        *(directive(name, wish or TIMEOUTS[which]) for (which, name), wish in times),
        directive("proxy_next_upstream", *failing),
        *(directive("proxy_set_header", name, value) for name, value in headers.items()),
    )


def _upstream_tls(tls: Any, trust: str) -> Iterable[str]:
    if tls.name:
        yield "proxy_ssl_server_name on;"
        yield directive("proxy_ssl_name", word(tls.name))
    yield directive("proxy_ssl_verify", "on" if tls.verify else "off")
    if tls.verify:
        yield "proxy_ssl_verify_depth 5;"
        yield directive("proxy_ssl_trusted_certificate", word(trust))


def _stripped(prefix: str) -> Iterable[str]:
    yield "set $conduit_rest ?;"
    yield from (rf"if ($uri ~* ^{prefix}/*(?<conduit_rest>[A-Za-z0-9_~./-]*)\z) {{", "}")
    clean = r"(?!(?:[^?]*/)?(?:\.|/))(?<conduit_rest>[^?]*)"
    yield from (rf"if ($request_uri ~* ^{prefix}(?:/+{clean})?(?:\?|\z)) {{", "}")
    yield from ("if ($conduit_rest = ?) {", "return 400;", "}")


def response_headers(spec: Any) -> Iterable[str]:
    """Yield what becomes of headers of an answer."""
    for name in sorted(spec.response_headers):
        yield directive("proxy_hide_header", word(name))
        value = spec.response_headers[name]
        if value is not None:
            yield directive("add_header", word(name), word(value), "always")
