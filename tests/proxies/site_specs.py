"""Specs of sites behind either proxy, for properties of the kinds route and vhost."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from conduit.kind import Context, Kind
from conduit.model import Key, Ref, Secret
from conduit.resources.route_spec import RouteSpec
from conduit.resources.vhost import VhostSpec
from conduit.settings import Settings
from tests.proxy_world import keyed, kind_of

HASH = "$2b$10$" + "abcdefghijklmnopqrstuv" + "0123456789012345678901234567890"
Some = st.SearchStrategy[Any]


def text(characters: st.SearchStrategy[str], least: int = 0) -> st.SearchStrategy[str]:
    return st.text(characters, min_size=least, max_size=30)


def labels(size: int = 8) -> st.SearchStrategy[str]:
    return st.from_regex(rf"[a-z]([a-z0-9-]{{0,{size}}}[a-z0-9])?", fullmatch=True)


def optional(**fields: Some) -> Some:
    return st.fixed_dictionaries({}, optional=fields)


ASCII = text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126, exclude_characters="{}"))
PLAIN = text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126, exclude_characters="{}$"), 1)
ANY = text(st.characters(min_codepoint=32, max_codepoint=500, categories=("L", "N", "P", "S", "Zs")))
MESSAGES = ANY.filter(lambda each: each.isprintable() and not {"{", "}"} & set(each))


class Proxy(NamedTuple):
    """One proxy: its kind, that kind's spec, and what text it takes as the value of a header and as a message.

    `hosts` are what the header Host may be set to.
    """

    name: str
    kind: Kind[Any]
    spec: type[RouteSpec]
    values: st.SearchStrategy[str]
    messages: st.SearchStrategy[str]
    hosts: tuple[dict[str, str], ...]

    @property
    def certificate(self) -> Ref:
        """A certificate that was issued for it."""
        pair = {"certificate": "/certs/wiki.1.2.pem", "key": "/certs/wiki.1.2.pem"}
        return Ref(Key("certificate", "wiki"), self.name, pair)

    def context(self, https: str = ":443", *features: str) -> Context:
        """What the kind may know of a site that listens there."""
        settings = Settings.model_validate({self.name: {"https": [https]}})
        return Context(settings, 0.0, features=frozenset(features), fingerprint=lambda each: keyed("fingerprint", each))


CADDY = Proxy("caddy", kind_of("route"), RouteSpec, ASCII.map(str.strip), ASCII, ({},))
NGINX = Proxy(
    "nginx",
    kind_of("vhost"),
    VhostSpec,
    PLAIN.map(str.strip).filter(bool),
    MESSAGES,
    ({}, {"Host": "inner.lan"}),
)

hosts = st.builds(lambda star, name: f"{star}{name}.lan", st.sampled_from(["", "*."]), labels())
times = st.builds(lambda n, unit: f"{n}{unit}", st.integers(1, 5000), st.sampled_from(["ms", "s", "m", "h", "d"]))
networks = st.sampled_from(["10.0.0.0/8", "192.168.1.1", "fd00::/8", "0.0.0.0/0", "203.0.113.0/24"])
names = st.from_regex(r"X-[A-Z][a-z]{0,8}", fullmatch=True)
passwords = st.one_of(st.just(HASH), st.builds(Secret, labels()))
statuses = st.one_of(st.integers(100, 599), st.sampled_from(["1xx", "2xx", "3xx", "4xx", "5xx"]))
upstreams = st.fixed_dictionaries(
    {"address": st.builds("{}:{}".format, st.sampled_from(["10.0.0.5", "[fd00::5]"]), st.integers(1, 65535))},
    optional={"weight": st.integers(1, 9)},
)
secured = st.sampled_from(
    [{"verify": False}, *({"name": name, "verify": on} for name in ("in.lan", "out.lan") for on in (True, False))]
)
redirects = st.builds(
    lambda to, status, keep: {"redirect": {"to": to, "status": status, "keep_path": keep}},
    st.sampled_from(["https://x.lan", "http://x.lan:8080/a", "/elsewhere"]),
    st.sampled_from([301, 302, 307, 308]),
    st.booleans(),
)
paths = st.one_of(
    st.just({}),
    st.builds(lambda name, strip: {"path": f"/{name}.a+b", "strip_prefix": strip}, labels(), st.booleans()),
)


def headers(proxy: Proxy) -> Some:
    return st.dictionaries(names, st.none() | proxy.values, max_size=3)


def guards(proxy: Proxy) -> Some:
    return optional(
        allow=st.lists(networks, min_size=1, max_size=3, unique=True),
        deny=st.lists(networks, max_size=3, unique=True),
        basic_auth=st.dictionaries(labels(), passwords, min_size=1, max_size=3),
        response_headers=headers(proxy),
    )


def proxied(proxy: Proxy) -> Some:
    return st.builds(
        lambda several, rest: {"upstreams": several} | rest,
        st.lists(upstreams, min_size=1, max_size=4),
        optional(
            websockets=st.booleans(),
            request_headers=st.builds(dict.__or__, headers(proxy), st.sampled_from(proxy.hosts)),
            max_body=st.builds("{}{}".format, st.integers(1, 9999), st.sampled_from(["B", "KB", "MiB", "GB"])),
            timeouts=optional(connect=times, read=times, write=times),
            upstream_tls=secured,
            health=optional(path=st.sampled_from(["/", "/ok?deep=1"]), interval=times, timeout=times, status=statuses),
        ),
    )


def down(proxy: Proxy) -> Some:
    waits = st.integers(1, 10**6 - 1)
    words = st.builds(lambda each, n: {"message": each, "retry_after": f"{n}s"}, proxy.messages, waits)
    return st.one_of(st.just({"maintenance": True}), st.builds(lambda each: {"maintenance": each}, words))


def specs(proxy: Proxy) -> st.SearchStrategy[RouteSpec]:
    """Valid specs with any of their fields."""

    def made(hosts: list[str], answer: Any, place: Any, guard: Any, transport: Any) -> RouteSpec:
        if "upstreams" not in answer:
            place = {"path": place.get("path", "/")}
        return proxy.spec.model_validate({"names": hosts} | answer | place | guard | transport)

    answers = st.one_of(proxied(proxy), redirects, down(proxy))
    secure = st.builds(lambda on: {"certificate": proxy.certificate, "https_redirect": on}, st.booleans())
    transports = st.one_of(st.just({"tls": False}), secure)
    names = st.lists(hosts, min_size=1, max_size=5, unique=True)
    return st.builds(made, names, answers, paths, guards(proxy), transports)


SPECS = {proxy.name: specs(proxy) for proxy in (CADDY, NGINX)}
