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

from collections.abc import Callable, Iterable
from typing import Any, Final

from conduit.model import Native
from conduit.patterns import pattern
from conduit.providers.generation import Generation
from conduit.providers.nginx_contents import NOTHING, Contents, Entry
from conduit.providers.nginx_layout import Asked, Server, Shape, host_of
from conduit.providers.nginx_scan import Fragment, Piece, Placed, scan
from conduit.providers.nginx_text import words_of
from conduit.providers.nginx_upstreams import SELF
from conduit.providers.nginx_vhost import PARTS

VHOSTS: Final = "vhost"
INDENT: Final = "    "
SHOWN: Final = 20
"""How many unknown places are listed one by one."""

Sign = Callable[[str, str, str], str]
"""(resource name, part, object's name) -> our mark for just that."""

_SEAL: Final = pattern(rb"geo \$conduit_generation \{ default ([0-9a-f]{32}); \}\n")
_OWN_NAME: Final = ("upstream ", "zone ", "proxy_pass ", "try_files ", "location @")
"""The lines in which the name nginx knows a vhost by stands for `self.conduit`."""
_PLAIN_NAME: Final = pattern(r"server_name ([a-z0-9.-]+);")
"""The line of a server with one name, as most have; what else such a line can say takes longer to read."""
_USERS: Final = "auth_basic_user_file "
"""Begins the line that names the file of passwords, which is no part of what is wished."""


def seal(generation: Generation) -> str:
    """Return the first line of the file."""
    return f"geo $conduit_generation {{ default {generation}; }}\n"


def unseal(raw: bytes) -> tuple[str, Generation | None]:
    """Split the file into its body and the generation it says it has."""
    found = _SEAL.match(raw)
    body = str(memoryview(raw)[found.end() if found else 0 :], errors="backslashreplace")
    return body, Generation.read(found[1].decode()) if found else None


def part_of(part: str, protected: bool) -> str:
    """Return the part of a resource that a fragment's mark signs; protection is signed with it."""
    return f"{part} protected" if protected else part


def own_name(name: str) -> str:
    """Return what nginx knows a vhost by."""
    return f"{name}.conduit"


def named(lines: Iterable[str], old: str, new: str) -> list[str]:
    """Return lines with the one name of a vhost in place of another, where such a name can stand."""
    return [line.replace(old, new) if old in line and line.startswith(_OWN_NAME) else line for line in lines]


def read_file(
    body: str, place: str, shape: Shape, sign: Sign, known: Contents = NOTHING, asked: Asked | None = None
) -> Contents:
    """Read the body of the file; `place` is its name for people, who count the generation as line 1.

    What is `known` from another reading of it with the same `shape` and `sign`, in which nothing was unknown, is taken
    from there where it stands unchanged; so are the servers from what blocks `asked` for with this `shape`.
    """
    known = NOTHING if known.unknown else known
    frame_lines, pieces = scan(body, {piece.text: piece for _, piece in known.pieces})
    unknown = [f"{place}:{start + n}: {line[:200]}" for start, piece in pieces for n, line in piece.strays]
    owned = _owned(pieces, known, place, sign, unknown)
    asked = (asked or known.asked).again({name: entry.native for name, entry in owned.items()}, shape)
    unknown += _differences(pieces, asked.servers, place)
    if len(unknown) > SHOWN:
        unknown[SHOWN:] = [f"{place}: and {len(unknown) - SHOWN} more such places"]
    return Contents(owned, frame_lines, unknown, pieces, asked)


Stood = tuple[int, Piece, Fragment]
"""A fragment where it stands: the number of its header, and the piece that holds it."""


