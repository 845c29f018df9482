"""Every application of the Compose suite as a deployment: its leaves, and where each was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deployment_world import Site

from conduit.graph import edges
from conduit.model import Key
from tests.compose.kit import ENVIRONMENT, FILES

NAMES = sorted(path.name for path in FILES.iterdir())


def manifest(name: str) -> str:
    """Return a manifest that deploys an application of the suite, whatever it may do to the host."""
    spec = {"file": str(FILES / name / "compose.yaml"), "env": ENVIRONMENT, "profiles": ["*"], "dangerous": True}
    return json.dumps({"deployments": {name: spec}}, indent=1)


@pytest.mark.parametrize("name", NAMES)
def test_an_application_becomes_leaves_that_know_their_place(site: Site, name: str) -> None:
    found = site.expand(manifest(name))
    assert any(key.startswith(f"container/{name}-") for key in found)
    for key, leaf in found.items():
        assert leaf.root == Key("deployment", name), key
        assert Path(leaf.source.file).is_relative_to(FILES / name), key
        assert leaf.source.line > 0, key


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_leaf_needs_is_there(site: Site, name: str) -> None:
    leaves = {leaf.key: leaf for leaf in site.expand(manifest(name)).values()}
    depends, missing = edges(leaves, {})
    assert missing == []
    assert set(depends) == {key for key in leaves if key.kind == "container"}
