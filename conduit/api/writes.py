"""Edits of manifests on behalf of a caller: through the one write path, under the caller's name, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from conduit.api.auth import Caller
from conduit.api.errors import ApiError
from conduit.errors import Stale
from conduit.manifests.saving import Saved, Stored
from conduit.manifests.store import ABSENT, ManifestStore, RemoveField, SetField
from conduit.model import Key
from conduit.providers.git import Author

Edit = SetField | RemoveField
WHOLE: Final = ""
"""The field that is everything declared under a name."""
TAKEN: Final = "choose another name, or replace it: with overwrite true, on a native route with its ETag as If-Match"


class Edited(Struct, frozen=True):
    """One edit that was saved."""

    key: Key
    saved: Saved

    @property
    def before(self) -> Stored | None:
        """What was declared before, None for nothing."""
        return self.saved.before


class Writes:
    """Edits of one site. `store` returns the write path for the calling thread."""

    def __init__(self, store: Callable[[], ManifestStore]) -> None:
        self._store = store

    def read(self, key: Key, expect: str | None = None) -> Stored:
        """Return how a resource is declared. Raises `ApiError` 404, and 412 for another version than `expect`."""
        found = self.found(key)
        if found is None:
            raise ApiError(404, f"{key} is not declared")
        if expect not in (None, found.version):
            raise ApiError(412, f"{key} was edited since it was read")
        return found

    def found(self, key: Key) -> Stored | None:
        """Return how a resource is declared, None when it is not."""
        return self._store().read(key)

    def put(self, key: Key, fields: Any, caller: Caller, expect: str | None = None) -> Edited:
        """Declare a resource, new or in place of what is declared.

        `expect` is the version the caller saw, `ABSENT` for none. Raises `ApiError` 409 or 412, `ConduitError`.
        """
        return self._edit(key, [SetField(WHOLE, fields)], caller, f"Set {key}", expect)

    def remove(self, key: Key, caller: Caller, expect: str | None = None) -> Edited:
        """Remove a declaration. Raises `ApiError` 404 or 412, `ConduitError`."""
        self.read(key)
        return self._edit(key, [RemoveField(WHOLE)], caller, f"Remove {key}", expect)

    def take_back(self, edited: Edited, caller: Caller) -> None:
        """Undo an edit. Raises `ApiError` 412 when the manifest was edited again since, `ConduitError`."""
        before = edited.before
        edit = RemoveField(WHOLE) if before is None else SetField(WHOLE, before.data)
        self._edit(edited.key, [edit], caller, f"Take {edited.key} back: it could not be applied", edited.saved.version)

    def preview(self, key: Key, fields: Any, expect: str | None = None) -> Any:
        """Return the wish as it would be with other fields, None for no declaration; nothing is written."""
        edit = RemoveField(WHOLE) if fields is None else SetField(WHOLE, fields)
        return _told(key, expect, lambda: self._store().preview(key, [edit], expect))

    def _edit(self, key: Key, edits: Sequence[Edit], caller: Caller, message: str, expect: str | None) -> Edited:
        store, author = self._store(), author_of(caller)
        return Edited(key, _told(key, expect, lambda: store.edit(key, edits, message, author, expect)))


def author_of(caller: Caller) -> Author:
    """Return a caller as the author of commits."""
    return Author(caller.name, f"{caller.name}@conduit")


def _told(key: Key, expect: str | None, work: Callable[[], Any]) -> Any:
    """Do something with a manifest; another version than the expected one is 409 for a new name, else 412."""
    try:
        return work()
    except Stale as error:
        if expect == ABSENT:
            there = error.diagnostics[0].source
            raise ApiError(409, f"{key} is declared already, in {there}", hint=TAKEN) from error
        raise ApiError(412, error.diagnostics[0].summary) from error
