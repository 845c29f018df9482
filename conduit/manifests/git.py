"""Which commit the manifests are at, read from the repository's own files; nothing of git is run."""

from __future__ import annotations

from pathlib import Path


def head_commit(directory: Path) -> str:
    """Return the full id of the commit checked out around `directory`, or "" outside a repository."""
    for place in (directory, *directory.parents):
        marker = place / ".git"
        if marker.exists():
            try:
                return _head(marker)
            except OSError:
                return ""
    return ""


def _head(marker: Path) -> str:
    repository = marker
    if marker.is_file():
        repository = marker.parent / marker.read_text().removeprefix("gitdir:").strip()
    head = (repository / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    common = repository / "commondir"
    shared = repository / common.read_text().strip() if common.exists() else repository
    loose = shared / name
    if loose.exists():
        return loose.read_text().strip()
    for line in (shared / "packed-refs").read_text().splitlines():
        commit, _, ref = line.partition(" ")
        if ref == name:
            return commit
    return ""
