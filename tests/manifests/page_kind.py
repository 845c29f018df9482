"""Two small kinds of our own, with a field of every sort, and settings for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from conduit import grammar
from conduit.kind import Kind
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
