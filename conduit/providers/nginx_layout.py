r"""How the blocks of our file stand in nginx's servers, and the frame around them. Pure.

nginx knows one server for each name and listener, and several vhosts may share a name: each holds a part of that
server. So servers follow from the blocks. Names with the very same vhosts share a server; in it longer paths come
first, then the vhosts of the wildcard that covers the name, as Caddy would try them. nginx's own wildcards cover any
depth, so `*.a.lan` is written as the regular expression for one label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from conduit.model import Native
from conduit.patterns import pattern
from conduit.providers.nginx_text import directive, word
from conduit.providers.nginx_vhost import PARTS, path_of

_LABEL: Final = "^[^.]+"
_WILDCARD: Final = pattern(r"~\^\[\^\.\]\+\\\.(.+)\\z")
_SMALLEST_TABLE: Final = 1024


class Part(NamedTuple):
    """A vhost's place in a server; `also` when the server's names are covered by a wildcard of it."""

    name: str
    part: str
    also: bool = False


class Server(Struct, frozen=True):
    """One server: its own lines, and the vhosts whose parts follow them, in order."""

    lines: tuple[str, ...]
    parts: tuple[Part, ...]


class Shape(Struct, frozen=True):
    """What the settings say about the file: listeners, the marker's address, and what else each server does."""

    http: tuple[str, ...]
    https: tuple[str, ...]
    marker: str
    catch_all: bool = True
    challenges: str = ""
    access_log: str = ""
    backlog: int | None = None

    def frame(self, blocks: Mapping[str, Native]) -> list[str]:
        """Return the lines before the first server of a vhost."""
        secure = any("https" in native for native in blocks.values())
        lines = [*_hash_sizes(blocks), _LOG, *_MAPS, *_marker(self.marker)]
        if self.catch_all:
            lines += self._catch_all("http", ("return 404;",))
            lines += self._catch_all("https", ("ssl_reject_handshake on;", "return 404;")) if secure else ()
        return lines

    def _catch_all(self, part: str, answer: Iterable[str]) -> list[str]:
        options = "default_server" if self.backlog is None else f"default_server backlog={self.backlog}"
        listens = [f"{line[:-1]} {options};" for line in self._listens(part)]
        challenge = _challenge(self.challenges) if part == "http" else ()
        inner = (
            [*listens, "server_name _;", *answer]
            if not challenge
            else [*listens, "server_name _;", *challenge, "location / {", *answer, "}"]
        )
        return ["server {", *inner, "}"]

    def servers(self, blocks: Mapping[str, Native]) -> list[Server]:
        """Return the servers of all blocks, by name."""
        return [server for part in PARTS for server in self._servers(part, blocks)]

    def _servers(self, part: str, blocks: Mapping[str, Native]) -> Iterable[Server]:
        owners: dict[str, list[str]] = {}
        for name, native in blocks.items():
            if part in native:
                for host in native["names"]:
                    owners.setdefault(host, []).append(name)
        paths = {name: _reach(blocks[name]) for names in owners.values() if len(names) > 1 for name in names}
        groups: dict[tuple[Part, ...], list[str]] = {}
        for host in sorted(owners):
            groups.setdefault(_parts(part, host, owners, blocks, paths), []).append(host)
        listens, also = self._listens(part), self._in_each(part)
        for parts, hosts in groups.items():
            open_end = () if _reach(blocks[parts[-1].name]) == "/" else ("location / {", "return 404;", "}")
            name = directive("server_name", *map(_server_name, hosts))
            yield Server((*listens, name, *also, *open_end), parts)

    def _in_each(self, part: str) -> list[str]:
        """Return what each server of a part has beside its names and vhosts."""
        log = [directive("access_log", word(self.access_log), "conduit")] if self.access_log else []
        return [*log, *(_challenge(self.challenges) if part == "http" else ())]

    def _listens(self, part: str) -> list[str]:
        if part == "https":
            return [directive("listen", address, "ssl", "http2") for address in _addresses(self.https)]
        return [directive("listen", address) for address in _addresses(self.http)]


class Asked(Struct, frozen=True):
    """Blocks, and the servers they ask for."""

    blocks: Mapping[str, Native]
    servers: list[Server]

    def again(self, blocks: Mapping[str, Native], shape: Shape) -> Asked:
        """Return what other blocks ask for of the same shape: the same servers when each asks for what it did."""
        before = self.blocks
        same = blocks.keys() == before.keys() and all(_alike(block, before[name]) for name, block in blocks.items())
        return Asked(blocks, self.servers if same else shape.servers(blocks))


