"""Texts kept in a git repository under a reference of our own: no branch, index or file of anybody is touched.

Each text is the message of a commit without files, after the one before, so what was written once stays in the history,
and goes with whoever fetches or pushes the reference. Written with libgit2, which runs no program.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conduit.errors import ConduitError, Diagnostic
from conduit.providers.git import COMMITTER, GIT_FAILED, without_settings_of_users
from conduit.providers.git_locks import break_own_lock

if TYPE_CHECKING:
    from pygit2.repository import Repository


class GitRef:
    """One reference in the repository of a work tree. Every method may raise `ConduitError`."""

    def __init__(self, work_tree: Path, name: str) -> None:
        self.work_tree, self.name = work_tree, name

    def append(self, text: str) -> None:
        """Write a text after the last one, durably."""
        import pygit2

        try:
            repository = self._opened()
            break_own_lock(repository, self.name)
            parents = [repository.references[self.name].target] if self.name in repository.references else []
            by = pygit2.Signature(*COMMITTER)
            repository.create_commit(self.name, by, by, text, repository.TreeBuilder().write(), parents)
        except (pygit2.GitError, OSError, ValueError) as error:
            raise self._failed(error) from error

    def newest(self) -> str | None:
        """Return the last text, None when there is none."""
        import pygit2

        try:
            repository = self._opened()
            known = self.name in repository.references
            return str(repository.references[self.name].peel(pygit2.Commit).message) if known else None
        except (pygit2.GitError, OSError, ValueError) as error:
            raise self._failed(error) from error

    def _opened(self) -> Repository:
        import pygit2

        without_settings_of_users()
        return pygit2.Repository(str(self.work_tree))

    def _failed(self, error: Exception) -> ConduitError:
        summary = f"{self.name} of the git repository in {self.work_tree}: {error}"
        return ConduitError(Diagnostic(GIT_FAILED, summary, hint="see conduit explain CND-0135"))
