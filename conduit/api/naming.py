"""What a request is about and what it does, in the words of the documented API's audit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conduit.audit.act import LONGEST_WORD
from conduit.patterns import pattern

VERBS: Final[Mapping[str, str]] = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
NOT_IN_A_WORD: Final = pattern(r"[^a-z0-9]+")


def action_of(scope: Mapping[str, Any]) -> str:
    """Return `<resource>[_<sub>].<list|read|create|update|delete>` of a request."""
    fixed = [word for word, given in _parts(scope) if not given]
    last_is_given = any(given for _, given in _parts(scope)[-1:])
    verb = VERBS.get(scope["method"], "read" if last_is_given else "list")
    words = "_".join(fixed) if fixed else subject_of(scope)[0]
    return f"{NOT_IN_A_WORD.sub('_', words.lower()) or 'system'}.{verb}"


def subject_of(scope: Mapping[str, Any]) -> tuple[str, str]:
    """Return the resource a request is about, and the name of the one, "" for none."""
    parts = _parts(scope)
    names = [word for word, given in parts[1:] if given]
    resource = parts[0][0] if parts else "system"
    return resource[:LONGEST_WORD], names[0][:LONGEST_WORD] if names else ""


def _parts(scope: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Return the parts of the path below /api, each with whether the caller chose it.

    The native part names its kind after `resources`: that is the resource then.
    """
    given = {str(value) for value in scope.get("path_params", {}).values()}
    parts = [part for part in scope["path"].split("/") if part][1:]
    if parts[:1] == ["resources"] and len(parts) > 1:
        return [(parts[1], False), *((part, True) for part in parts[2:])]
    return [(part, number > 0 and part in given) for number, part in enumerate(parts)]
