"""The fields of a vhost read back from nginx's own words: the inverse of `conduit.providers.nginx_vhost`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from conduit.fields import duration_text, size_text
from conduit.model import Native
from conduit.patterns import pattern
from conduit.providers.maintenance_page import message_of
from conduit.providers.nginx_text import words_of
from conduit.providers.nginx_upstreams import DIRECTIVES, REST, SELF, STANDARD, TIMEOUTS
from conduit.providers.nginx_vhost import path_of

_HEALTH: Final = pattern(r"# health (\S+) every (\S+) within (\S+) expects (\S+)")


def fields(native: Native) -> dict[str, Any]:
    """Return the vhost fields a native form seems to say, the certificate and the passwords aside.

    It may say more: build it again and compare. Raises LookupError, TypeError, AttributeError or ValueError when it
    has another shape.
    """
    found: dict[str, Any] = {"names": native["names"], "path": path_of(native), "tls": "https" in native}
    if found["tls"]:
        found["https_redirect"] = "http" in native
    found |= _read_upstream(native["upstream"]) if "upstream" in native else {}
    for line in native["https" if found["tls"] else "http"]:
        words = words_of(line)
        if words and words[0] in _READERS:
            _READERS[words[0]](words[1:-1], found)
    for name in ("request_headers", "response_headers", "timeouts"):
        found[name] = {key: value for key, value in found.get(name, {}).items() if value is not _OURS}
    return found


def _read_upstream(lines: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"upstreams": []}
    for line in lines:
        words = words_of(line)
        if words[:1] == ("server",):
            found["upstreams"].append({"address": words[1], "weight": int(words[2].removeprefix("weight="))})
        elif match := _HEALTH.fullmatch(line):
            status = match[4]
            expected = status if status.endswith("xx") else int(status)
            found["health"] = {"path": match[1], "interval": match[2], "timeout": match[3], "status": expected}
    return found


_OURS: Final = object()
"""A value that is in nginx, but nobody's wish."""


def _read_address(field: str) -> Callable[[tuple[str, ...], dict[str, Any]], None]:
    def read(words: tuple[str, ...], found: dict[str, Any]) -> None:
        if words != ("all",):
            found.setdefault(field, []).append(words[0])

    return read


def _read_timeout(name: str) -> Callable[[tuple[str, ...], dict[str, Any]], None]:
    def read(words: tuple[str, ...], found: dict[str, Any]) -> None:
        found.setdefault("timeouts", {})[name] = _OURS if words[0] == TIMEOUTS[name] else words[0]

    return read


def _read_size(words: tuple[str, ...], found: dict[str, Any]) -> None:
    if words[0] != "0":
        found["max_body"] = size_text(int(words[0]))


def _read_request_header(words: tuple[str, ...], found: dict[str, Any]) -> None:
    name, value = words
    if name == "Upgrade":
        found["websockets"] = value != ""
    elif name != "Connection":
        ours = STANDARD.get(name) == value
        found.setdefault("request_headers", {})[name] = _OURS if ours else value or None


def _read_hidden(words: tuple[str, ...], found: dict[str, Any]) -> None:
    found.setdefault("response_headers", {})[words[0]] = None


def _read_added(words: tuple[str, ...], found: dict[str, Any]) -> None:
    headers: Mapping[str, Any] = found.get("response_headers", {})
    if words[0] in headers:
        found["response_headers"][words[0]] = words[1]
    elif words[0] == "Retry-After":
        found["maintenance"] = {"retry_after": duration_text(1000 * int(words[1]))}


def _read_return(words: tuple[str, ...], found: dict[str, Any]) -> None:
    if words[0] == "503":
        found["maintenance"]["message"] = message_of(words[1])
    elif words[0] != "400":
        target, keep = words[1].removesuffix("$request_uri"), words[1].endswith("$request_uri")
        found["redirect"] = {"to": target, "status": int(words[0]), "keep_path": keep}


def _read_target(words: tuple[str, ...], found: dict[str, Any]) -> None:
    address = words[0].partition("://")[2].removesuffix(REST)
    if address != SELF:
        found["upstreams"] = [{"address": address}]


def _read_upstream_name(words: tuple[str, ...], found: dict[str, Any]) -> None:
    found.setdefault("upstream_tls", {})["name"] = words[0]


def _read_verify(words: tuple[str, ...], found: dict[str, Any]) -> None:
    found.setdefault("upstream_tls", {})["verify"] = words[0] == "on"


def _read_rest(words: tuple[str, ...], found: dict[str, Any]) -> None:
    found["strip_prefix"] = words[0] == "$conduit_rest"


_READERS: Final[Mapping[str, Callable[[tuple[str, ...], dict[str, Any]], None]]] = {
    "deny": _read_address("deny"),
    "allow": _read_address("allow"),
    "client_max_body_size": _read_size,
    "proxy_set_header": _read_request_header,
    "proxy_hide_header": _read_hidden,
    "add_header": _read_added,
    "return": _read_return,
    "set": _read_rest,
    "proxy_pass": _read_target,
    "proxy_ssl_name": _read_upstream_name,
    "proxy_ssl_verify": _read_verify,
    **{directive_name: _read_timeout(name) for name, directive_name in DIRECTIVES.items()},
}
