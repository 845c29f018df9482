"""The secrets store: one encrypted file per secret beside the keys, and references to environment and files.

Format of a file: the line `conduit-secret-1`, a nonce of 12 bytes, and the value under AES-256-GCM (NIST SP 800-38D).
The format line and the secret's name are authenticated with it, so a file renamed to another secret does not open.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from msgspec import Struct

from conduit import grammar
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.evidence import Evidence, of_bytes, of_inode
from conduit.patterns import pattern
from conduit.providers.files import make_directory, read_regular, remove_file, write_file
from conduit.providers.keys import Keys
from conduit.providers.sealing import seal, unseal
from conduit.settings import Settings

FORMAT = b"conduit-secret-1\n"
LIMIT = 64 * 1024
"""Most bytes of one value: enough for a key or a token file, small enough to hold in memory."""
SUFFIX = ".secret"
VARIABLE = pattern(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

MISSING = Code(
    "CND-0902",
    "a secret is not stored",
    "A manifest refers to this secret by name, but no value is stored under it on this machine. Values are never part "
    "of the manifests, so a new machine begins without them. Store it with `conduit secret set NAME`; "
    "`env:NAME` and `file:/path` take the value from the environment or from a private file instead.",
)
SEALED = Code(
    "CND-0903",
    "a stored secret does not open",
    "The file was changed, belongs to another secret, or was encrypted with another secrets.key. Nothing of its "
    "content is used or shown. Put the file and secrets.key back from the same backup, or store the value anew with "
    "`conduit secret set NAME`.",
)
UNUSABLE = Code(
    "CND-0904",
    "a secret cannot be read or written",
    "A secret's name or value is outside what the store takes, or its file cannot be used. Names follow the rules of "
    "resource names, values are text of at most 64 KiB, and a file named by `file:` must be private to its owner. "
    "Correct what the message names.",
)


class Secrets(Struct, frozen=True, eq=False):
    """The stored secrets of a site. Every error names the secret and never its value.

    `seen` tells of every secret read so far what it was read from; None for one from the environment.
    """

    directory: Path
    key: bytes
    seen: dict[str, Evidence | None] = {}

    __repr__ = object.__repr__

    def set(self, name: str, value: str) -> str:
        """Store a value and return its reference, `{secret: NAME}`. Raises `ConduitError`."""
        path = self._path(name)
        plain = value.encode(errors="replace")
        if not 0 < len(plain) <= LIMIT or plain.decode() != value:
            raise _error(UNUSABLE, f'the value of secret "{name}" is not text', f"store 1 to {LIMIT} bytes of UTF-8")
        try:
            make_directory(self.directory)
            write_file(path, FORMAT + seal(self.key, plain, FORMAT + name.encode()))
        except OSError as error:
            raise _error(UNUSABLE, f"cannot write {path}: {error.strerror}", "check space and permissions") from error
        return f"{{secret: {name}}}"

    def get(self, name: str) -> str:
        """Return a secret's value; `env:NAME` and `file:/path` are read where they point. Raises `ConduitError`."""
        sort, colon, place = name.partition(":")
        self.seen[name] = of_inode(Path(place)) if sort == "file" else None
        if colon:
            return _pointed_at(name, sort, place)
        path = self._path(name)
        try:
            sealed = read_regular(path, LIMIT + 1024)
            self.seen[name] = of_bytes(path, sealed)
            return self._open(name, sealed)
        except FileNotFoundError:
            words = f'secret "{name}" is not stored; store it with conduit secret set {name}'
            raise _error(MISSING, words, "env:NAME or file:/path take a value from elsewhere") from None
        except OSError as error:
            raise _error(UNUSABLE, f'cannot read secret "{name}": {error}', f"check {path}") from error

    def evidence(self) -> tuple[Evidence, ...] | None:
        """Return what the secrets read so far were read from; None when that cannot be told of one."""
        found = tuple(each for each in self.seen.values() if each)
        return found if len(found) == len(self.seen) else None

    def remove(self, name: str) -> None:
        """Forget a secret. Raises `ConduitError` when it is not stored."""
        path = self._path(name)
        if not path.exists():
            raise _error(MISSING, f'secret "{name}" is not stored', "conduit secret list")
        remove_file(path)

    def list(self) -> tuple[str, ...]:
        """Return the names of the stored secrets in order."""
        names = (path.name.removesuffix(SUFFIX) for path in self.directory.glob(f"[!.]*{SUFFIX}"))
        return tuple(sorted(name for name in names if grammar.NAME.fullmatch(name)))

    def _open(self, name: str, sealed: bytes) -> str:
        try:
            if not sealed.startswith(FORMAT):
                raise ValueError("another format")
            return unseal(self.key, sealed[len(FORMAT) :], FORMAT + name.encode()).decode()
        except ValueError:
            hint = f"put it back with the secrets.key it was stored with, or conduit secret set {name}"
            raise _error(SEALED, f'secret "{name}" does not open: its file or secrets.key changed', hint) from None

    def _path(self, name: str) -> Path:
        try:
            return self.directory / f"{grammar.name(name)}{SUFFIX}"
        except ValueError as error:
            raise _error(UNUSABLE, f"{name[:80]!r} is not the name of a secret", str(error)) from None


def open_secrets(settings: Settings, keys: Keys) -> Secrets:
    """Return the store of a site, in `store` beside its keys; it is created with the first secret."""
    return Secrets(settings.path(settings.keys_dir) / "store", keys.secrets)


def _pointed_at(name: str, sort: str, place: str) -> str:
    if sort == "env" and VARIABLE.fullmatch(place):
        value = os.environ.get(place)
        if not value:
            raise _error(MISSING, f'secret "{name}" is not set', f"set the environment variable {place}")
        return value
    if sort == "file" and place.startswith("/"):
        return _private_file(name, Path(place))
    raise _error(UNUSABLE, f"{name[:80]!r} is not the name of a secret", "use NAME, env:VARIABLE or file:/path")


def _private_file(name: str, path: Path) -> str:
    """Return the text of a file only its owner may read, without the line end editors add."""
    try:
        content = read_regular(path, LIMIT).decode().removesuffix("\n")
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise _error(UNUSABLE, f'secret "{name}" is open to others', f"chmod 600 {path}")
    except FileNotFoundError:
        raise _error(MISSING, f'secret "{name}" is not there', f"create {path} with mode 600") from None
    except UnicodeDecodeError:
        raise _error(UNUSABLE, f'secret "{name}" is not text', f"put one UTF-8 value into {path}") from None
    except OSError as error:
        raise _error(UNUSABLE, f'cannot read secret "{name}": {error}', f"check {path}") from error
    if not content:
        raise _error(MISSING, f'secret "{name}" is empty', f"put the value into {path}")
    return content


def _error(code: Code, summary: str, hint: str) -> ConduitError:
    return ConduitError(Diagnostic(code, summary, hint=hint))
