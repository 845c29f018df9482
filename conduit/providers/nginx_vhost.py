"""A vhost in nginx's own words: the fields of a vhost to directives. Pure.

The native form of a vhost is a mapping. `names` are its host names in order; `upstream` is the group of its upstreams;
`https` and `http` are what its servers of that sort hold: the location, or the redirect to HTTPS; `certificate` names
the files `https` needs, `users` the passwords. Directives are lists of lines; `self.conduit` stands for the name nginx
knows the vhost by.

`build` and the `fields` of `conduit.providers.nginx_vhost_fields` are each other's inverse; nothing here knows marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from conduit import measures
from conduit.model import Native
from conduit.patterns import pattern
from conduit.providers.accounts import Password
from conduit.providers.maintenance_page import CONTENT_TYPE, page
from conduit.providers.nginx_text import directive, path_pattern, word, words_of
from conduit.providers.nginx_upstreams import SELF, TRUST, group, needs_group, proxied, response_headers

PARTS: Final = ("https", "http")
REALM: Final = "restricted"
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
    if needs_group(spec):
        native["upstream"] = list(group(spec))
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


def _location(path: str) -> str:
    """Caddy matches a prefix up to a slash and without regard to case; so does this."""
    words = ("/",) if path == "/" else ("~*", rf"^{path_pattern(path)}(?:/|\z)")
    return directive("location", *words, opens=True)


def _to_https(port: int) -> str:
    return directive("return", "308", f"https://$host{'' if port == 443 else f':{port}'}$request_uri")


def _guarded(spec: Any, dialect: Dialect) -> Iterable[str]:
    """Yield what is in the location: who may come in, then the answer."""
    guards = list(_guards(spec))
    yield from guards
    if spec.upstreams:
        yield from proxied(spec, dialect.trust)
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
    yield from response_headers(spec)
    if spec.redirect:
        target = word(spec.redirect.to) if not spec.redirect.keep_path else f"{spec.redirect.to}$request_uri"
        yield directive("return", str(spec.redirect.status), target)
    else:
        text = page(spec.maintenance.message).replace("$", "&#36;").replace("\\", "&#92;")
        yield directive("return", "503", word(text))
