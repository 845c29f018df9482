"""Which files are manifests, and their bytes. Nothing but plain files is ever opened for reading to its end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from conduit.errors import Code, Diagnostic, LoadError
from conduit.manifests.git import unmerged
from conduit.model import Source
from conduit.providers.files import read_regular
from conduit.stamps import Stamp, stamp_of

if TYPE_CHECKING:
    from conduit.manifests.known import Known

UNREADABLE = Code(
    "CND-0101",
    "a manifest that cannot be read",
    "Manifests are plain files: no links, pipes, devices or directories with a .yaml name, because what they hold may "
    "change behind conduit's back or lie outside the tree. Put a plain file there, make it readable, or remove it.",
)
NO_TREE = Code(
    "CND-0118",
    "no directory of manifests",
    "The directory of manifests named in conduit.yaml (desired/ by default) is not there. Loading goes no further, "
    "because an absent tree would mean to delete everything. Create it with `conduit init`, or correct `desired:`.",
)
UNMERGED = Code(
    "CND-0121",
    "a merge that is not finished",
    "git's index says that these manifests are in conflict: a merge, a rebase, a cherry-pick, a revert or a stash "
    "stopped half way. Even without conflict markers in it such a file may be one side only, or be back though the "
    "other side removed it. Put each right and `git add` or `git rm` it; `git status` tells how to go back instead.",
)

SUFFIXES: Final = (".yaml", ".yml")
APPLICATIONS: Final = frozenset(("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"))
"""Compose's own names for its files: applications, which manifests name, and no manifests."""
MAX_FILES: Final = 100_000
MAX_FILE_BYTES: Final = 16 * 2**20
MAX_TREE_BYTES: Final = 256 * 2**20
RESTLESS: Final = 20
NAMED: Final = 5
"""Files in conflict that are told by name."""

NO_STAMPS: Final[Mapping[str, Stamp]] = MappingProxyType({})


class ManifestFile(NamedTuple):
    """One manifest: its name for people, its bytes and their SHA-256."""

    name: str
    content: bytes
    digest: str


class Tree(Struct, frozen=True):
    """All manifests in the order of their names, what could not be read, and when the tree last changed (epoch).

    `base` is the directory their names count from; `stamps` are those of everything that was taken for a manifest.
    `commit` is where they are from, "" when they lie there.
    """

    files: list[ManifestFile]
    problems: list[Diagnostic]
    changed: float
    base: Path
    stamps: Mapping[str, Stamp] = NO_STAMPS
    commit: str = ""


def passed_over(name: str) -> bool:
    """Whether a file or directory of this name is nothing a manifest could be in: hidden, or an application."""
    return name.startswith(".") or name in APPLICATIONS


def read_still_tree(
    root: Path,
    base: Path,
    still: float,
    known: Known | None = None,
    meanwhile: Callable[[Tree], object] = lambda tree: None,
) -> Tree:
    """Read a tree that has not changed for `still` seconds: an editor or a pull may be half way through it.

    While it has to rest, `meanwhile` gets it as it is. A tree that never rests is read as it is after `RESTLESS` tries.
    Raises as `read_tree` does.
    """
    for _ in range(RESTLESS):
        tree = read_tree(root, base, known)
        if not 0 <= time.time() - tree.changed < still:
            break
        meanwhile(tree)
        time.sleep(max(0.0, min(still, tree.changed + still - time.time())))
    return tree


