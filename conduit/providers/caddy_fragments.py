"""The routes of a Caddy configuration as they stand in its servers, and the order they have to stand in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.model import Key
from conduit.providers.caddy_marks import FRAME_KEY, Mark, Sign, read_mark
from conduit.providers.caddy_route import names_and_path

Rank = tuple[bool, int, int, Key]
"""Where a route belongs; lower ranks stand before higher ones."""

NOBODY: Final = Key("", "")


class Fragment(Struct, frozen=True):
    """One route of a server: whose it is (None: not ours), its rank, the route as Caddy has it, and where it stands."""

    mark: Mark | None
    rank: Rank
    route: dict[str, Any]
    server: str
    position: int

    @property
    def closes(self) -> bool:
        """Whether it is the frame's answer for what no other route of its server matches."""
        return self.mark is not None and self.mark.key == FRAME_KEY

    @property
    def place(self) -> str:
        """Return its path in the configuration."""
        return f"apps/http/servers/{self.server}/routes/{self.position}"


Known = Mapping[int, Fragment]
"""Fragments that were read before, by the identity of their routes."""
NONE_KNOWN: Final[Known] = MappingProxyType({})


def by_route(fragments: Iterable[Fragment]) -> Known:
    """Return fragments as what is known; it holds only while they live."""
    return {id(fragment.route): fragment for fragment in fragments}


def fragments_of(server: str, routes: list[Any], sign: Sign, known: Known = NONE_KNOWN) -> list[Fragment]:
    """Return the fragments of a server; a `known` one is not read again."""
    found = []
    for position, route in enumerate(routes):
        earlier = known.get(id(route))
        if earlier:
            same = earlier.server == server and earlier.position == position
            found.append(earlier if same else replace(earlier, server=server, position=position))
        elif isinstance(route, dict):
            mark = read_mark(sign, route.get("@id"))
            found.append(Fragment(mark, precedence(mark.key if mark else NOBODY, route), route, server, position))
    return found


def precedence(key: Key, route: Mapping[str, Any]) -> Rank:
    """Return where a route belongs: exact hosts before wildcards, longer paths before shorter, then by key."""
    hosts, path = reach(route)
    labels = [host.count(".") for host in hosts if host[:1] == "*"]
    return bool(labels), -min(labels) if labels else 0, -len(path), key


def reach(route: Mapping[str, Any]) -> tuple[list[str], str]:
    """Return the hosts, in lower case, and the path of a route; no host means all of them."""
    try:
        found = names_and_path(route)
        return list(map(str.lower, found["names"])), str(found["path"])
    except (LookupError, TypeError, AttributeError):
        return [], "/"


def disorder(fragments: Iterable[Fragment]) -> Iterable[str]:
    """Yield what is wrong with the order of one of our servers: Caddy takes the first route that matches."""
    ahead: list[Fragment] = []
    last: Rank | None = None
    closed = False
    for fragment in fragments:
        if closed:
            yield f"{fragment.place} stands behind the answer for all that nobody declared"
        if fragment.closes:
            closed = True
            continue
        if fragment.mark is None:
            ahead.append(fragment)
            continue
        if last and fragment.rank < last:
            yield f"{fragment.mark.key} stands behind a less specific route"
        last = fragment.rank
        for stranger in [other for other in ahead if _may_shadow(other.route, fragment.route)]:
            ahead.remove(stranger)
            yield f"{stranger.place}, which is not ours, shadows {fragment.mark.key}"


def _may_shadow(stranger: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    hosts, _ = reach(stranger)
    return not hosts or any(host.startswith("*") for host in hosts) or not set(hosts).isdisjoint(reach(own)[0])