ASKED_NOTHING: Final = Asked({}, [])


def _alike(native: Native, other: Native) -> bool:
    return native is other or _standing(native) == _standing(other)


def _standing(native: Native) -> tuple[object, ...]:
    """Return all of a block that its servers follow from."""
    return native["names"], _reach(native), *(part in native for part in PARTS)


def _addresses(listeners: Iterable[str]) -> Iterable[str]:
    """Yield listeners as nginx writes them: every address means those of both families."""
    for listener in listeners:
        port = listener.removeprefix(":")
        yield from (port, f"[::]:{port}") if port != listener else (listener,)


def _parts(
    part: str,
    host: str,
    owners: Mapping[str, list[str]],
    blocks: Mapping[str, Native],
    paths: Mapping[str, str],
) -> tuple[Part, ...]:
    """Return who answers for a host, most specific first; nothing comes behind a vhost for every path."""
    own = owners[host]
    if len(own) > 1:
        own = sorted(own, key=lambda name: (-len(paths[name]), name))
    parts = [Part(name, part) for name in own]
    wildcard = f"*.{host.partition('.')[2]}"
    if host[:2] != "*." and wildcard in owners and _reach(blocks[own[-1]]) != "/":
        taken = {_reach(blocks[name]).lower() for name in own}
        behind = sorted(owners[wildcard], key=lambda name: (-len(_reach(blocks[name])), name))
        parts += [Part(name, part, True) for name in behind if _reach(blocks[name]).lower() not in taken]
    return tuple(parts)


def _reach(native: Native) -> str:
    """Return the path of a block; of one that was changed beyond reading it, the one that is tried last."""
    try:
        return path_of(native)
    except (LookupError, ValueError):
        return ""


def _server_name(host: str) -> str:
    if host.startswith("*."):
        return "~" + _LABEL + host[1:].replace(".", r"\.") + r"\z"
    return word(host)


def host_of(server_name: str) -> str:
    """Return the host a word of `server_name` stands for."""
    wildcard = server_name.startswith("~") and _WILDCARD.fullmatch(server_name)
    return f"*.{wildcard[1].replace(chr(92), '')}" if wildcard else server_name


def _hash_sizes(blocks: Mapping[str, Native]) -> Iterable[str]:
    """nginx puts all names into a hash table: room for twice their number, buckets for two of the longest."""
    hosts = [host for native in blocks.values() for host in native["names"]]
    size = max(_SMALLEST_TABLE, 1 << (2 * len(hosts)).bit_length())
    longest = max(map(len, hosts), default=0)
    bucket = next(room for room in (64, 128, 256, 512, 1024) if room >= 2 * (longest + 16))
    return directive("server_names_hash_max_size", str(size)), directive("server_names_hash_bucket_size", str(bucket))


_LOG: Final = (
    "log_format conduit escape=json '{"
    '"time":"$time_iso8601","client":"$remote_addr","host":"$host","request":"$request","status":$status,'
    '"bytes":$body_bytes_sent,"seconds":$request_time,"upstream":"$upstream_addr"'
    "}';"
)
_MAPS: Final = (
    "map $http_upgrade $conduit_connection {",
    "default upgrade;",
    '"" close;',
    "}",
    "map $upstream_header_time $conduit_via {",
    'default "";',
    r'"~[0-9]\z" "1.1 nginx";',
    "}",
)
"""Whether a connection is to be upgraded or closed by the upstream, and whether it was an upstream that answered.

nginx keeps no connection to an upstream without a group. If it closed them itself, each would hold a port of this host
for a minute (TIME-WAIT, RFC 9293 section 3.6): at 500 requests a second to one upstream there would be none left.
"""


def _marker(address: str) -> Iterable[str]:
    yield from ("server {", directive("listen", word(address)), "server_name conduit;", "access_log off;")
    yield from ("location = /generation {", "default_type text/plain;", "return 200 $conduit_generation;", "}")
    yield from ("location / {", "return 404;", "}", "}")


def _challenge(directory: str) -> Iterable[str]:
    """Return what answers the challenges of ACME (RFC 8555 section 8.3), whatever else a server does."""
    if not directory:
        return ()
    return ("location ^~ /.well-known/acme-challenge/ {", directive("root", word(directory)), "}")
