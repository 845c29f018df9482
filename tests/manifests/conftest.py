"""A loader for manifests written by the test, and a site of two pages in git."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from conduit.errors import Diagnostic, LoadError
from conduit.manifests import load as loading
from conduit.manifests.load import Manifests
from conduit.manifests.tree import read_tree
from conduit.resources import Kinds
from tests.manifests.page_kind import KINDS, NOW, settings_at
from tests.manifests.store_world import site_at


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The directory of a committed site with two pages."""
    return site_at(tmp_path / "site")


@pytest.fixture
def kinds() -> Kinds:
    """The kinds these tests declare."""
    return KINDS


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Manifests]:
    """`load({"a.yaml": text}, cache=None, **sections)`: write the files into a new site and load it."""
    sites = itertools.count()

    def run(
        files: Mapping[str, str | bytes] | str | bytes, cache: Path | None = None, now: float = NOW, **sections: Any
    ) -> Manifests:
        base = tmp_path / f"site-{next(sites)}"
        (base / "desired").mkdir(parents=True)
        for name, content in (files if isinstance(files, Mapping) else {"a.yaml": files}).items():
            path = base / "desired" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        tree, settings = read_tree(base / "desired", base), settings_at(base, **sections)
        return loading.load(tree, settings, KINDS, now, cache).whole()

    return run


@pytest.fixture
def refuse(load: Callable[..., Manifests]) -> Callable[..., list[Diagnostic]]:
    """`refuse(...)`: load what must not load, and return its problems."""

    def run(*words: Any, **options: Any) -> list[Diagnostic]:
        with pytest.raises(LoadError) as caught:
            load(*words, **options)
        return list(caught.value.diagnostics)

    return run


@pytest.fixture
def problem_of(refuse: Callable[..., list[Diagnostic]]) -> Callable[..., Diagnostic]:
    """`problem_of(...)`: load what must not load, and return the one problem it has."""

    def run(*words: Any, **options: Any) -> Diagnostic:
        (problem,) = refuse(*words, **options)
        return problem

    return run


@pytest.fixture
def spec(load: Callable[..., Manifests]) -> Callable[[str], Any]:
    """`spec("port: 80")`: the spec of a page with these fields, in flow style."""
    return lambda fields: next(iter(load(f"pages: {{x: {{{fields}}}}}\n").resources.values())).spec
