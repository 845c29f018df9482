"""What the deployment tests share: manifests written into a directory, loaded and expanded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conduit.errors import ConduitError, Diagnostic
from conduit.expand import DeclaredLook
from conduit.manifests.load import load
from conduit.manifests.tree import read_tree
from conduit.model import Key
from conduit.providers.site_files import SiteFiles
from conduit.resources import load_kinds
from conduit.settings import Settings
from conduit.spec import Resource
from conduit.upstreams import rules_of

KINDS = load_kinds()


class Site:
    """A directory with manifests below desired/, and settings that name a Docker."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.directory = directory
        sections: dict[str, Any] = {name: {} for name in ("caddy", "nginx", "dnsmasq", "certs", "docker")}
        own = {"state_dir": str(directory / "state"), "keys_dir": str(directory / "keys")}
        self.settings = Settings.model_validate({"proxy_address": "10.9.9.9"} | own | sections | settings)
        self.settings._base = directory
        self.files = SiteFiles()

    def write(self, name: str, text: str) -> Path:
        """Write a file and return its path."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def expand(self, manifest: str) -> dict[str, Resource[Any]]:
        """Return the leaves of everything in a manifest by key text. Raises `ConduitError`."""
        self.write("desired/site.yaml", manifest)
        tree = read_tree(self.settings.path(self.settings.desired), self.settings.base)
        found = load(tree, self.settings, KINDS, 0.0).whole()
        look = DeclaredLook(
            self.settings, found.resources, rules_of(self.settings), lambda name: [], self.files, found.written
        )
        self.warnings = look.warnings
        leaves: dict[str, Resource[Any]] = {}
        problems: list[Diagnostic] = []
        for root in found.resources.values():
            kind = KINDS[root.key.kind]
            try:
                expanded = list(kind.expand(root, look)) if kind.composite else [root]
            except ConduitError as error:
                problems += error.diagnostics
                continue
            for leaf in expanded:
                assert leaves.setdefault(str(leaf.key), leaf) == leaf
        if problems:
            raise ConduitError(problems)
        return leaves

    def problems(self, manifest: str) -> list[Diagnostic]:
        """Return what is wrong with a manifest."""
        try:
            self.expand(manifest)
        except ConduitError as error:
            return list(error.diagnostics)
        raise AssertionError("nothing is wrong with it")

    def problem(self, manifest: str) -> Diagnostic:
        """Return the only thing that is wrong with a manifest."""
        (found,) = self.problems(manifest)
        return found


def container(name: str) -> Key:
    """Return the key of a container."""
    return Key("container", name)


def place(found: Diagnostic) -> str:
    """Return the place of a problem without the directory it lies in."""
    assert found.source
    return f"{Path(found.source.file).name}:{found.source.line}"
