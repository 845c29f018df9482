"""Environment variables that stand for settings, for those who configure a process from outside. Pure.

They win over conduit.yaml, and an empty one counts as not set.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

VARIABLES: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "CONDUIT_DIR": (("state_dir",),),
    "CONDUIT_APP_NAME": (("site",),),
    "CONDUIT_DOMAIN": (("internal_domain",),),
    "CONDUIT_CADDY_ADMIN": (("caddy", "admin"),),
    "CONDUIT_BIND_HOST": (("api", "host"),),
    "CONDUIT_BIND_PORT": (("api", "port"),),
    "CONDUIT_RATE_LIMIT": (("api", "reads_per_minute"), ("api", "writes_per_minute")),
    "CONDUIT_ALLOWED_UPSTREAMS": (("upstreams", "allow"),),
}
"""Each variable and the settings it stands for."""
NUMBERS: Final = frozenset(("CONDUIT_BIND_PORT", "CONDUIT_RATE_LIMIT"))
LISTS: Final = frozenset(("CONDUIT_ALLOWED_UPSTREAMS",))
"""Values with commas between them."""


def given(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are set."""
    return {name: value for name in VARIABLES if (value := environment.get(name))}


def overlaid(data: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the content of conduit.yaml with the variables laid over it; a wrong value stays for validation."""
    result = deepcopy(dict(data))
    for name, text in given(environment).items():
        for path in VARIABLES[name]:
            at = result
            for step in path[:-1]:
                at[step] = dict(at.get(step) or {})
                at = at[step]
            at[path[-1]] = _value(name, text)
    return result


def _value(name: str, text: str) -> Any:
    if name in NUMBERS and text.isascii() and text.isdecimal():
        return int(text)
    return [part.strip() for part in text.split(",") if part.strip()] if name in LISTS else text
