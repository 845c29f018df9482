"""Puts the dashboard into the wheel when it was built; a wheel without it answers with the documented 503."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Dashboard(BuildHookInterface[Any]):
    """Ships ui/dist as conduit/ui, where the API looks for it. A checkout serves ui/dist itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the built files to a wheel of the `standard` sort."""
        built = Path(self.root) / "ui" / "dist"
        if version == "standard" and built.is_dir():
            build_data["force_include"][str(built)] = "conduit/ui"
