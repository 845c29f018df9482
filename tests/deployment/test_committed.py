"""Compose files of a commit: `source: commit` and `rollback` read what was committed, not what lies there now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conduit.engine import Engine
from conduit.evidence import hash_of_tree
from conduit.manifests.commits import committed_tree
from conduit.model import Key
from tests.deployment.deployment_world import Site
from tests.manifests.store_world import git, save

MANIFEST = "deployments:\n  wiki: {file: wiki/compose.yaml}\n"
COMPOSE = 'services:\n  web: {image: "nginx:1.27", environment: {WHO: %s}, env_file: mail.env}\n'
WEB = Key("container", "wiki-web-1")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A committed application below the manifests, and a file of variables that git does not know."""
    site = Site(tmp_path)
    site.write("desired/site.yaml", MANIFEST)
    site.write("desired/wiki/compose.yaml", COMPOSE % "first")
    site.write(".gitignore", "*.env\nkeys\nstate\n")
    site.write("desired/wiki/mail.env", "TO=ann\n")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    save(tmp_path, "first")
    return site


def environment(engine: Engine, revision: str) -> Any:
    spec = engine.load_commit(revision).leaves[WEB].spec
    return {name: str(value) for name, value in spec.environment.items()}


def test_an_application_is_no_manifest_of_a_commit_either(site: Site) -> None:
    """Regression: it was one, so the manifests never seemed committed and the loop held every deletion back."""
    committed, there = committed_tree(site.settings), Engine(site.settings).tree()
    assert [file.name for file in committed.files] == ["desired/site.yaml"]
    assert hash_of_tree(committed.files) == hash_of_tree(there.files)


def test_an_application_is_read_from_the_commit(site: Site) -> None:
    """Regression: it was read as it lies there, so a rollback kept the newest application."""
    site.write("desired/wiki/compose.yaml", COMPOSE % "second")
    engine = Engine(site.settings)
    assert environment(engine, "HEAD") == {"WHO": "first", "TO": "ann"}
    save(site.directory, "second")
    assert environment(engine, "HEAD") == {"WHO": "second", "TO": "ann"}
    assert environment(engine, "HEAD~1") == {"WHO": "first", "TO": "ann"}
    site.write("desired/wiki/mail.env", "TO=bob\n")
    assert environment(engine, "HEAD~1") == {"WHO": "first", "TO": "bob"}, "what git does not know is as it lies there"
