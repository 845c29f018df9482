"""One certificate and its key in one file, whose name proves what it holds.

A single file is replaced in one step, so a crash never leaves a certificate with another's key; Caddy and nginx take
the same path for both. Above the PEM blocks, where RFC 7468 allows text, stands one line of JSON that says what was
issued. The name is `<resource>.<hash of the content>.<ownership mark over that hash>.pem`: a read verifies mark and
hash, then trusts the line, and never parses a certificate.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from conduit.grammar import LEAF_NAME
from conduit.model import Key, Native

PREFIX: Final = b"conduit certificate "
PARTS: Final = {False: "pair", True: "protected pair"}
"""What the mark signs, by whether the certificate is protected."""
LIMIT: Final = 64 * 1024
INTACT: Final = "intact"
MISSING: Final = "missing"
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Mark = Callable[[Key, str, str], str]


class Header(Struct, frozen=True):
    """What was issued. `spec` is the native form it was issued for; times are epoch seconds, `root` a fingerprint."""

    spec: Native
    serial: str
    issued: int
    not_after: int
    root: str
    root_not_after: int


class Pair(Struct, frozen=True):
    """The name of a pair file, taken apart; `hash` is the one its content must have."""

    key: Key
    hash: str
    protected: bool


def compose(header: Header, certificate: bytes, key: bytes) -> bytes:
    """Return the content of a pair file."""
    line = json.dumps(asdict(header), sort_keys=True, separators=(",", ":"))
    return PREFIX + line.encode() + b"\n" + certificate + key


def header_of(content: bytes) -> Header:
    """Return what was issued, from content whose hash was verified."""
    return Header(**json.loads(content[len(PREFIX) : content.index(b"\n")]))


def hash_of(content: bytes) -> str:
    """Return the first 128 bits of the content's SHA-256, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()[:32]


def file_name(key: Key, content: bytes, mark: Mark, protected: bool) -> str:
    """Return the name that proves `content` to be ours."""
    digest = hash_of(content)
    return f"{key.name}.{digest}.{mark(key, PARTS[protected], digest)}.pem"


def proven(file: str, kind: str, mark: Mark) -> Pair | None:
    """Take a file name apart; None when it does not carry this site's mark."""
    parts = file.rsplit(".", 3)
    if len(parts) != 4 or parts[3] != "pem" or not LEAF_NAME.fullmatch(parts[0]):
        return None
    key, digest = Key(kind, parts[0]), parts[1]
    for protected, part in PARTS.items():
        if mark(key, part, digest) == parts[2]:
            return Pair(key, digest, protected)
    return None


class Place(Struct, frozen=True):
    """A directory that holds pair files, and who owns the files in it."""

    directory: str
    uid: int
    user: str | None = None

    def path(self, file: str) -> str:
        """Return the path of a pair file here."""
        return f"{self.directory}/{file}"


def examine(place: Place, file: str, digest: str) -> tuple[str, bytes]:
    """Return the state of a pair file in words, and its content when that is whole."""
    try:
        descriptor = os.open(place.path(file), _FLAGS)
    except FileNotFoundError:
        return MISSING, b""
    except OSError as error:
        return f"unreadable: {error.strerror}", b""
    try:
        found = os.fstat(descriptor)
        content = os.read(descriptor, LIMIT) if stat.S_ISREG(found.st_mode) else b""
    finally:
        os.close(descriptor)
    if hash_of(content) != digest:
        return "damaged", b""
    if found.st_uid != place.uid:
        return f"belongs to user {found.st_uid}", content
    mode = stat.S_IMODE(found.st_mode)
    return (INTACT if mode == 0o600 else f"mode {mode:04o}"), content


def listing(directory: str) -> list[str]:
    """Return the names of the files in a directory, without hidden ones; empty when it is not there yet."""
    try:
        with os.scandir(directory) as entries:
            return [e.name for e in entries if not e.name.startswith(".") and not e.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def paths(places: Mapping[str, Place], consumers: list[str], file: str) -> dict[str, Any]:
    """Return the facts a proxy refers to: consumer -> path of the certificate and of its key."""
    return {
        consumer: {"certificate": path, "key": path}
        for consumer in consumers
        if (place := places.get(copy_of(consumer))) and (path := place.path(file))
    }


def copy_of(consumer: str) -> str:
    """Return the field path under which a consumer's copy is shown."""
    return f"copies.{consumer}"
