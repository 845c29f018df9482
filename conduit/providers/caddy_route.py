"""A route in Caddy's own words: the fields of a route to JSON handlers and back. Pure.

Requests pass the handlers in this order: allow and deny, basic auth, body limit, headers, prefix, then the answer.
`build` and `fields` are each other's inverse; nothing here knows marks. Sources: Caddy's JSON reference, and
measurements on 2.6.2 and 2.11.7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from conduit import measures
from conduit.fields import duration_text, size_text
from conduit.model import Native
from conduit.providers.accounts import Password
from conduit.providers.caddy_upstreams import proxy, read_chosen, read_proxy, shares
from conduit.providers.maintenance_page import CONTENT_TYPE, message_of, page

HOSTS_PER_MATCHER = 100
"""Above this Caddy searches hosts another way, which before 2.11.1 minded upper and lower case (CVE-2026-27588)."""

_URI = "{http.request.uri}"


class Dialect(Struct, frozen=True):
    """What a route's form depends on besides its spec: what this Caddy knows, and the port HTTPS is served on."""

    shared: bool = False
    stream_close_delay: bool = False
    https_port: int = 443

    @classmethod
    def of(cls, native: Native) -> Dialect:
        """Return the dialect a native form is written in."""
        handlers = [h for part in ("https", "http") for h in native.get(part, {}).get("handle", [])]
        delayed = any("stream_close_delay" in handler for handler in handlers)
        location = handlers[-1].get("headers", {}).get("Location", [""])[0] if "https" in native else ""
        port = location.removeprefix("https://{http.request.host}").removesuffix(_URI).removeprefix(":")
        return cls(shares({"handle": handlers}), delayed, int(port) if port.isdigit() else 443)


def build(spec: Any, dialect: Dialect, password: Password) -> Native:
    """Return the native form of a route spec: the fragments `https` and `certificate`, `http`, or all three."""
    match = _match(spec.names, spec.path)
    main = {"match": match, "handle": _handlers(spec, dialect, password), "terminal": True}
    if not spec.tls:
        return {"http": main}
    native = {"https": main, "certificate": {"name": spec.certificate.key.name, "files": spec.certificate.value}}
    if spec.https_redirect:
        port = "" if dialect.https_port == 443 else f":{dialect.https_port}"
        answer = _redirect("https://{http.request.host}" + port + _URI, 308)
        native["http"] = {"match": match, "handle": [answer], "terminal": True}
    return native


def fields(native: Native) -> dict[str, Any]:
    """Return the route fields a native form seems to say, the certificate aside.

    It may say more: build it again and compare. Raises KeyError, IndexError, TypeError, AttributeError or ValueError
    when it has another shape.
    """
    main = native["https"] if "https" in native else native["http"]
    found = names_and_path(main) | {"tls": "https" in native}
    if found["tls"]:
        found["https_redirect"] = "http" in native
    for handler in main["handle"]:
        found |= _READERS[handler["handler"]](handler)
    return found


