"""The second look: how each sort of evidence is looked at again, to see whether it still shows the same.

With the standard library, and whatever reads a daemon only where there is evidence of it: a quick answer must not load
what it does not need. See `conduit.settled` and docs/decisions/0009-evidence-of-a-settled-site.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from conduit.evidence import GONE, UNREADABLE, Evidence, access, hash_of, hash_of_tree, inode, names, sizes
from conduit.providers.files import read_regular

Again = Callable[[str], str]
"""Returns what the subject of evidence shows now. May raise whatever goes wrong."""

MAX_BYTES: Final = 64 * 2**20
SECONDS: Final = 2.0
"""How long a daemon or name server may take to answer again."""
STILL: Final = 0.1
"""Seconds the manifests must have been left alone before they count as whole, for a plan and for another look."""


def same_again(evidence: Iterable[Evidence]) -> bool:
    """Tell whether another look at evidence, without that of the clock, shows the same."""
    return all(LOOKS[sort](subject) == seen for sort, subject, seen in evidence)


def _bytes(path: str) -> str:
    try:
        return sha256(read_regular(Path(path), MAX_BYTES)).hexdigest()
    except FileNotFoundError:
        return GONE
    except OSError:
        return UNREADABLE


def _tree(places: str) -> str:
    """Hash all manifests; `places` are the tree and the directory their names count from."""
    from conduit.manifests.tree import read_still_tree

    root, base = map(Path, places.split("\0"))
    tree = read_still_tree(root, base, STILL)
    return UNREADABLE if tree.problems else hash_of_tree(tree.files)


def _head(directory: str) -> str:
    from conduit.manifests.git import head_commit

    return head_commit(Path(directory))


def _caddy(address: str) -> str:
    from conduit.providers.caddy_admin import Admin

    reply = Admin(address, SECONDS).get()
    return sha256(reply.body).hexdigest() if reply.status == 200 else UNREADABLE


def _nginx(address: str) -> str:
    from conduit.grammar import split_host_port
    from conduit.providers.nginx_marker import ask

    return str(ask(split_host_port(address), SECONDS))


def _dns(question: str) -> str:
    from conduit.grammar import split_host_port
    from conduit.providers.dns_query import ask

    server, rtype, name = question.split()
    return " ".join(answer.hex() for answer in ask(split_host_port(server), name, rtype, SECONDS))


def _docker(question: str) -> str:
    """Again at Docker again; `question` is its socket and the details that were looked at."""
    from conduit.providers.docker_look import look_again

    return look_again(question, SECONDS)


def _context(subject: str) -> str:
    """Hash what an image is built from; `subject` is the directory and its Dockerfile."""
    from conduit.providers.docker_context import hash_of

    directory, dockerfile = subject.split("\0")
    return hash_of(Path(directory), dockerfile)


def _addresses(hosts: str) -> str:
    from conduit.providers.resolver import Resolver

    resolver = Resolver(seconds=SECONDS)
    resolver.prefetch(hosts.split())
    return resolver.evidence()[0].seen


def _user(name: str) -> str:
    import pwd

    return str(pwd.getpwnam(name).pw_uid)


def _root(directory: str) -> str:
    from conduit.providers.certs_ca import fingerprint

    return fingerprint(Path(directory))


def _pairs(place: str) -> str:
    """Hash the names and states of all pair files; `place` is their owner and the directory."""
    from conduit.providers.certs_pair import Place, examine, listing

    uid, _, directory = place.partition(" ")
    at = Place(directory, int(uid))
    return hash_of(f"{name} {examine(at, name, name.split('.')[1])[0]}" for name in sorted(listing(directory)))


def _self(path: str) -> str:
    """Hash what is declared of conduit's own users; a site without any pays nothing for it."""
    store = Path(path)
    if not store.exists():
        return GONE
    from conduit.providers.self_look import look, version_of
    from conduit.providers.self_reader import SelfReader

    return version_of(look(SelfReader(store)))


LOOKS: Final[Mapping[str, Again]] = {
    "bytes": _bytes,
    "access": access,
    "inode": inode,
    "mtime": lambda path: str(os.lstat(path).st_mtime_ns),
    "names": lambda pattern: "/".join(path.name for path in names(pattern)),
    "sizes": sizes,
    "unmanaged": str,  # their number follows from what the daemons say
    "tree": _tree,
    "head": _head,
    "caddy": _caddy,
    "dns": _dns,
    "nginx": _nginx,
    "docker": _docker,
    "context": _context,
    "addresses": _addresses,
    "user": _user,
    "root": _root,
    "pairs": _pairs,
    "self": _self,
}
"""How to look again at each sort of evidence but the clock."""
