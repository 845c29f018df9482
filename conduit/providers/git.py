"""git as a store of manifests: commits made and old trees read with libgit2, which runs no program at all.

No hook, filter, pager, file watcher or setting of a user takes part, and nothing in the work tree is read or written;
libgit2's check of who owns the repository stays. Sources: https://www.pygit2.org, githooks(5), gitattributes(5).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from conduit.errors import Code, ConduitError, Diagnostic, Stale
from conduit.patterns import pattern

if TYPE_CHECKING:
    from pygit2 import Commit, Index, Oid, Tree
    from pygit2.enums import CheckoutStrategy
    from pygit2.repository import Repository

GIT_FAILED = Code(
    "CND-0135",
    "git refused",
    "Manifests in a git work tree are committed with each edit, and the repository could not be read or written. The "
    "reason is in the message. Usual causes are a work tree that belongs to another user than the one conduit runs "
    "as, a full disk, and a damaged repository. Nothing was changed.",
)
HEAD_MOVED = Code(
    "CND-0136",
    "somebody else committed at the same moment",
    "Between reading the manifests and committing the edit, the branch got another commit. Nothing was written. Make "
    "the edit again on what is there now.",
)

REWOUND = Code(
    "CND-0143",
    "history_rewound",
    "The branch of the remote does not follow after the commit that is checked out: it was rewound or rewritten, or "
    "edits were committed here that it does not have. Nothing is checked out, because edits would be lost. Look at "
    "both with `git log --graph --all`, and merge, push or reset by hand.",
)

COMMITTER: Final = ("conduit", "conduit@localhost")
PLAIN: Final = (0o100644, 0o100755)
"""How git notes plain files, such as one may be run and one not."""
NOT_IN_A_NAME: Final = pattern("[<>\x00-\x1f]")
INDEX_SECONDS: Final = 2.0
"""How long to wait for a person's own git command to give the index back."""


class Author(Struct, frozen=True):
    """Whose wish a commit is."""

    name: str
    email: str


