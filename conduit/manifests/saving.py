"""One manifest onto the disk and into git: staged, committed, put in place, or none of it.

A process that dies before the commit leaves a staged file that is dropped, after it one that is put in place: either
way the work tree and the commit agree (`Saver.recover`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from conduit.errors import Code, ConduitError, Diagnostic, Stale
from conduit.failpoints import fail
from conduit.manifests.git import work_tree
from conduit.manifests.tree import ManifestFile
from conduit.model import Source
from conduit.providers.files import (
    TEMPORARY,
    make_directory,
    put_in_place,
    read_regular,
    remove_file,
    stage_file,
    sync_directory,
)
from conduit.providers.git import Author, Git
from conduit.providers.git_locks import break_locks

DIRTY = Code(
    "CND-0137",
    "dirty_file",
    "The manifest differs from what git has committed: somebody is working on it. An edit would be committed together "
    "with their half-done work, so it is refused. Commit the file, or put it back with `git restore`.",
)
MOVED = Code(
    "CND-0138",
    "the manifest changed meanwhile",
    "The edit was made for another version of the file than the one that is there now. Nothing was written. Read the "
    "resource again and make the edit on what is there.",
)
FILE_BYTES: Final = 16 * 2**20


class Stored(Struct, frozen=True):
    """A declared name as it is written: its file, the hash of that (its version), and its raw data."""

    file: str
    version: str
    data: Any


class Saved(Struct, frozen=True):
    """What an edit came to; `version` is "" when the file is gone, `commit` "" outside a repository.

    `before` is what was declared under the name until then, None for nothing.
    """

    file: str
    version: str
    commit: str
    warnings: tuple[str, ...] = ()
    before: Stored | None = None


class Saver(Struct, frozen=True):
    """Saves manifests below `root`. Its caller holds the lock of the directory."""

    root: Path

    def require_clean(self, path: Path, before: ManifestFile) -> None:
        """Raise ConduitError when git has committed something else than what is there."""
        self._require_below(path, before.name)
        git = self._git(path)
        if git and not git.holds(self._inside(git, path), _there(before)):
            summary = f"{before.name} differs from the last commit"
            raise ConduitError(Diagnostic(DIRTY, summary, Source(before.name), "commit it, or git restore it"))

    def save(self, path: Path, before: ManifestFile, after: bytes | None, message: str, author: Author) -> Saved:
        """Replace a file, or remove it, and commit that. Raises `Stale` when it is not what it was before."""
        self._require_below(path, before.name)
        staged, git = self._stage(path, after), self._git(path)
        try:
            fail("edit.staged")
            _require_same(path, before)
            commit = git.commit(self._inside(git, path), after, message, author) if git else ""
        except BaseException:
            staged.unlink()
            raise
        fail("edit.committed")
        warnings = () if not git or git.restage(self._inside(git, path)) else (_unstaged(before.name),)
        _put(staged, path, after)
        fail("edit.renamed")
        return Saved(before.name, "" if after is None else sha256(after).hexdigest(), commit, warnings)

    def recover(self) -> tuple[str, ...]:
        """Finish what a killed edit left: put in place what was committed, drop what was not; tell what was done."""
        left = sorted(self.root.rglob(f"{TEMPORARY}*.tmp"))
        return (*self._unlocked(left), *map(self._recovered, left))

    def _require_below(self, path: Path, name: str) -> None:
        if not path.parent.resolve().is_relative_to(self.root.resolve()):
            raise Stale(Diagnostic(MOVED, f"{name} lies outside the manifests, behind a link", Source(name)))

    def _stage(self, path: Path, after: bytes | None) -> Path:
        if not path.parent.is_dir():
            make_directory(path.parent, mode=0o755)
            sync_directory(path.parent.parent)
        try:
            there = path.stat()
        except FileNotFoundError:
            return stage_file(path, after or b"", mode=0o644)
        staged = stage_file(path, after or b"", mode=stat.S_IMODE(there.st_mode))
        os.chown(staged, there.st_uid, there.st_gid)
        return staged

    def _git(self, path: Path) -> Git | None:
        place = work_tree(self.root.resolve())
        if place is None:
            return None
        git = Git(place)
        return git if git.tracks(self._inside(git, path)) else None

    def _inside(self, git: Git, path: Path) -> str:
        return str((path.parent.resolve() / path.name).relative_to(git.work_tree))

    def _unlocked(self, left: list[Path]) -> Iterator[str]:
        """Remove the locks of git that a killed edit took after it had staged its file; a person's are left alone."""
        place = work_tree(self.root.resolve()) if left else None
        if place:
            staged = min(each.stat().st_mtime for each in left)
            yield from (f"removed {lock}, which a killed edit left" for lock in break_locks(place, staged))

    def _recovered(self, left: Path) -> str:
        path = left.with_name(left.name.removeprefix(TEMPORARY).rpartition(".")[0].rpartition(".")[0])
        content = read_regular(left, FILE_BYTES) or None
        git = self._git(path)
        if git and git.holds(self._inside(git, path), content):
            git.restage(self._inside(git, path))
            _put(left, path, content)
            return f"finished the edit of {path.name}, which was committed"
        left.unlink()
        return f"dropped an edit of {path.name} that was never committed"


def _there(before: ManifestFile) -> bytes | None:
    return before.content if before.digest else None


def _require_same(path: Path, before: ManifestFile) -> None:
    try:
        now = read_regular(path, FILE_BYTES)
    except FileNotFoundError:
        now = None
    if now != _there(before):
        raise Stale(Diagnostic(MOVED, f"{before.name} was saved by somebody else just now", Source(before.name)))


def _put(staged: Path, path: Path, after: bytes | None) -> None:
    if after is None:
        remove_file(path)
        staged.unlink()
    else:
        put_in_place(staged, path)


def _unstaged(file: str) -> str:
    return f"another git command held the index: run git reset -- {file}"
