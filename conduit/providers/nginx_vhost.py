r"""A vhost in nginx's own words: the fields of a vhost to directives. Pure.

The native form of a vhost is a mapping. `names` are its host names in order; `upstream` is the group of its upstreams;
`https` and `http` are what its servers of that sort hold: the location, or the redirect to HTTPS; `certificate` names
the files `https` needs, `users` the passwords. Directives are lists of lines; `self.conduit` stands for the name nginx
knows the vhost by. A single upstream without a check needs no group: nginx finds groups by looking at all of them.

`build` and the `fields` of `conduit.providers.nginx_vhost_fields` are each other's inverse; nothing here knows marks.
Times that are nobody's wish are written in units no wish is brought to (`24h`, `3000ms`), so that both can be told
apart. nginx matches locations against the decoded and normalized path; `$conduit_rest` is what follows a stripped
prefix in the path as it was sent, or, where that is spelled oddly (`//`, `..`, `%61`), in the normalized one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import ceil
from typing import Any, Final

from msgspec import Struct

from conduit import measures
from conduit.model import Native
from conduit.patterns import pattern
from conduit.providers.accounts import Password
from conduit.providers.maintenance_page import CONTENT_TYPE, page
from conduit.providers.nginx_text import directive, word, words_of

SELF: Final = "self.conduit"
PARTS: Final = ("https", "http")
REALM: Final = "restricted"
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
_PREFIX: Final = pattern(r"\^(.+)\(\?:/\|\\z\)")


class Dialect(Struct, frozen=True):
    """What a vhost's form depends on besides its spec: the port of HTTPS, and the file of authorities to go by."""

    https_port: int = 443
    trust: str = TRUST

    @classmethod
    def of(cls, native: Native) -> Dialect:
        """Return the dialect a native form is written in."""
        lines = native.get("https", native.get("http", ()))
        found = [words_of(line) for line in lines if line.startswith("proxy_ssl_trusted_certificate ")]
        return cls(_port_of(native), found[0][1] if found else TRUST)


def build(spec: Any, dialect: Dialect, password: Password) -> Native:
    """Return the native form of a vhost spec. Raises ValueError for text nginx would read as more than text."""
    native: dict[str, Any] = {"names": sorted(spec.names)}
    if _needs_group(spec):
        native["upstream"] = list(_upstream(spec))
    main = [_location(spec.path), *_guarded(spec, dialect), "}", *_answer_apart(spec)]
    if spec.tls:
        native |= {"https": main, "certificate": {"name": spec.certificate.key.name, "files": spec.certificate.value}}
        if spec.https_redirect:
            native["http"] = [_location(spec.path), _to_https(dialect.https_port), "}"]
    else:
        native["http"] = main
    if spec.basic_auth:
        native["users"] = {user: password(user, spec.basic_auth[user]) for user in sorted(spec.basic_auth)}
    return native


def _port_of(native: Native) -> int:
    """Return the port of HTTPS that a native form redirects to; 443 when it does not."""
    lines = native.get("http", ()) if "https" in native else ()
    found = [re.fullmatch(r"return 308 https://\$host:([0-9]{1,5})\$request_uri;", line) for line in lines]
    return next((int(match[1]) for match in found if match), 443)


def path_of(native: Native) -> str:
    """Return the path prefix of a native form. Raises LookupError or ValueError when it has none."""
    words = words_of(native["https" if "https" in native else "http"][0])
    if words == ("location", "/", "{"):
        return "/"
    found = _PREFIX.fullmatch(words[2])
    if found is None:
        raise ValueError(f"{words[2]} is not a path of ours")
    return re.sub(r"\\(.)", r"\1", found[1])


def _pattern(path: str) -> str:
    """Return a path as a regular expression; only `.` and `+` of the characters it may have mean something there."""
    return re.sub(r"([.+])", r"\\\1", path)


def _location(path: str) -> str:
    """Caddy matches a prefix up to a slash and without regard to case; so does this."""
    words = ("/",) if path == "/" else ("~*", rf"^{_pattern(path)}(?:/|\z)")
    return directive("location", *words, opens=True)


def _to_https(port: int) -> str:
    return directive("return", "308", f"https://$host{'' if port == 443 else f':{port}'}$request_uri")


def _needs_group(spec: Any) -> bool:
    return len(spec.upstreams) > 1 or bool(spec.health) or any(upstream.weight != 1 for upstream in spec.upstreams)


def _upstream(spec: Any) -> Iterable[str]:
    """Yield the group of upstreams. Several share their state among workers; none is left out without a check."""
    yield directive("upstream", SELF, opens=True)
    if spec.health:
        health = spec.health
        yield (f"# health {health.path} every {health.interval} within {health.timeout} expects {health.status}")
    if len(spec.upstreams) > 1:
        yield directive("zone", SELF, "64k")
    failing = ["max_fails=0"]
    if spec.health:
        failing = ["max_fails=1", f"fail_timeout={ceil(measures.duration(spec.health.interval))}s"]
    for upstream in spec.upstreams:
        yield directive("server", word(upstream.dial), f"weight={upstream.weight}", *failing)
    yield "}"


