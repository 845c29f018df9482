"""What a site declares: its manifests, as they lie there or of a commit, and the wish they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import field
from msgspec.structs import replace

from conduit.errors import Diagnostic, LoadError
from conduit.expand import Desired
from conduit.failpoints import fail
from conduit.manifests.load import load
from conduit.manifests.tree import Tree, read_still_tree
from conduit.model import Key, Source
from conduit.premises import Premises
from conduit.providers.site_files import SiteFiles
from conduit.resources import Kinds, load_kinds
from conduit.second_look import STILL
from conduit.settled_root import SettledRoot
from conduit.settled_roots import SettledRoots, read
from conduit.wish import Wish, wish_of, wrong_beside

if TYPE_CHECKING:
    from conduit.change import Change
    from conduit.manifests.known import Known
    from conduit.manifests.store import ManifestStore
    from conduit.recall import Recall


class Declarations(Premises):
    """The declarations of one site; a process that goes on gives its engines one `recall`."""

    kinds: Kinds = field(default_factory=load_kinds)
    wish: Wish | None = None
    """That of the manifests loaded last."""
    recall: Recall | None = None
    settled_roots: SettledRoots = SettledRoots()
    """Those that were kept when the manifests were loaded last."""

    @cached_property
    def store(self) -> ManifestStore:
        """The write path of the manifests."""
        from conduit.manifests.store import ManifestStore

        return ManifestStore(self.settings, self.kinds, self.check, self._known)

    @property
    def _known(self) -> Known | None:
        return self.recall.known if self.recall else None

    def load(self) -> Desired:
        """Read and expand the manifests. Raises LoadError with every problem.

        What was settled when the last plan found nothing is settled here, too, for `plan_for` to look at.
        """
        if self.settings.reconcile.source == "commit":
            return self.load_commit("HEAD")
        tree = self.tree(STILL, self._prepare)
        fail("load.read")
        if self.recall:
            self.wish = self.check(tree)
        else:
            self.settled_roots = read(self.state)
            settled = self.settled_roots.known(self.settings.evidence)
            self.wish = self.wish_of(tree, self._files(tree), self.now(), settled)
        return self.wish.desired

    def whole(self, desired: Desired) -> Desired:
        """Return what was loaded with nothing settled. Raises LoadError."""
        whole = desired.whole()
        if self.wish and self.wish.desired is desired:
            self.wish = replace(self.wish, desired=whole)
        return whole

    def tree(self, still: float = 0.0, meanwhile: Callable[[Tree], object] = lambda tree: None) -> Tree:
        """Read the manifests as they lie there, once they were left alone for `still` seconds. Raises LoadError."""
        root = self.settings.path(self.settings.desired)
        return read_still_tree(root, self.settings.base, still, self._known, meanwhile)

    def _prepare(self, tree: Tree) -> None:
        """Make the wish of a tree that has to rest: when it stays as it is, a process that goes on has it then."""
        if self.recall:
            with suppress(LoadError):
                self.check(tree)

    def load_commit(self, revision: str) -> Desired:
        """Read and expand the manifests of a commit. Raises LoadError, ConduitError when there is no such commit."""
        from conduit.manifests.commits import committed_tree

        self.wish = self.check(committed_tree(self.settings, revision))
        return self.wish.desired

    def check(self, tree: Tree) -> Wish:
        """Return the wish of a tree that need not be there. Raises LoadError with every problem."""
        now = self.now()
        if self.recall and (known := self.recall.wish(tree, now)):
            return known
        wish = self.wish_of(tree, self._files(tree), now)
        if self.recall:
            self.recall.keep(tree, wish, now)
        return wish

    def wish_of(
        self, tree: Tree, files: SiteFiles, now: float, settled: Mapping[Key, SettledRoot] | None = None
    ) -> Wish:
        """Return the wish of a tree with the files that it names. Raises LoadError with every problem."""
        loaded = load(tree, self.settings, self.kinds, now, self.state / "cache", settled)
        fail("load.parsed")
        manifests = loaded.whole(wrong_beside(loaded, self.settings, self.kinds, files))
        return wish_of(manifests, self.settings, self.kinds, files)

    def _files(self, tree: Tree) -> SiteFiles:
        """Return how the files that manifests name are read; git is not loaded for those that lie there."""
        if not tree.commit:
            return SiteFiles()
        from conduit.manifests.commits import files_of

        return files_of(tree, self.settings)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What the manifests, as they were loaded last, have to tell besides errors."""
        return self.wish.warnings if self.wish else ()

    def locate(self, key: Key, path: str = "") -> Source:
        """Return where a field of a declared resource stands; call `load` or `plan` first."""
        return self.wish.manifests.locate(key, path) if self.wish else Source("")

    def locate_change(self, change: Change, path: str) -> Source:
        """Return where the field of a leaf that a change is about was declared, in the terms of its root."""
        head, _, rest = path.partition(".")
        origin = change.want.from_.get(head, head) if change.want else head
        try:
            return self.locate(change.root, f"{origin}.{rest}" if rest else origin)
        except KeyError:
            return change.source
