"""A small kind of our own, and a loader for manifests written by the test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field

from conduit import grammar
from conduit.errors import Diagnostic, LoadError
from conduit.kind import Kind
from conduit.manifests import load as loading
from conduit.manifests.load import Manifests
from conduit.manifests.tree import read_tree
from conduit.model import Secret
from conduit.resources import Kinds
from conduit.settings import Settings
from conduit.spec import Spec

NOW = 1_800_000_000.0


class Check(Spec):
    """A nested mapping."""

    path: Annotated[str, AfterValidator(grammar.path)] = "/"
    every: str = "10s"


class Backend(Spec):
    """A member of a union."""

    address: str
    weight: int = 1


class PageSpec(Spec):
    """One field of every sort."""

    upstream: str | None = None
    port: int | None = Field(None, ge=1, le=65535)
    ratio: float | None = None
    live: bool = False
    mode: Literal["internal", "off"] = "internal"
    check: Check | None = None
    backends: tuple[str | Backend, ...] = Field((), strict=False)
    headers: dict[str, str] = Field(default_factory=dict)
    password: str | Secret | None = None


class NeedySpec(Spec):
    """A field without a default."""

    upstream: str
    anything: Any = None


class Page(Kind[PageSpec]):
    """A composite kind; without a class-level name it stays out of the registry."""

    plural, spec = "pages", PageSpec


class Needy(Kind[NeedySpec]):
    """A leaf kind of a provider called `oven`."""

    plural, spec, provider = "needies", NeedySpec, "oven"


Page.name, Needy.name = "page", "needy"
KINDS = Kinds({"pages": "page", "needies": "needy"}, {"page": Page(), "needy": Needy()}.__getitem__)


def settings_at(base: Path, **sections: Any) -> Settings:
    """Settings whose conduit.yaml lies in `base`, with a section for the provider `oven`."""
    settings = Settings.model_validate({"oven": {}, **sections})
    settings._base = base
    return settings


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
def spec(load: Callable[..., Manifests]) -> Callable[[str], Any]:
    """`spec("port: 80")`: the spec of a page with these fields, in flow style."""
    return lambda fields: next(iter(load(f"pages: {{x: {{{fields}}}}}\n").resources.values())).spec
