"""Caddy's configuration as a document: what is ours in it, what is not, and how both are put together. Pure.

Ours are the servers `conduit_http` and `conduit_https`, the marked routes, and the marked certificate entries.
Everything else is kept as it was read. A route somebody put into our servers stays there, behind ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct

from conduit.model import Claim, Key, Live, Native, rewrite
from conduit.providers.accounts import Fingerprint, Hashed, Seal, is_hash
from conduit.providers.caddy_certificates import CERTIFICATE, certificates_in
from conduit.providers.caddy_fragments import NONE_KNOWN, Fragment, Known, disorder, fragments_of, reach
from conduit.providers.caddy_marks import FALLBACK, FRAME_KEY, Mark, Sign, fallback_mark, read_mark
from conduit.providers.caddy_paths import listing, servers_of

SERVERS = {"https": "conduit_https", "http": "conduit_http"}
"""Our servers by the fragment of a block they hold."""

ROUTES = "route"
"""The sort of object a foreign Caddy route is listed as."""

_PARTS = {server: part for part, server in SERVERS.items()}


class Keyring(Struct, frozen=True):
    """The two keyed functions of a site that marks and seals are made with."""

    sign: Sign
    fingerprint: Fingerprint


Marked = tuple[Mark, Fragment]
Blocks = Mapping[Key, list[Marked]]
"""The fragments of each of our blocks, with what their marks say."""


class Content(Struct, frozen=True):
    """What a configuration holds, from our point of view.

    `strangers` are the unmarked routes inside our servers, by server; `taken` the servers with our names that are not
    ours; `closing` the frame's own last routes.
    """

    objects: Mapping[str, tuple[Live, ...]]
    frame: Native
    strangers: Mapping[str, list[dict[str, Any]]]
    taken: tuple[str, ...]
    blocks: Blocks
    closing: tuple[Fragment, ...] = ()

    def fragments(self) -> Iterable[Fragment]:
        """Yield the fragments of our blocks."""
        return (fragment for own in self.blocks.values() for _, fragment in own)

    def owned(self) -> dict[Key, Live]:
        """Return our live objects by key."""
        return {live.key: live for lives in self.objects.values() for live in lives if live.owned}


def split(config: Any, keys: Keyring, earlier: Content | None = None, known: Known = NONE_KNOWN) -> Content:
    """Tell what is ours in a configuration, what stands among it, and how our frame looks.

    What did not move since an `earlier` content stays as it is there; `known` fragments are not read again. Servers
    come by name, as Caddy tells them: a block is called by the first mark of it.
    """
    fragments = [
        fragment
        for name, server in sorted(servers_of(config).items())
        for fragment in fragments_of(name, listing(server, "routes"), keys.sign, known)
    ]
    blocks: dict[Key, list[Marked]] = defaultdict(list)
    strangers: dict[str, list[Fragment]] = defaultdict(list)
    for fragment in fragments:
        if fragment.mark is None:
            strangers[fragment.server].append(fragment)
        elif not fragment.closes:
            blocks[fragment.mark.key].append((fragment.mark, fragment))
    certificates = certificates_in(config, keys.sign)
    objects = _objects(blocks, certificates, keys.fingerprint, earlier)
    objects[ROUTES] += [_foreign(fragment) for found in strangers.values() for fragment in found]
    occupied = {fragment.server for fragment in fragments if fragment.mark and not fragment.closes}
    closing = tuple(fragment for fragment in fragments if fragment.closes)
    own = _own_servers(config, keys.sign, occupied, closing)
    return Content(
        {kind: tuple(found) for kind, found in objects.items()},
        _frame(own, fragments, occupied, certificates),
        {name: [fragment.route for fragment in strangers[name]] for name in _PARTS},
        tuple(name for part, name in SERVERS.items() if name in servers_of(config) and part not in own),
        dict(blocks),
        closing,
    )


def _objects(
    blocks: Blocks, certificates: Mapping[str, Any], fingerprint: Fingerprint, earlier: Content | None
) -> dict[str, list[Live]]:
    """Return the live object of each block by kind; one whose fragments and certificate did not move stays as it is."""
    found: dict[str, list[Live]] = defaultdict(list)
    before = earlier.owned() if earlier else {}
    for key, own in blocks.items():
        live = before.get(key)
        if live is None or earlier is None or earlier.blocks[key] != own or not _linked(live, own, certificates):
            live = _live(key, own, certificates, fingerprint)
        found[key.kind].append(live)
    return found


def _linked(live: Live, own: list[Marked], certificates: Mapping[str, Any]) -> bool:
    """Return whether the certificate entry of a block is still there, or still missing."""
    return (CERTIFICATE in live.native) == any(mark.link in certificates for mark, _ in own)


def _frame(
    own: Mapping[str, Any], fragments: list[Fragment], occupied: Collection[str], certificates: Mapping[str, Any]
) -> Native:
    """Return the settings of our servers and what is out of order in them; None when we have nothing there."""
    used = {fragment.mark.link for fragment in fragments if fragment.mark}
    unused = [f"unused certificate entry {link}" for link in sorted(certificates.keys() - used)]
    lent = {fragment.server for fragment in fragments if not fragment.mark} - set(occupied)
    frame = {part: own[part] for part in own if SERVERS[part] not in lent}
    wrong = [complaint for name in _PARTS for complaint in disorder(f for f in fragments if f.server == name)]
    return {**frame, "disorder": wrong + unused} if frame or unused else None


def _own_servers(
    config: Any, sign: Sign, occupied: Collection[str], closing: Iterable[Fragment]
) -> dict[str, dict[str, Any]]:
    """Return the settings of the servers that are ours, by mark or because our routes live there.

    Among them is the last route, if it stands in its own server.
    """
    last = {(fragment.server, fragment.mark): unmarked(fragment.route) for fragment in closing}
    found: dict[str, dict[str, Any]] = {}
    for part, name in SERVERS.items():
        server = servers_of(config).get(name)
        if isinstance(server, dict):
            marked = read_mark(sign, server.get("@id")) == Mark(FRAME_KEY, part)
            if marked or name in occupied:
                settings = {key: value for key, value in server.items() if key not in ("@id", "routes")}
                found[part] = settings if marked else {**settings, "mark": "missing"}
                if (name, fallback_mark(part)) in last:
                    found[part][FALLBACK] = last[name, fallback_mark(part)]
    return found


def _live(key: Key, own: list[Marked], certificates: Mapping[str, Any], fingerprint: Fingerprint) -> Live:
    native: dict[str, Any] = {}
    for mark, fragment in own:
        part = _PARTS.get(fragment.server, fragment.server)
        # A part at a place where it does not belong keeps its own name, so that it shows as a difference.
        name = part if part == mark.part and part not in native else fragment.place
        native[name] = bare(fragment.route, fingerprint)
        if mark.link in certificates:
            native[CERTIFICATE] = certificates[mark.link]
    mark, first = own[0]
    return Live(key, first.route["@id"], native, owned=True, protected=mark.protected, place=first.place)


def unmarked(route: Mapping[str, Any]) -> dict[str, Any]:
    """Return a route without its mark."""
    return {name: value for name, value in route.items() if name != "@id"}


def bare(route: Mapping[str, Any], fingerprint: Fingerprint) -> dict[str, Any]:
    """Return a marked route without its marks, each password hash replaced by a `Hashed`."""
    plain = unmarked(route)
    return {name: _hide(value, fingerprint) for name, value in plain.items()} if authenticates(route) else plain


def authenticates(route: Mapping[str, Any]) -> bool:
    """Return whether a route asks for passwords, so that there are hashes in it."""
    handlers = route.get("handle")
    for handler in handlers if isinstance(handlers, list) else ():
        if isinstance(handler, dict) and handler.get("handler") == "authentication":
            return True
    return False


def _hide(value: Any, fingerprint: Fingerprint) -> Any:
    if isinstance(value, list):
        return [_hide(item, fingerprint) for item in value]
    if not isinstance(value, dict):
        return value
    hidden = {name: _hide(item, fingerprint) for name, item in value.items() if name != "@id"}
    if isinstance(value.get("password"), str):
        hidden["password"] = Hashed.of(fingerprint, value["password"], Seal.read(value.get("@id")))
    return hidden


def _foreign(fragment: Fragment) -> Live:
    hosts, path = reach(fragment.route)
    adoptable = fragment.server in _PARTS
    native = {_PARTS.get(fragment.server, fragment.server): fragment.route}
    return Live(
        Key(ROUTES, f"{fragment.server}.{fragment.position}"),
        fragment.place,
        rewrite(native, lambda leaf: "[hash]" if isinstance(leaf, str) and is_hash(leaf) else leaf),
        owned=False,
        status={"hosts": sorted(hosts)},
        claims=frozenset(Claim(ROUTES, (host, path.lower())) for host in hosts if adoptable),
        place=fragment.place,
    )