def _guarded(spec: Any, dialect: Dialect) -> Iterable[str]:
    """Yield what is in the location: who may come in, then the answer."""
    guards = list(_guards(spec))
    yield from guards
    if spec.upstreams:
        yield from _proxy(spec, dialect)
    elif guards:
        yield "root /dev/null;"
        yield directive("try_files", "/none", f"@{SELF}")
    else:
        yield from _answer(spec)


def _answer_apart(spec: Any) -> Iterable[str]:
    """Yield the location of an answer behind guards: nginx returns before it asks who may come in, else."""
    if not spec.upstreams and any(_guards(spec)):
        yield directive("location", f"@{SELF}", opens=True)
        yield from _answer(spec)
        yield "}"


def _guards(spec: Any) -> Iterable[str]:
    for network in spec.deny:
        yield directive("deny", word(network))
    if spec.allow:
        for network in spec.allow:
            yield directive("allow", word(network))
        yield "deny all;"
    if spec.basic_auth:
        yield directive("auth_basic", REALM)


def _answer(spec: Any) -> Iterable[str]:
    """Yield a redirect or the maintenance page."""
    own = {name.lower() for name in spec.response_headers}
    if spec.redirect:
        yield "absolute_redirect off;"
    else:
        seconds = round(measures.duration(spec.maintenance.retry_after))
        yield directive("default_type", word(CONTENT_TYPE))
        if "cache-control" not in own:
            yield "add_header Cache-Control no-store always;"
        yield directive("add_header", "Retry-After", str(seconds), "always")
    yield from _response_headers(spec)
    if spec.redirect:
        target = word(spec.redirect.to) if not spec.redirect.keep_path else f"{spec.redirect.to}$request_uri"
        yield directive("return", str(spec.redirect.status), target)
    else:
        text = page(spec.maintenance.message).replace("$", "&#36;").replace("\\", "&#92;")
        yield directive("return", "503", word(text))


def _proxy(spec: Any, dialect: Dialect) -> Iterable[str]:
    yield directive("client_max_body_size", str(measures.size(spec.max_body) if spec.max_body else 0))
    yield from _PROXY
    for name, directive_name in DIRECTIVES.items():
        wish = getattr(spec.timeouts, name) if spec.timeouts else None
        yield directive(directive_name, wish or TIMEOUTS[name])
    if len(spec.upstreams) == 1:
        yield "proxy_next_upstream off;"
    else:
        yield directive("proxy_next_upstream", *(_FAILED if spec.health else _FAILED[:2]))
    host = spec.request_headers.get("Host")
    for name, value in (STANDARD | ({"Host": word(host)} if host else {})).items():
        yield directive("proxy_set_header", name, value)
    upgrade = ("$conduit_connection", "$http_upgrade") if spec.websockets else ("close", '""')
    yield from (directive("proxy_set_header", *each) for each in zip(("Connection", "Upgrade"), upgrade, strict=True))
    for name in sorted(spec.request_headers.keys() - {"Host"}):
        yield directive("proxy_set_header", word(name), word(spec.request_headers[name] or ""))
    yield _VIA
    yield from _response_headers(spec)
    if spec.strip_prefix:
        yield from _stripped(_pattern(spec.path))
    if spec.upstream_tls:
        yield from _upstream_tls(spec.upstream_tls, dialect)
    scheme = "https" if spec.upstream_tls else "http"
    target = f"{scheme}://{SELF if _needs_group(spec) else word(spec.upstreams[0].dial)}"
    yield directive("proxy_pass", target + (REST if spec.strip_prefix else ""))


def _upstream_tls(tls: Any, dialect: Dialect) -> Iterable[str]:
    if tls.name:
        yield "proxy_ssl_server_name on;"
        yield directive("proxy_ssl_name", word(tls.name))
    yield directive("proxy_ssl_verify", "on" if tls.verify else "off")
    if tls.verify:
        yield "proxy_ssl_verify_depth 5;"
        yield directive("proxy_ssl_trusted_certificate", word(dialect.trust))


def _stripped(prefix: str) -> Iterable[str]:
    yield "set $conduit_rest ?;"
    yield from (rf"if ($uri ~* ^{prefix}/*(?<conduit_rest>[A-Za-z0-9_~./-]*)\z) {{", "}")
    clean = r"(?!(?:[^?]*/)?(?:\.|/))(?<conduit_rest>[^?]*)"
    yield from (rf"if ($request_uri ~* ^{prefix}(?:/+{clean})?(?:\?|\z)) {{", "}")
    yield from ("if ($conduit_rest = ?) {", "return 400;", "}")


def _response_headers(spec: Any) -> Iterable[str]:
    for name in sorted(spec.response_headers):
        yield directive("proxy_hide_header", word(name))
        value = spec.response_headers[name]
        if value is not None:
            yield directive("add_header", word(name), word(value), "always")