def read_tree(root: Path, base: Path, known: Known | None = None) -> Tree:
    """Read every manifest below `root`; names count from `base`. Hidden names and Compose files are ignored.

    With `known` only what changed since is read. Raises `LoadError` when `root` is no directory or the tree is beyond
    the limits.
    """
    if not root.is_dir():
        hint = "create it with `conduit init`, or correct `desired:` in conduit.yaml"
        raise LoadError(Diagnostic(NO_TREE, f"there is no directory {root}", hint=hint))
    shown, near = named(root, base)
    candidates, place = sorted(_candidates(root)), str(shown)
    plain = {f"{place}/{found.name}": found for found in candidates if found.name}
    stamps = {name: found.stamp for name, found in plain.items()}
    changed = max((found.changed for found in candidates), default=0.0)
    tree = Tree([], [], known.changed(stamps, changed) if known else changed, near, stamps)
    total = 0
    for name, found in plain.items():
        read = partial(_read, name, root, found)
        try:
            file = known.file(name, found.stamp, read) if known else read()
        except OSError as error:
            tree.problems.append(_unreadable(name, error))
            continue
        total += len(file.content)
        if len(tree.files) >= MAX_FILES or total > MAX_TREE_BYTES:
            from conduit.dialect.builder import TOO_MUCH

            limit = f"{MAX_FILES:,} files or {MAX_TREE_BYTES // 2**20} MiB"
            raise LoadError(Diagnostic(TOO_MUCH, f"{root} holds more than {limit}", hint="remove what does not belong"))
        tree.files.append(file)
    conflicts = [f"{place}/{name}" for name in unmerged(root)]
    return replace(tree, problems=[*tree.problems, _unmerged(conflicts)]) if conflicts else tree


def named(root: Path, base: Path) -> tuple[Path, Path]:
    """Return how the directory of manifests is shown, and the directory that its shown name counts from."""
    near = next((near for near in (base, Path.cwd()) if root.is_relative_to(near)), None)
    return (root.relative_to(near), near) if near else (root, root)


class _Found(NamedTuple):
    """A candidate; a directory has no name here, only the time of its last change."""

    name: str
    refusal: str
    changed: float = 0.0
    stamp: Stamp = ()


def _candidates(root: Path) -> Iterator[_Found]:
    """Yield what a person would take for a manifest, and why it is refused when it is not a plain file."""
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            yield _Found("", "", (root / inside).stat().st_mtime)
            entries = list(os.scandir(root / inside))
        except OSError as error:
            yield _Found(inside.rstrip("/") or ".", error.strerror or "unreadable")
            continue
        for entry in entries:
            name = inside + entry.name
            if passed_over(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False) and not name.endswith(SUFFIXES):
                waiting.append(f"{name}/")
            elif name.endswith(SUFFIXES) or (entry.is_symlink() and entry.is_dir()):
                there = entry.stat(follow_symlinks=False)
                yield _Found(name, _refusal(entry), there.st_mtime, stamp_of(there))


def _refusal(entry: os.DirEntry[str]) -> str:
    if not entry.name.isprintable():
        return "its name holds characters that cannot be shown"
    if entry.is_symlink():
        return "it is a symbolic link"
    if entry.is_dir(follow_symlinks=False):
        return "it is a directory with the name of a manifest"
    return "" if entry.is_file(follow_symlinks=False) else "it is not a plain file"


def _read(name: str, root: Path, found: _Found) -> ManifestFile:
    if found.refusal:
        raise OSError(found.refusal)
    content = read_regular(root / found.name, MAX_FILE_BYTES)
    return ManifestFile(name, content, sha256(content).hexdigest())


def _unreadable(name: str, error: OSError) -> Diagnostic:
    printable = name if name.isprintable() else ascii(name)
    reason = error.strerror.lower() if error.strerror else str(error)
    hint = "put a plain, readable file of at most 16 MiB there, or remove it"
    return Diagnostic(UNREADABLE, f"{printable} cannot be read: {reason}", Source(printable), hint)


def _unmerged(names: list[str]) -> Diagnostic:
    printable = [name if name.isprintable() else ascii(name) for name in names]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    summary = f"a merge is not finished: git has a conflict in {', '.join(printable[:NAMED])}{more}"
    hint = "resolve each and git add (or git rm) it; git status tells how to go back instead"
    return Diagnostic(UNMERGED, summary, Source(printable[0]), hint)
