"""The files nginx reads passwords from: one for each vhost that asks for them, named by its content. Pure.

A line is `user:hash`, or `user:hash:seal` for a stored password (see `caddy_accounts`); nginx reads up to the second
colon (ngx_http_auth_basic_module.c).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from conduit.patterns import pattern
from conduit.providers.accounts import Fingerprint, Hashed, Seal, is_hash

FILE: Final = pattern(r"[a-z0-9][a-z0-9._-]{0,199}\.[0-9a-f]{32}")
_LINE: Final = pattern(r"([^:\s]+):([^:\s]+)(?::([0-9a-f]+)\.([0-9a-f]+))?")


def content_of(users: Mapping[str, Hashed]) -> bytes:
    """Return the content of a password file. Raises ValueError for what is no user and bcrypt hash."""
    lines = []
    for user, hashed in sorted(users.items()):
        seal = f":{hashed.seal.label}.{hashed.seal.check}" if hashed.seal.check else ""
        line = f"{user}:{hashed.value}{seal}"
        if not is_hash(hashed.value) or not _LINE.fullmatch(line):
            raise ValueError(f"user {user[:60]!r} has no bcrypt hash")
        lines.append(f"{line}\n")
    return "".join(lines).encode()


def file_name(name: str, content: bytes) -> str:
    """Return the name of a password file: its vhost, and a hash of what it says."""
    return f"{name}.{sha256(content).hexdigest()[:32]}"


def read_users(content: bytes, fingerprint: Fingerprint) -> dict[str, Hashed]:
    """Return the passwords in a file by user; a line nobody can read is a user without a password."""
    users = {}
    for line in content.decode(errors="replace").splitlines():
        found = _LINE.fullmatch(line)
        seal = Seal(found[3], found[4]) if found and found[3] else Seal()
        users[found[1] if found else line[:60]] = Hashed.of(fingerprint, found[2] if found else "", seal)
    return users
