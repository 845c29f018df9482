"""Putting Caddy's configuration together: what is not ours as it was, what is ours rebuilt. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property, partial
from itertools import chain
from operator import attrgetter
from typing import Any

from msgspec import Struct, json

from conduit.errors import Code
from conduit.model import Key, Native
from conduit.providers.caddy_certificates import CERTIFICATE, LOAD_FILES, entry_mark, entry_of, link_of
from conduit.providers.caddy_document import SERVERS, Blocks, Content, Keyring, Marked, bare, split
from conduit.providers.caddy_fragments import Fragment, Known, by_route, precedence, reach
from conduit.providers.caddy_marks import FALLBACK, FRAME_KEY, NO_LINK, Mark, fallback_mark, read_mark, write_mark
from conduit.providers.caddy_paths import listing, mapping, servers_of
from conduit.providers.caddy_stage import UNWRITABLE, Stager, refused

NAME_TAKEN = Code(
    "CND-0601",
    "a Caddy server with conduit's name is not conduit's",
    "conduit serves its routes from two servers in Caddy named conduit_http and conduit_https. One of them exists, but "
    "carries neither this site's mark nor any route of it, so it belongs to somebody else, perhaps to a second site on "
    "the same Caddy. Rename that server, or give this site a Caddy of its own.",
)


AT_ONCE = 256
"""How many routes pass through JSON together: their second form is gone before the next ones need its memory."""


class Document(Struct, frozen=True, dict=True):
    """A whole configuration ready to be sent; `body` is `config` as JSON, `blocks` are ours in it.

    `read_back` tells what it holds, `opens` are the listeners it needs that Caddy does not have yet. Names are sorted
    in `body`, so that Caddy mostly tells it back byte for byte.
    """

    config: dict[str, Any]
    body: bytes
    blocks: Mapping[Key, Native]
    read_back: Callable[[], Content]
    opens: tuple[str, ...] = ()

    @cached_property
    def content(self) -> Content:
        """What it holds, found to be what was wanted; takes its time with many routes. Raises `Refused`."""
        return self.read_back()


class Composer(Struct, frozen=True):
    """Builds documents for one site: its keys, its stored secrets, its admin address and its frame."""

    keys: Keyring
    secret: Callable[[str], str]
    admin: str
    frame: Callable[[Mapping[Key, Native]], Native]

    def compose(
        self, config: Any, content: Content, blocks: Mapping[Key, Native], protected: Collection[Key]
    ) -> Document:
        """Return the document of `blocks` laid over a configuration. Raises `Refused`.

        What stays as it is in Caddy is taken over as it was read. What is new passes through JSON here, so that the
        configuration holds nothing that reading it back could tell differently.
        """
        kept = self._kept(content, blocks, protected)
        stager = Stager(self.keys, self.secret)
        staged = {key: stager.stage(key, native) for key, native in blocks.items() if key not in kept}
        fresh = self._fresh(staged, protected)
        routes = {part: _ordered(part, kept, fresh[part]) for part in SERVERS}
        frame = self.frame(blocks) or {}
        new = staged.keys() - content.blocks.keys() if any(content.strangers.values()) else ()
        taken_over = {_extent(route) for key in new for route in _routes_of(staged[key])}
        servers = _servers(config, content, frame, routes, taken_over, self.keys)
        whole = _assemble(config, servers, self._entries(blocks), self.keys, self.admin)
        known_listeners = {listener for server in servers_of(config).values() for listener in listing(server, "listen")}
        wanted = (listener for server in frame.values() for listener in listing(server, "listen"))
        opens = tuple(listener for listener in wanted if listener not in known_listeners)
        known = by_route(chain(content.fragments(), *fresh.values()))
        read_back = partial(self._read_back, whole, content, known, blocks, staged)
        return Document(whole, json.encode(whole, order="sorted"), blocks, read_back, opens)

    def _kept(self, content: Content, blocks: Mapping[Key, Native], protected: Collection[Key]) -> Blocks:
        """Return the fragments of the blocks that are to stay just as they were read."""
        lives = content.owned()
        return {
            key: content.blocks[key]
            for key, native in blocks.items()
            if (live := lives.get(key))
            and live.native is native
            and _has_marks(content.blocks[key], list(_marks(key, native, key in protected)))
        }

    def _fresh(self, staged: Mapping[Key, Native], protected: Collection[Key]) -> dict[str, list[Fragment]]:
        """Return for each server the fragments of the blocks that are written anew. Raises `Refused`."""
        marks: dict[str, list[Mark]] = {part: [] for part in SERVERS}
        for key, native in staged.items():
            for mark in _marks(key, native, key in protected):
                marks[mark.part].append(mark)
        return {part: self._written(part, own, staged) for part, own in marks.items()}

    def _written(self, part: str, marks: list[Mark], staged: Mapping[Key, Native]) -> list[Fragment]:
        """Return the marked routes of one server; they must be the wanted ones still when they are JSON."""
        routes = [{**staged[mark.key][part], "@id": write_mark(self.keys.sign, mark)} for mark in marks]
        for at in range(0, len(routes), AT_ONCE):
            _require_json(marks[at : at + AT_ONCE], routes[at : at + AT_ONCE])
        return [
            Fragment(mark, precedence(mark.key, route), route, SERVERS[part], position)
            for position, (mark, route) in enumerate(zip(marks, routes, strict=True))
        ]

    def _entries(self, blocks: Mapping[Key, Native]) -> list[dict[str, Any]]:
        """Return the marked entries of all certificates the blocks name, in a fixed order."""
        named = [native[CERTIFICATE] for native in blocks.values() if CERTIFICATE in native]
        certificates = {link_of(certificate): certificate for certificate in named}
        return [entry_of(certificates[link], self.keys.sign) for link in sorted(certificates)]

    def _read_back(
        self,
        config: dict[str, Any],
        content: Content,
        known: Known,
        blocks: Mapping[Key, Native],
        staged: Mapping[Key, Native],
    ) -> Content:
        """Return what is read from a configuration; it must be the wanted blocks and frame. Raises `Refused`."""
        again = split(config, self.keys, content, known)
        found = again.owned()
        for key, native in blocks.items():
            live, wanted = found.pop(key, None), staged.get(key, native)
            told = live.native if live else {}
            if told != wanted and told != _as_read(wanted, self.keys):
                raise refused(UNWRITABLE, f"{key} would read back different from what is wanted", [key])
        if found or again.frame != self.frame(blocks):
            raise refused(UNWRITABLE, "the composed configuration reads back with another frame", [])
        return again


def _require_json(marks: list[Mark], routes: list[dict[str, Any]]) -> None:
    """Refuse routes that are others when they were JSON. Raises `Refused` with the first of them to blame."""
    told = _told_by_json(routes)
    if told != routes:
        key = next(mark.key for mark, route, other in zip(marks, routes, told, strict=True) if route != other)
        raise refused(UNWRITABLE, f"{key} would read back different from what is wanted", [key])


def _told_by_json(value: Any) -> Any:
    """Return what is read from a value as JSON."""
    return json.decode(json.encode(value, enc_hook=str))


def _marks(key: Key, native: Native, protected: bool) -> Iterable[Mark]:
    """Yield the marks the fragments of a block carry; only the HTTPS one is linked to the certificate."""
    for part in SERVERS:
        if part in native:
            linked = part == "https" and CERTIFICATE in native
            yield Mark(key, part, link_of(native[CERTIFICATE]) if linked else NO_LINK, protected)


def _has_marks(own: Iterable[Marked], wanted: list[Mark]) -> bool:
    found = [mark for mark, _ in own]
    return found == wanted or sorted(found) == sorted(wanted)


def _ordered(part: str, kept: Blocks, added: Iterable[Fragment]) -> list[dict[str, Any]]:
    """Return the routes of one server in the order Caddy has to try them."""
    fragments = [fragment for own in kept.values() for mark, fragment in own if mark.part == part]
    return [fragment.route for fragment in sorted((*fragments, *added), key=attrgetter("rank"))]


def _as_read(native: Native, keys: Keyring) -> Native:
    return {part: bare(value, keys.fingerprint) if part in SERVERS else value for part, value in native.items()}


def _routes_of(native: Native) -> list[dict[str, Any]]:
    return [native[part] for part in SERVERS if part in native]


def _extent(route: Mapping[str, Any]) -> tuple[frozenset[str], str]:
    hosts, path = reach(route)
    return frozenset(hosts), path.lower()


def _servers(
    config: Any,
    content: Content,
    frame: Mapping[str, Any],
    routes: Mapping[str, list[dict[str, Any]]],
    taken_over: Collection[tuple[frozenset[str], str]],
    keys: Keyring,
) -> dict[str, Any]:
    """Return all servers: foreign ones without fragments of ours, ours rebuilt with strangers behind our routes.

    Behind all of them comes the frame's own last route. A stranger with the very hosts and path of a new block is the
    one that block takes over.
    """
    rebuilt = {name for part, name in SERVERS.items() if part in frame}
    others = ((name, server) for name, server in servers_of(config).items() if name not in rebuilt)
    servers = {name: _without_ours(server, keys) for name, server in others}
    for part, name in SERVERS.items():
        strangers = [route for route in content.strangers[name] if _extent(route) not in taken_over]
        if part in frame:
            if name in content.taken:
                raise refused(NAME_TAKEN, f'the Caddy server "{name}" is not conduit\'s', [], "rename it in Caddy")
            mark = {"@id": write_mark(keys.sign, Mark(FRAME_KEY, part))}
            own = {field: value for field, value in frame[part].items() if field != FALLBACK}
            last = {"@id": write_mark(keys.sign, fallback_mark(part)), **frame[part][FALLBACK]}
            servers[name] = {**mark, **own, "routes": [*routes[part], *strangers, last]}
        elif name in servers and name not in content.taken and not strangers:
            del servers[name]
    return servers


def _without_ours(server: Any, keys: Keyring) -> Any:
    routes = listing(server, "routes")
    kept = [r for r in routes if not (isinstance(r, dict) and read_mark(keys.sign, r.get("@id")))]
    return server if len(kept) == len(routes) else {**server, "routes": kept}


def _assemble(
    config: Any, servers: dict[str, Any], entries: list[dict[str, Any]], keys: Keyring, admin: str
) -> dict[str, Any]:
    """Return the configuration with these servers and certificate entries; all else stays as it was.

    An `admin` block is always there: without one, a refused configuration still moves the admin endpoint.
    """
    whole = {"admin": {"listen": admin}, **mapping(config)}
    apps = dict(mapping(config, "apps"))
    if servers or "http" in apps:
        apps["http"] = {**mapping(apps, "http"), "servers": servers}
    foreign = [entry for entry in listing(config, *LOAD_FILES) if not entry_mark(entry, keys.sign)]
    if entries or len(foreign) < len(listing(config, *LOAD_FILES)):
        tls = mapping(apps, "tls")
        certificates = {**mapping(tls, "certificates"), "load_files": [*foreign, *entries]}
        apps["tls"] = {**tls, "certificates": certificates}
    return {**whole, "apps": apps} if apps else whole
