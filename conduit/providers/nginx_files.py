"""The text of conduit's nginx file: read and checked. Pure.

The first line is the generation, which nginx answers at the marker's address. Then comes the frame, then the servers.
A *block* of a vhost is one or more fragments, each between a header with its mark and `# end`:

    # vhost wiki upstream 5d41402abc4b2a76b971
    upstream wiki.conduit {
        server 10.0.0.5:3000 weight=3 max_fails=0;
        server 10.0.0.6:3000 weight=1 max_fails=0;
    }
    # end
    server {
        listen 443 ssl http2;
        server_name wiki.home.arpa;
        # vhost wiki https 9d911017c5925d41402a protected certificate=wiki
        ssl_certificate /etc/nginx/conduit/wiki.1f.2e.pem;
        ...
        # end
    }

Fragments of one vhost may stand in several servers (see `nginx_layout`); they all say the same. What stands anywhere
else, and is not what the blocks ask for, is the frame's `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from conduit.patterns import pattern
from conduit.providers.generation import Generation
from conduit.providers.nginx_layout import Server, Shape, host_of
from conduit.providers.nginx_scan import Found, Fragment, scan, servers
from conduit.providers.nginx_text import words_of
from conduit.providers.nginx_vhost import PARTS, SELF

VHOSTS: Final = "vhost"
INDENT: Final = "    "
SHOWN: Final = 20
"""How many unknown places are listed one by one."""

Sign = Callable[[str, str, str], str]
"""(resource name, part, object's name) -> our mark for just that."""

_SEAL: Final = pattern(r"geo \$conduit_generation \{ default ([0-9a-f]{32}); \}\n")
_OWN_NAME: Final = ("upstream ", "zone ", "proxy_pass ", "try_files ", "location @")
"""The lines in which the name nginx knows a vhost by stands for `self.conduit`."""
_USERS: Final = "auth_basic_user_file "
"""Begins the line that names the file of passwords, which is no part of what is wished."""


class Entry(Struct):
    """One of our blocks: its native form without passwords, where it stands, and the file of its passwords."""

    native: dict[str, Any]
    place: str
    protected: bool
    users_file: str = ""
    fragments: dict[str, Fragment] = {}
    """By part, as they stand in the file."""


NOTHING: Final[Mapping[str, Entry]] = MappingProxyType({})


class Contents(Struct):
    """What the file says: our blocks by resource, the frame's lines, and places that follow from neither."""

    owned: dict[str, Entry] = {}
    frame_lines: list[str] = []
    unknown: list[str] = []
    places: list[tuple[int, int, str]] = []
    """The first and last line of each fragment and its resource, in order: whom a line number blames."""

    def frame(self) -> dict[str, list[str]]:
        """Return the frame as data; `unknown` holds what only a hand can have written, so the wish has none."""
        return {"lines": self.frame_lines, "unknown": self.unknown}


def seal(generation: Generation) -> str:
    """Return the first line of the file."""
    return f"geo $conduit_generation {{ default {generation}; }}\n"


def unseal(text: str) -> tuple[str, Generation | None]:
    """Split the file into its body and the generation it says it has."""
    found = _SEAL.match(text)
    return (text[found.end() :], Generation.read(found[1])) if found else (text, None)


def part_of(part: str, protected: bool) -> str:
    """Return the part of a resource that a fragment's mark signs; protection is signed with it."""
    return f"{part} protected" if protected else part


def own_name(name: str) -> str:
    """Return what nginx knows a vhost by."""
    return f"{name}.conduit"


def named(lines: Iterable[str], old: str, new: str) -> list[str]:
    """Return lines with the one name of a vhost in place of another, where such a name can stand."""
    return [line.replace(old, new) if old in line and line.startswith(_OWN_NAME) else line for line in lines]


def read_file(body: str, place: str, shape: Shape, sign: Sign, known: Mapping[str, Entry] = NOTHING) -> Contents:
    """Read the body of the file; `place` is its name for people, who count the generation as line 1.

    What is `known` from another reading of it with the same `sign` is taken from there where it stands unchanged.
    """
    contents = Contents()
    frame, sites = scan(body, (fragment for entry in known.values() for fragment in entry.fragments.values()))
    contents.frame_lines = [line for _, line in frame]
    found = list(servers(sites, contents.unknown, place))
    for server, fragments in found:
        for fragment in fragments:
            _take(fragment, server, contents, place, sign, known)
    _compare_servers(found, contents, shape, place)
    if len(contents.unknown) > SHOWN:
        more = len(contents.unknown) - SHOWN
        contents.unknown[SHOWN:] = [f"{place}: and {more} more such places"]
    return contents


def _take(
    fragment: Fragment, server: Server, contents: Contents, place: str, sign: Sign, before: Mapping[str, Entry]
) -> None:
    """File a fragment under its vhost when its mark holds; else it is nobody's."""
    name, part, also = fragment.place
    contents.places.append((fragment.number, fragment.number + len(fragment.lines) + 1, name))
    where = f"{place}:{fragment.number}"
    if not _holds(fragment, before.get(name), sign):
        contents.unknown.append(f"{where}: a block of {name} without a mark of this site")
        return
    entry = contents.owned.get(name)
    if entry is None:
        entry = contents.owned[name] = Entry({"names": []}, where, fragment.protected)
    known = entry.fragments.get(part)
    if known is None:
        _add(entry, fragment)
    elif known.lines != fragment.lines:
        contents.unknown.append(f"{where}: this part of {name} differs from its copy above")
    if not also and part != "upstream":
        entry.native.setdefault(f"names {part}", []).extend(_names(server))


def _holds(fragment: Fragment, before: Entry | None, sign: Sign) -> bool:
    """Return whether the mark of a fragment is ours; one that was found so before has the same text."""
    name, part, _ = fragment.place
    known = before.fragments.get(part) if before else None
    if known and known.text == fragment.text:
        return True
    return sign(name, part_of(part, fragment.protected), own_name(name)) == fragment.mark


def _add(entry: Entry, fragment: Fragment) -> None:
    name, part, _ = fragment.place
    entry.fragments[part] = fragment
    lines, own = list(fragment.lines), own_name(name)
    if fragment.certificate or "ssl_certificate" in fragment.text or _USERS in fragment.text:
        lines = _without_files(entry, fragment)
    entry.native[part] = named(lines, own, SELF) if own in fragment.text else lines
    entry.protected = entry.protected and fragment.protected


def _without_files(entry: Entry, fragment: Fragment) -> list[str]:
    """Return the lines of a fragment that name no file; what the others name is noted."""
    kept, files = [], {}
    for line in fragment.lines:
        if line.startswith(_USERS):
            entry.users_file = (words_of(line) or ("", ""))[1]
        elif line.startswith("ssl_certificate"):
            words = words_of(line)
            files["key" if words[:1] == ("ssl_certificate_key",) else "certificate"] = words[1] if words else line
        else:
            kept.append(line)
    if files or fragment.certificate:
        entry.native["certificate"] = {"name": fragment.certificate, "files": files}
    return kept


def _names(server: Server) -> list[str]:
    found = [words_of(line) for line in server.lines if line.startswith("server_name ")]
    return [host_of(host) for words in found for host in words[1:-1]]


def _compare_servers(found: list[Found], contents: Contents, shape: Shape, place: str) -> None:
    """Give each block the names of its servers, and find what differs from the servers the blocks ask for."""
    for entry in contents.owned.values():
        parts = [entry.native.pop(f"names {part}", None) for part in PARTS]
        entry.native["names"] = sorted(set(next((names for names in parts if names is not None), [])))
    asked = shape.servers({name: entry.native for name, entry in contents.owned.items()})
    actual = [(server, fragments) for server, fragments in found if server.lines]
    if [server for server, _ in actual] == asked:
        return
    wanted, extra = set(asked), []
    for server, fragments in actual:
        if server in wanted:
            wanted.discard(server)
        else:
            number = fragments[0].number if fragments else 0
            extra.append(f"{place}:{number}: server {' '.join(_names(server)) or 'without a name'} is not as declared")
    contents.unknown += extra
    missing = [server for server in asked if server in wanted]
    contents.unknown += [f"{place}: no server {' '.join(_names(server))} as declared" for server in missing]
    if not extra and not wanted:
        contents.unknown.append(f"{place}: the servers are out of order")
