"""The write path of manifests: an edit is checked with the whole tree, and on disk and in git before it counts.

Order: directory lock, version of the file, edit, validation of all manifests, then `conduit.manifests.saving`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from conduit.dialect.document import Document, parse
from conduit.errors import Code, Diagnostic, LoadError, Locked, Stale
from conduit.failpoints import fail
from conduit.manifests.edit import field_path, remove_value, set_value
from conduit.manifests.known import Known
from conduit.manifests.pulling import pull
from conduit.manifests.saving import MOVED, Saved, Saver, Stored
from conduit.manifests.tree import ManifestFile, Tree, read_tree
from conduit.model import Key, Source
from conduit.providers.git import Author
from conduit.resources import Kinds
from conduit.settings import Settings

BUSY = Code(
    "CND-0139",
    "another edit is under way",
    "Edits of manifests are made one after the other, and the one before did not end in time. Try again.",
)

ABSENT: Final = ""
"""What to expect of a resource that is not declared yet."""
LOCK_SECONDS: Final = 30.0


class SetField(Struct, frozen=True):
    """Let a dotted field have a value; the field "" is everything that is declared under a name."""

    field: str
    value: Any


class RemoveField(Struct, frozen=True):
    """Take a dotted field away; the field "" is the whole name."""

    field: str = ""


class Draft(NamedTuple):
    """The text of a manifest before and after an edit; "" is none."""

    file: str
    before: str
    after: str


class ManifestStore(Struct, frozen=True):
    """The manifests of one site. `check` validates a whole tree and raises `LoadError`. Safe to use from threads.

    `known` is what the process remembers of them.
    """

    settings: Settings
    kinds: Kinds
    check: Callable[[Tree], object]
    known: Known | None = None

    @property
    def root(self) -> Path:
        """The directory of the manifests."""
        return self.settings.path(self.settings.desired)

    def read(self, key: Key) -> Stored | None:
        """Return how a resource is declared, None when it is not. Raises LoadError when the tree cannot be read."""
        found = self._find(read_tree(self.root, self.settings.base, self.known), key)
        return self._stored(*found, key) if found else None

    def edit(
        self,
        key: Key,
        edits: Sequence[SetField | RemoveField],
        message: str,
        author: Author,
        expect: str | None = None,
    ) -> Saved:
        """Make edits of one resource together, or none of them. A new one gets a file of its own.

        `expect` is the version the caller saw, `ABSENT` for none, None for any. Raises `Stale` when it is another one
        now, `LoadError` when the tree would not load, `Locked`, and `ConduitError` for what cannot be edited.
        """
        with self._alone():
            fail("edit.locked")
            tree = read_tree(self.root, self.settings.base, self.known)
            before, after, stored = self._rewritten(tree, key, edits, expect)
            if after == before.content:
                return Saved(before.name, before.digest, "", before=stored)
            path, saver = tree.base / before.name, Saver(self.root)
            saver.require_clean(path, before)
            self.check(_with(tree, before, after))
            saved = saver.save(path, before, after, message, author)
            if self.known:
                self.known.wrote(tree, before.name, path)
            return replace(saved, before=stored)

    def preview(self, key: Key, edits: Sequence[SetField | RemoveField], expect: str | None = None) -> object:
        """Return what `check` says of the tree as `edit` would leave it; nothing is written. Raises as `edit` does."""
        with self._alone():
            tree = read_tree(self.root, self.settings.base, self.known)
            before, after, _ = self._rewritten(tree, key, edits, expect)
            return self.check(_with(tree, before, after))

    def draft(self, key: Key, edits: Sequence[SetField | RemoveField]) -> Draft:
        """Return what `edit` would write; nothing is written. Raises as `edit` does."""
        with self._alone():
            tree = read_tree(self.root, self.settings.base, self.known)
            before, after, _ = self._rewritten(tree, key, edits, None)
            return Draft(before.name, before.content.decode(), (after or b"").decode())

    def pull(self) -> str:
        """Check out what the remote of the settings has beyond what is here; return its commit, "" for nothing.

        Raises ConduitError when that cannot be had or may not be; then nothing changed.
        """
        rules = self.settings.reconcile.pull
        if rules is None:
            return ""
        with self._alone():
            return pull(self.root, rules, self.settings.path(rules.allowed_signers) if rules.allowed_signers else None)

    def recover(self) -> tuple[str, ...]:
        """Finish what a killed edit left; tell what was done."""
        with self._alone():
            return Saver(self.root).recover()

    def _rewritten(
        self, tree: Tree, key: Key, edits: Sequence[SetField | RemoveField], expect: str | None
    ) -> tuple[ManifestFile, bytes | None, Stored | None]:
        """Return the file of a resource, its content after the edits, None when nothing would be left in it, and how
        the resource is declared before them.
        """
        found = self._find(tree, key)
        before, document = found or self._vacant(tree, key)
        self._require(expect, before.digest if found else ABSENT, before.name, key)
        for each in edits:
            document = self._edited(document, key, each)
        after = document.source.text.encode() if document.source.text.strip() else None
        return before, after, self._stored(*found, key) if found else None

    def _stored(self, file: ManifestFile, document: Document, key: Key) -> Stored:
        return Stored(file.name, file.digest, document.data[self.kinds[key.kind].plural][key.name])

    def _find(self, tree: Tree, key: Key) -> tuple[ManifestFile, Document] | None:
        """Return the file that declares a resource; files that do not parse declare nothing."""
        plural, name = self.kinds[key.kind].plural, key.name
        for file in tree.files:
            if name.encode() not in file.content:
                continue
            with suppress(LoadError):
                document = parse(file.name, file.content)
                names = document.data.get(plural) if isinstance(document.data, dict) else None
                if isinstance(names, dict) and name in names:
                    return file, document
        return None

    def _vacant(self, tree: Tree, key: Key) -> tuple[ManifestFile, Document]:
        """Return the file a new resource goes into: `<plural>/<name>.yaml`, there or not."""
        path = self.root / self.kinds[key.kind].plural / f"{key.name}.yaml"
        name = str(path.relative_to(tree.base)) if path.is_relative_to(tree.base) else str(path)
        file = next((file for file in tree.files if file.name == name), ManifestFile(name, b"", ""))
        return file, parse(name, file.content)

    def _edited(self, document: Document, key: Key, edit: SetField | RemoveField) -> Document:
        path = field_path(document, (self.kinds[key.kind].plural, key.name), edit.field)
        wanted = set_value(document, path, edit.value) if isinstance(edit, SetField) else remove_value(document, path)
        return parse(document.source.file, wanted)

    def _require(self, expect: str | None, version: str, file: str, key: Key) -> None:
        if expect is not None and expect != version:
            what = f"{key} is declared already" if expect == ABSENT else f"{file} is another version now"
            raise Stale(Diagnostic(MOVED, what, Source(file), "read it again and make the edit on that"))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock of the directory, which dies with its holder. Raises `Locked`."""
        directory = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not (_locked(directory) or _waited(directory)):
                raise Locked(Diagnostic(BUSY, f"another edit below {self.root} does not end", hint="try again"))
            yield
        finally:
            os.close(directory)


def _locked(directory: int) -> bool:
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _waited(directory: int) -> bool:
    """Wait for a lock in the kernel's queue: who asks again and again may find it taken for ever.

    A lock that is got after this has given up goes with its descriptor, which is closed by then.
    """
    waiter = Thread(target=fcntl.flock, args=(directory, fcntl.LOCK_EX), name="edit", daemon=True)
    waiter.start()
    waiter.join(LOCK_SECONDS)
    return not waiter.is_alive()


def _with(tree: Tree, before: ManifestFile, after: bytes | None) -> Tree:
    """Return the tree as it will be."""
    files = [file for file in tree.files if file.name != before.name]
    if after is not None:
        files.append(ManifestFile(before.name, after, sha256(after).hexdigest()))
    return replace(tree, files=sorted(files))
