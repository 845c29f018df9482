"""Every application of the Compose suite as a deployment: its leaves, and where each was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deployment_world import KINDS, Site
from msgspec.structs import replace

from conduit.change import Action
from conduit.graph import edges, with_refs
from conduit.kind import Context
from conduit.model import Key, Live
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


@pytest.mark.parametrize("name", NAMES)
def test_stopping_an_application_stops_each_container_and_does_nothing_else(site: Site, name: str) -> None:
    """What a Compose file can say is read back in another form; only what really differs may count."""
    kind, context = KINDS["container"], Context(site.settings, 0.0)
    for leaf in site.expand(manifest(name)).values():
        if leaf.key.kind != "container" or leaf.spec.state != "running":
            continue
        spec = with_refs(leaf.spec, lambda ref: ref.resolved(f"sha256:{'0' * 64}"))
        wish = replace(leaf, spec=spec.model_copy(update={"state": "stopped"}))
        live = Live(leaf.key, "id", kind.render(spec, context), owned=True)
        diff = kind.same(wish, kind.render(wish.spec, context), live, context)
        assert [field.path for field in diff.fields] == ["state"], leaf.key
        assert kind.action(wish, live, diff) is Action.UPDATE
