"""The keys of a site: one signs ownership marks and fingerprints, another opens the secrets store.

They live in `keys_dir`, outside git and outside the state dir, because losing them loses ownership and every secret.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from conduit.errors import Code, ConduitError, Diagnostic
from conduit.evidence import Evidence, of_access, of_inode
from conduit.mac import Mac
from conduit.model import Key
from conduit.providers.files import TEMPORARY, make_directory, read_regular, remove_file, write_file
from conduit.settings import Settings

LENGTH = 32
"""Bytes of a key: the block a SHA-256 HMAC and AES-256 both take whole."""

KEYS_UNUSABLE = Code(
    "CND-0901",
    "a key of this site cannot be used",
    "conduit signs what it owns with site.key and encrypts stored secrets with secrets.key, both in keys_dir. "
    "They are refused when others could read or replace them, or when they are not 32 bytes long: a guessed key would "
    "let a stranger forge ownership. Correct mode and owner as the message says; restore a damaged file.",
)

_RUN_AS_OWNER = "run conduit as the owner of the keys, or set keys_dir in conduit.yaml"


class Keys(Struct, frozen=True, eq=False):
    """The keys of one site, in memory; never printed."""

    site: str
    signing: bytes
    secrets: bytes
    evidence: tuple[Evidence, ...] = ()

    __repr__ = object.__repr__

    def mark(self, key: Key, part: str, name: str) -> str:
        """Return the ownership mark of one native part: 20 hex digits over site, key, part and the object's name.

        A mark copied to another object does not fit it, so nobody can hand conduit something to delete.
        """
        return _mac(self.signing)(f"mark\0{self.site}\0{key.kind}/{key.name}\0{part}\0{name}".encode())[:10].hex()

    def fingerprint(self, text: str) -> str:
        """Return 16 hex digits that tell whether a secret value changed, and nothing else about it."""
        return _mac(self.signing)(f"fingerprint\0{self.site}\0{text}".encode())[:8].hex()


_mac = lru_cache(maxsize=8)(Mac)


def open_keys(settings: Settings) -> Keys:
    """Read the keys every run needs, creating missing ones. Raises `ConduitError` for a key that is not safe to use."""
    directory = settings.path(settings.keys_dir)
    try:
        with suppress(FileExistsError):
            make_directory(directory)
        signing, sealing = directory / "site.key", directory / "secrets.key"
        evidence = (of_access(directory), *map(of_inode, (signing, sealing)))
        _require_private(directory, 0o700)
        return Keys(settings.site, _key(signing), _key(sealing), evidence)
    except OSError as error:
        raise _unusable(f"cannot use the keys in {directory}: {error.strerror or error}", _RUN_AS_OWNER) from error


def open_key(settings: Settings, name: str, *, make: bool = True) -> bytes:
    """Read one more key of this site; `make` creates a missing one. Raises `ConduitError` like `open_keys`."""
    directory = settings.path(settings.keys_dir)
    if not make and not (directory / name).exists():
        raise _unusable(f"{directory / name} is missing", "put it back from a backup")
    try:
        with suppress(FileExistsError):
            make_directory(directory)
        _require_private(directory, 0o700)
        return _key(directory / name)
    except OSError as error:
        raise _unusable(f"cannot use {directory / name}: {error.strerror or error}", _RUN_AS_OWNER) from error


def _key(path: Path) -> bytes:
    if not path.exists():
        _create(path)
    _require_private(path, 0o600)
    content = read_regular(path, 4096)
    if len(content) != LENGTH:
        raise _unusable(f"{path} holds {len(content)} bytes, not {LENGTH}", "put it back from a backup")
    return content


def _create(path: Path) -> None:
    """Create a key unless another first run was quicker; a link, unlike a rename, never replaces."""
    from secrets import token_bytes, token_hex

    draft = path.with_name(f"{TEMPORARY}{path.name}.{token_hex(4)}.tmp")
    write_file(draft, token_bytes(LENGTH))
    with suppress(FileExistsError):
        os.link(draft, path)
    remove_file(draft)


def _require_private(path: Path, mode: int) -> None:
    found = path.lstat()
    if found.st_uid not in (os.geteuid(), 0):
        raise _unusable(f"{path} belongs to user {found.st_uid}", _RUN_AS_OWNER)
    if stat.S_ISLNK(found.st_mode):
        raise _unusable(f"{path} is a symbolic link", "put the file itself there")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise _unusable(f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):04o})", f"chmod {mode:o} {path}")


def _unusable(summary: str, hint: str) -> ConduitError:
    return ConduitError(Diagnostic(KEYS_UNUSABLE, summary, hint=hint))
