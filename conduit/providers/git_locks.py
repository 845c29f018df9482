"""Locks of git that a killed process left: one is held for an instant, and a kill in that instant leaves it for good.

A lock is a file NAME.lock beside NAME, made to be renamed over it. Source: git's api-lockfile documentation.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conduit.providers.files import remove_file
from conduit.providers.git import without_settings_of_users

if TYPE_CHECKING:
    from pygit2.repository import Repository

HELD_SECONDS: Final = 3.0
"""No command of git holds one of these locks for so long; one that is as old is nobody's."""


def break_locks(work_tree: Path, since: float) -> Iterator[Path]:
    """Remove the locks that were taken after `since` (epoch seconds) and are not given back, and yield them.

    Raises OSError.
    """
    for lock in _locks(work_tree):
        if _taken(lock) >= since and _stays(lock):
            remove_file(lock)
            yield lock


def break_own_lock(repository: Repository, name: str) -> None:
    """Remove the lock of a reference that nobody but conduit writes when it is not given back. Raises OSError."""
    lock = _lock_of(_common(repository) / name)
    if lock.exists() and _stays(lock):
        remove_file(lock)


def _locks(work_tree: Path) -> Iterator[Path]:
    """Yield the locks of the index, of HEAD, and of the branch that is checked out."""
    import pygit2

    without_settings_of_users()
    with suppress(pygit2.GitError):
        repository = pygit2.Repository(str(work_tree))
        own, branch = Path(repository.path), repository.lookup_reference("HEAD").target
        branches = [_common(repository) / branch] if isinstance(branch, str) else []
        yield from filter(Path.is_file, map(_lock_of, (own / "HEAD", own / "index", *branches)))


def _common(repository: Repository) -> Path:
    """Return the directory with what all work trees of a repository share, such as references."""
    own = Path(repository.path)
    marker = own / "commondir"
    return own / marker.read_text().strip() if marker.is_file() else own


def _lock_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.lock")


def _taken(lock: Path) -> float:
    """Return when a lock was taken (epoch seconds), 0 when it is not there any more."""
    with suppress(FileNotFoundError):
        return lock.stat().st_mtime
    return 0.0


def _stays(lock: Path) -> bool:
    """Tell whether a lock is not given back within the time that git takes."""
    end = time.monotonic() + HELD_SECONDS
    while taken := _taken(lock):
        if time.time() - taken > HELD_SECONDS or time.monotonic() > end:
            return True
        time.sleep(0.05)
    return False
