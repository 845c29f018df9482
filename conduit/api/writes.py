"""Edits of manifests: one at a time, validated with the whole tree before they stay, and taken back when asked to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conduit.api.errors import ApiError
from conduit.dialect.document import Document, parse
from conduit.engine import Engine
from conduit.errors import ConduitError
from conduit.expand import Desired
from conduit.manifests.edit import remove_value, set_value
from conduit.model import Key
from conduit.providers.files import make_directory, remove_file, write_file
from conduit.settings import Settings

Change = Callable[[Document, tuple[str, str]], bytes]


@dataclass(frozen=True, slots=True)
class Edited:
    """One edit: its resource, the file, and what stood in it before and after; None for no file."""

    key: Key
    file: Path
    before: bytes | None
    after: bytes | None


class Writes:
    """Edits the manifests of one site; every method may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()

    def put(self, key: Key, fields: Any, *, match: str | None = None, create: bool = False) -> Edited:
        """Declare a resource, new or in place of what is declared; `create` refuses one that is.

        `match` is the ETag the caller has seen. Raises `ApiError` 409 or 412, `ConduitError` for a wish that does not
        load.
        """
        with self._lock:
            engine, desired = self._loaded()
            if create and key in desired.roots:
                raise ApiError(409, f"{key} is declared already, at {desired.roots[key].source}")
            return self._edit(engine, desired, key, match, lambda document, path: set_value(document, path, fields))

    def remove(self, key: Key, *, match: str | None = None) -> Edited:
        """Remove a declaration. Raises `ApiError` 404 or 412, `ConduitError`."""
        with self._lock:
            engine, desired = self._loaded()
            if key not in desired.roots:
                raise ApiError(404, f"{key} is not declared")
            return self._edit(engine, desired, key, match, remove_value)

    def take_back(self, edited: Edited) -> None:
        """Undo an edit, unless the file was edited again since. Raises OSError."""
        with self._lock:
            if _content(edited.file) == edited.after:
                _replace(edited.file, edited.before)

    def version(self, key: Key, desired: Desired) -> str:
        """Return the ETag of a declared resource: the hash of the file it stands in. Raises OSError."""
        return tag_of(self._file(key, desired).read_bytes())

    def fields(self, key: Key, desired: Desired) -> Any:
        """Return what is written below the name of a declared resource. Raises OSError, `ConduitError`."""
        file = self._file(key, desired)
        document = parse(str(file), file.read_bytes())
        return document.data[self._plural(key)][key.name]

    def _loaded(self) -> tuple[Engine, Desired]:
        engine = Engine(self._settings)
        return engine, engine.load()

    def _plural(self, key: Key) -> str:
        return Engine(self._settings).kinds[key.kind].plural

    def _file(self, key: Key, desired: Desired) -> Path:
        if key in desired.roots:
            return self._settings.base / desired.roots[key].source.file
        return self._settings.path(self._settings.desired) / self._plural(key) / f"{key.name}.yaml"

    def _edit(self, engine: Engine, desired: Desired, key: Key, match: str | None, change: Change) -> Edited:
        file = self._file(key, desired)
        before = _content(file)
        if match is not None and (before is None or match != tag_of(before)):
            raise ApiError(412, f"{key} was edited since it was read")
        after: bytes | None = change(parse(str(file), before or b""), (self._plural(key), key.name))
        after = after or None
        _replace(file, after)
        try:
            engine.load()
        except ConduitError:
            _replace(file, before)
            raise
        return Edited(key, file, before, after)


def tag_of(content: bytes) -> str:
    """Return the ETag of a file's content."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _content(file: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return file.read_bytes()
    return None


def _replace(file: Path, content: bytes | None) -> None:
    if content is None or not content.strip():
        remove_file(file)
    else:
        make_directory(file.parent, mode=0o755)
        write_file(file, content, mode=0o644)
