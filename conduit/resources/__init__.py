"""One file per kind. Composite kinds expand, leaf kinds render and parse; never both.

A composite module may import the specs of leaf modules; nothing else goes sideways.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from conduit.kind import KINDS, Kind


def load_kinds() -> dict[str, Kind[Any]]:
    """Import every module of this package and return the registry of kinds, in the order of the modules' names."""
    for module in sorted(found.name for found in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")
    return KINDS
