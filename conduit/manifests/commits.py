"""The manifests as git has them: of the commit that is checked out, or of an earlier one."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from conduit.errors import Code, Diagnostic, LoadError
from conduit.manifests.git import head_commit, work_tree
from conduit.manifests.tree import SUFFIXES, ManifestFile, Tree, named, passed_over
from conduit.providers.committed_files import CommittedFiles
from conduit.providers.git import Git
from conduit.providers.site_files import SiteFiles
from conduit.settings import Settings

NO_COMMIT = Code(
    "CND-0140",
    "no commit to read the manifests from",
    "`rollback`, or `source: commit` in conduit.yaml, asks for the manifests of a commit. Their directory lies in no "
    "git work tree, or nothing was committed there yet. Commit them, or set `source: work tree`.",
)


def committed_tree(settings: Settings, revision: str = "HEAD") -> Tree:
    """Return the manifests of a commit, named as those in the work tree are. Raises ConduitError."""
    root = settings.path(settings.desired)
    place = work_tree(root.resolve())
    if place is None or not head_commit(place):
        hint = "git init, git add and git commit them"
        raise LoadError(Diagnostic(NO_COMMIT, f"{root} has no commit", hint=hint))
    below = str(root.resolve().relative_to(place)).removeprefix(".")
    shown, base = named(root, settings.base)
    files = []
    git = Git(place)
    commit = git.resolve(revision)
    for path, content in git.files(commit, below).items():
        inside = Path(path).relative_to(below)
        if inside.suffix in SUFFIXES and not any(map(passed_over, inside.parts)):
            files.append(ManifestFile(f"{shown}/{inside}", content, sha256(content).hexdigest()))
    return Tree(sorted(files), [], 0.0, base, commit=commit)


def files_of(tree: Tree, settings: Settings) -> SiteFiles:
    """Return how files that manifests name are read: those of a commit as they are in it."""
    place = work_tree(settings.path(settings.desired).resolve()) if tree.commit else None
    return CommittedFiles(Git(place), tree.commit) if place else SiteFiles()
