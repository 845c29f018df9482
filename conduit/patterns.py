"""Regular expressions that are compiled when they are first used: a command uses few of all that there are. Pure."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _Pattern:
    """Looks like a compiled pattern; compiling takes longer than defining all else in many a module."""

    def __init__(self, *given: Any) -> None:
        self._given = given

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._given), name)
        setattr(self, name, found)
        return found


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return the pattern of a regular expression. Its first use raises re.error when it is none."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))
