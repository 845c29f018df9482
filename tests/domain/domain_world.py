"""What the domain tests share: manifests as text, expanded with a given site's settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conduit.engine import Engine
from conduit.errors import Diagnostic, LoadError
from conduit.expand import Desired
from conduit.resources import load_kinds
from conduit.settings import Settings

load_kinds()

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


def desired(place: Path, text: str, **settings: Any) -> Desired:
    """Load manifests as conduit does. Raises LoadError."""
    tree = place / "desired"
    tree.mkdir(exist_ok=True)
    (tree / "site.yaml").write_text(text)
    paths = {"desired": tree, "state_dir": place / "state"}
    return Engine(Settings.model_validate({**SETTINGS, **settings, **paths})).load()


def expanded(place: Path, text: str) -> tuple[Desired | None, list[Diagnostic]]:
    """Load manifests that may be refused: what they stand for, or why not."""
    try:
        return desired(place, text), []
    except LoadError as error:
        return None, list(error.diagnostics)