class Git:
    """The repository of one work tree; paths in it are relative to that. Every method may raise `ConduitError`."""

    def __init__(self, work_tree: Path) -> None:
        self.work_tree = work_tree

    def resolve(self, revision: str) -> str:
        """Return the id of the commit a person calls `revision`."""
        with self._opened() as repository:
            return str(self._commit(repository, revision).id)

    def tracks(self, path: str) -> bool:
        """Tell whether a file belongs to the repository: it is committed, or at least not ignored."""
        with self._opened() as repository:
            return _blob(repository, path) is not None or not repository.path_is_ignored(path)

    def holds(self, path: str, content: bytes | None) -> bool:
        """Tell whether the commit that is checked out has exactly this content at `path`; None for no file."""
        import pygit2

        with self._opened() as repository:
            return _blob(repository, path) == (None if content is None else pygit2.hash(content))

    def files(self, revision: str, below: str) -> dict[str, bytes]:
        """Return every plain file of a commit below a directory, by its path."""
        with self._opened() as repository:
            tree: Any = self._commit(repository, revision).tree
            for part in Path(below).parts:
                if part not in tree or tree[part].type_str != "tree":
                    return {}
                tree = tree[part]
            return dict(_files(tree, below))

    def content(self, revision: str, path: str) -> bytes | None:
        """Return one plain file of a commit, None when it has no such file."""
        with self._opened() as repository:
            tree: Any = self._commit(repository, revision).tree
            try:
                found = tree[os.path.normpath(path)]
            except KeyError:
                return None
            return found.data if found.filemode in PLAIN else None

    def is_ahead(self, tip: str, head: str) -> bool:
        """Tell whether a commit follows after `head`, not before it. Raises ConduitError when it does neither."""
        with self._opened() as repository:
            if tip == head or repository.descendant_of(head, tip):
                return False
            if repository.descendant_of(tip, head):
                return True
        hint = "look at both with git log, then merge or reset by hand"
        raise ConduitError(Diagnostic(REWOUND, f"{tip[:12]} does not follow after {head[:12]}", hint=hint))

    def missing(self, tip: str) -> int:
        """Return how many commits lead to `tip` that what is checked out does not have."""
        with self._opened() as repository:
            return int(repository.ahead_behind(repository.head.target, self._commit(repository, tip).id)[1])

    def advance(self, tip: str) -> None:
        """Check out a later commit and move the branch to it; a file somebody works on makes it fail untouched."""
        with self._opened() as repository:
            head, checkout = repository.head, cast(Any, repository.checkout_tree)
            checkout(repository.get(tip), strategy=_safe())
            head.set_target(tip, "conduit: pull")

    def commit(self, path: str, content: bytes | None, message: str, author: Author) -> str:
        """Commit one file as `content`, or its removal, on top of what is checked out, and return the commit's id.

        Everything else a person may have staged stays staged. Raises `Stale` when the branch moved meanwhile.
        """
        import pygit2

        with self._opened() as repository:
            parents = [] if repository.head_is_unborn else [repository.head.target]
            index = pygit2.Index()
            if parents:
                index.read_tree(repository.head.peel(pygit2.Tree))
            _enter(index, path, None if content is None else repository.create_blob(content))
            name = NOT_IN_A_NAME.sub("", author.name).strip() or "unknown"
            email = NOT_IN_A_NAME.sub("", author.email).strip() or "unknown"
            who, by = pygit2.Signature(name, email), pygit2.Signature(*COMMITTER)
            tree = index.write_tree(repository)
            try:
                return str(repository.create_commit("HEAD", who, by, message, tree, parents))
            except pygit2.GitError as error:
                if "tip is not the first parent" not in str(error):
                    raise
                hint = "make the edit again"
                raise Stale(Diagnostic(HEAD_MOVED, "another commit was made meanwhile", hint=hint)) from None

    def restage(self, path: str) -> bool:
        """Let the index say of one file what the last commit says; False while somebody else holds the index.

        Then `git status` shows the file as staged until `git reset -- PATH`; no content is lost by it.
        """
        import pygit2

        deadline = time.monotonic() + INDEX_SECONDS
        while True:
            with self._opened() as repository:
                try:
                    index = repository.index
                    _enter(index, path, _blob(repository, path))
                    index.write()
                except (pygit2.GitError, OSError):
                    if time.monotonic() > deadline:
                        return False
                else:
                    return True
            time.sleep(0.05)

    @contextmanager
    def _opened(self) -> Iterator[Repository]:
        import pygit2

        without_settings_of_users()
        try:
            yield pygit2.Repository(str(self.work_tree))
        except (pygit2.GitError, OSError, ValueError) as error:
            summary = f"the git repository in {self.work_tree}: {error}"
            raise ConduitError(Diagnostic(GIT_FAILED, summary, hint="see conduit explain CND-0135")) from error

    def _commit(self, repository: Repository, revision: str) -> Commit:
        import pygit2

        try:
            return repository.revparse_single(revision).peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError):
            hint = "git log -- desired/ lists what there is"
            raise ConduitError(Diagnostic(GIT_FAILED, f"there is no commit {revision!a}", hint=hint)) from None


@cache
def without_settings_of_users() -> None:
    """Let libgit2 read no settings but a repository's own, and write durably."""
    import pygit2
    from pygit2.enums import ConfigLevel

    for level in (ConfigLevel.SYSTEM, ConfigLevel.GLOBAL, ConfigLevel.XDG):
        pygit2.settings.search_path[level] = ""
    pygit2.settings.enable_fsync_gitdir(True)


def _safe() -> CheckoutStrategy:
    from pygit2.enums import CheckoutStrategy

    return CheckoutStrategy.SAFE | CheckoutStrategy.RECREATE_MISSING


def _enter(index: Index, path: str, blob: Oid | None) -> None:
    """Let an index say that a file has this content, or that there is none."""
    from pygit2 import IndexEntry
    from pygit2.enums import FileMode

    if blob:
        index.add(IndexEntry(path, blob, FileMode.BLOB))
    elif path in index:
        index.remove(path)


def _blob(repository: Repository, path: str) -> Oid | None:
    """Return the id of a file's content in the commit that is checked out, None when it has no such file."""
    import pygit2

    if repository.head_is_unborn:
        return None
    tree = repository.head.peel(pygit2.Tree)
    return tree[path].id if path in tree else None


def _files(tree: Tree, below: str) -> Iterator[tuple[str, bytes]]:
    import pygit2

    for entry in tree:
        path = f"{below}/{entry.name}" if below else str(entry.name)
        if isinstance(entry, pygit2.Tree):
            yield from _files(entry, path)
        elif isinstance(entry, pygit2.Blob) and entry.filemode in PLAIN:
            yield path, entry.data