def _owned(pieces: list[Placed], known: Contents, place: str, sign: Sign, unknown: list[str]) -> dict[str, Entry]:
    """Return our blocks by resource; what of the fragments cannot be ours is added to `unknown`."""
    standing: dict[str, list[Stood]] = {}
    for start, piece in pieces:
        for fragment in piece.fragments:
            standing.setdefault(fragment.place.name, []).append((start + fragment.number, piece, fragment))
    owned: dict[str, Entry] = {}
    for name, stood in standing.items():
        before = known.owned.get(name)
        if before and before.pieces == [piece for _, piece, _ in stood]:
            owned[name] = _again(before, f"{place}:{stood[0][0]}")
        elif entry := _take(name, stood, unknown, place, sign, before):
            owned[name] = entry
    return owned


def _again(entry: Entry, place: str) -> Entry:
    """Return the block of the same pieces as it is read at another place: without the passwords."""
    native = without_users(entry.native) if entry.users_file else entry.native
    return Entry(native, place, entry.protected, entry.pieces, entry.users_file, entry.fragments)


def _take(
    name: str, standing: list[Stood], unknown: list[str], place: str, sign: Sign, before: Entry | None
) -> Entry | None:
    """Return the block that the fragments of a vhost are, None when no mark holds: then they are nobody's."""
    entry = None
    hosts: dict[str, set[str]] = {}
    for number, piece, fragment in standing:
        if not _holds(fragment, before, sign):
            unknown.append(f"{place}:{number}: a block of {name} without a mark of this site")
            continue
        if entry is None:
            entry = Entry({}, f"{place}:{number}", fragment.protected, [piece for _, piece, _ in standing])
        _, part, also = fragment.place
        known = entry.fragments.get(part)
        if known is None:
            _add(entry, fragment, piece.text)
        elif known.lines != fragment.lines:
            unknown.append(f"{place}:{number}: this part of {name} differs from its copy above")
        if not also:
            hosts.setdefault(part, set()).update(_names(piece.server))
    if entry:
        entry.native["names"] = sorted(next((hosts[part] for part in PARTS if part in hosts), ()))
    return entry


def _holds(fragment: Fragment, before: Entry | None, sign: Sign) -> bool:
    """Return whether the mark of a fragment is ours; it is when it was found so before for what it signs."""
    name, part, _ = fragment.place
    known = before.fragments.get(part) if before else None
    if known and (known.mark, known.protected) == (fragment.mark, fragment.protected):
        return True
    return sign(name, part_of(part, fragment.protected), own_name(name)) == fragment.mark


def _add(entry: Entry, fragment: Fragment, text: str) -> None:
    """Add a fragment to its block; what the `text` around it does not hold need not be looked for in its lines."""
    name, part, _ = fragment.place
    entry.fragments[part] = fragment
    lines, own = list(fragment.lines), own_name(name)
    if fragment.certificate or "ssl_certificate" in text or _USERS in text:
        lines = _without_files(entry, fragment)
    entry.native[part] = named(lines, own, SELF) if own in text else lines
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


def _names(server: Server | None) -> list[str]:
    names: list[str] = []
    for line in server.lines if server else ():
        if plain := _PLAIN_NAME.fullmatch(line):
            names.append(plain[1])
        elif line.startswith("server_name "):
            names += map(host_of, words_of(line)[1:-1])
    return names


def _differences(pieces: list[Placed], asked: list[Server], place: str) -> list[str]:
    """Return what differs from the servers that the blocks ask for."""
    actual = [(number, piece.server) for number, piece in pieces if piece.server]
    if [server for _, server in actual] == asked:
        return []
    wanted, extra = set(asked), []
    for number, server in actual:
        if server in wanted:
            wanted.discard(server)
        else:
            title = " ".join(_names(server)) or "without a name"
            extra.append(f"{place}:{number}: server {title} is not as declared")
    missing = [f"{place}: no server {' '.join(_names(server))} as declared" for server in asked if server in wanted]
    return [*extra, *missing] or [f"{place}: the servers are out of order"]


def without_users(native: Native) -> dict[str, Any]:
    """Return a native form without its passwords, as it can be read from the file alone."""
    return {name: value for name, value in native.items() if name != "users"}
