"""What the domain tests share: manifests as text, expanded with a given site's settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conduit.engine import Engine
from conduit.errors import Diagnostic, LoadError
from conduit.expand import DeclaredLook, Desired
from conduit.manifests.load import load
from conduit.manifests.tree import read_tree
from conduit.providers.site_files import SiteFiles
from conduit.resources import load_kinds
from conduit.settings import Settings
from conduit.spec import Resource
from conduit.upstreams import rules_of

KINDS = load_kinds()

SETTINGS: Mapping[str, Any] = {
    "proxy_address": "10.9.9.9",
    "caddy": {"https": [":8443"], "http": [":8080"]},
    "nginx": {"https": [":443"], "http": [":80"]},
    "dnsmasq": {},
    "certs": {},
}

SERVICE = """
services:
  wiki:
    upstream: 10.0.1.5:3000
"""
BLOG = SERVICE + "domains:\n  blog: {domain: Blog.Example.com., service: wiki"


def engine(place: Path, text: str, **settings: Any) -> Engine:
    """A site with one manifest."""
    tree = place / "desired"
    tree.mkdir(exist_ok=True)
    (tree / "site.yaml").write_text(text)
    paths = {"desired": tree, "state_dir": place / "state"}
    return Engine(Settings.model_validate({**SETTINGS, **settings, **paths}))


def desired(place: Path, text: str, **settings: Any) -> Desired:
    """Load manifests as conduit does. Raises LoadError."""
    return engine(place, text, **settings).load()


def parts(place: Path, text: str) -> dict[str, Resource[Any]]:
    """Expand manifests with deployments, kind by kind; returns the leaves by key text. Raises `ConduitError`."""
    site = engine(place, text, docker={})
    declared = load(read_tree(place / "desired", place), site.settings, KINDS, 0.0).whole()
    look = DeclaredLook(
        site.settings, declared.resources, rules_of(site.settings), lambda name: [], SiteFiles(), declared.written
    )
    found = (leaf for root in declared.resources.values() for leaf in KINDS[root.key.kind].expand(root, look))
    return {str(leaf.key): leaf for leaf in found}


def expanded(place: Path, text: str) -> tuple[Desired | None, list[Diagnostic]]:
    """Load manifests that may be refused: what they stand for, or why not."""
    try:
        return desired(place, text), []
    except LoadError as error:
        return None, list(error.diagnostics)


def refusal(place: Path, text: str) -> Any:
    """The one problem of a manifest."""
    with pytest.raises(LoadError) as caught:
        desired(place, text)
    (problem,) = caught.value.diagnostics
    return problem