def names_and_path(route: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names and the path prefix of a Caddy route; errors as in `fields`."""
    hosts = [host for matcher in route["match"] for host in matcher["host"]]
    return {"names": hosts, "path": route["match"][0].get("path", ["/"])[0]}


def accounts(native: Native) -> dict[str, Any]:
    """Return the passwords of a native form by user; empty when it has another shape."""
    try:
        return fields(native).get("basic_auth") or {}
    except (LookupError, TypeError, AttributeError, ValueError):
        return {}


def _match(hosts: tuple[str, ...], path: str) -> list[dict[str, Any]]:
    paths = {} if path == "/" else {"path": [path, f"{path}/*"]}
    parts = range(0, len(hosts), HOSTS_PER_MATCHER)
    return [{"host": list(hosts[start : start + HOSTS_PER_MATCHER]), **paths} for start in parts]


def _handlers(spec: Any, dialect: Dialect, password: Password) -> list[dict[str, Any]]:
    chain = []
    if spec.deny or spec.allow:
        chain.append(_guard(spec.allow, spec.deny))
    if spec.basic_auth:
        chain.append(_authentication(spec.basic_auth, password))
    if spec.max_body:
        chain.append({"handler": "request_body", "max_size": measures.size(spec.max_body)})
    if spec.request_headers or spec.response_headers:
        chain.append(_headers(spec.request_headers, spec.response_headers))
    if spec.strip_prefix:
        chain.append({"handler": "rewrite", "strip_path_prefix": spec.path})
    return [*chain, *_answer(spec, dialect)]


def _guard(allow: tuple[str, ...] | None, deny: tuple[str, ...]) -> dict[str, Any]:
    denied = [{"handler": "static_response", "status_code": 403}]
    routes = []
    if deny:
        routes.append({"match": [{"remote_ip": {"ranges": list(deny)}}], "handle": denied, "terminal": True})
    if allow:
        outside = {"not": [{"remote_ip": {"ranges": list(allow)}}]}
        routes.append({"match": [outside], "handle": denied, "terminal": True})
    return {"handler": "subroute", "routes": routes}


def _read_guard(handler: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for route in handler["routes"]:
        matcher = route["match"][0]
        if "not" in matcher:
            found["allow"] = matcher["not"][0]["remote_ip"]["ranges"]
        else:
            found["deny"] = matcher["remote_ip"]["ranges"]
    return found


def _authentication(users: Mapping[str, Any], password: Password) -> dict[str, Any]:
    listed = [{"username": user, "password": password(user, users[user])} for user in sorted(users)]
    return {"handler": "authentication", "providers": {"http_basic": {"accounts": listed, "hash_cache": {}}}}


def _read_authentication(handler: dict[str, Any]) -> dict[str, Any]:
    listed = handler["providers"]["http_basic"]["accounts"]
    return {"basic_auth": {account["username"]: account["password"] for account in listed}}


def _headers(request: Mapping[str, str | None], response: Mapping[str, str | None]) -> dict[str, Any]:
    handler: dict[str, Any] = {"handler": "headers"}
    if request:
        handler["request"] = _header_changes(request)
    if response:
        handler["response"] = _header_changes(response) | {"deferred": True}
    return handler


def _header_changes(headers: Mapping[str, str | None]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    put = {name: [value] for name, value in headers.items() if value is not None}
    if put:
        changes["set"] = put
    if len(put) < len(headers):
        changes["delete"] = sorted(name for name, value in headers.items() if value is None)
    return changes


def _read_headers(handler: dict[str, Any]) -> dict[str, Any]:
    def read(changes: dict[str, Any]) -> dict[str, Any]:
        put = {name: values[0] for name, values in changes.get("set", {}).items()}
        return put | dict.fromkeys(changes.get("delete", []))

    return {f"{side}_headers": read(handler[side]) for side in ("request", "response") if side in handler}


def _answer(spec: Any, dialect: Dialect) -> list[dict[str, Any]]:
    if spec.redirect:
        return [_redirect(spec.redirect.to + (_URI if spec.redirect.keep_path else ""), spec.redirect.status)]
    if spec.maintenance:
        return [_closed(spec.maintenance)]
    return proxy(spec, shared=dialect.shared, delay=dialect.stream_close_delay)


def _closed(maintenance: Any) -> dict[str, Any]:
    return {
        "handler": "static_response",
        "status_code": 503,
        "headers": {
            "Cache-Control": ["no-store"],
            "Content-Type": [CONTENT_TYPE],
            "Retry-After": [str(round(measures.duration(maintenance.retry_after)))],
        },
        "body": page(maintenance.message) + "\n",
    }


def _redirect(location: str, status: int) -> dict[str, Any]:
    return {"handler": "static_response", "status_code": status, "headers": {"Location": [location]}}


def _read_answer(handler: dict[str, Any]) -> dict[str, Any]:
    if handler["status_code"] == 503:
        seconds = int(handler["headers"]["Retry-After"][0])
        message = message_of(handler["body"].removesuffix("\n"))
        return {"maintenance": {"message": message, "retry_after": duration_text(1000 * seconds)}}
    location = handler["headers"]["Location"][0]
    target = {"to": location.removesuffix(_URI), "keep_path": location.endswith(_URI)}
    return {"redirect": target | {"status": handler["status_code"]}}


_READERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "subroute": _read_guard,
    "authentication": _read_authentication,
    "request_body": lambda handler: {"max_body": size_text(handler["max_size"])},
    "headers": _read_headers,
    "rewrite": lambda handler: {"strip_prefix": True},
    "reverse_proxy": read_proxy,
    "vars": read_chosen,
    "invoke": lambda handler: {},
    "static_response": _read_answer,
}
