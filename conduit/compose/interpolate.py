"""Variables in Compose files: `$NAME`, `${NAME}` and its forms with defaults, errors and replacements. Pure.

The rules are those of the Compose Specification, section Interpolation: values only, never keys; `$$` is a dollar;
a brace closes at the first `}` that is not the end of a `${` inside; what stands behind an operator may hold variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from conduit.compose.nodes import Node, Problems, mapped
from conduit.errors import Code
from conduit.patterns import pattern

BAD_VARIABLE = Code(
    "CND-1401",
    "a variable that cannot be read",
    "Text in a Compose file may hold $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:?error}, ${NAME?error}, "
    "${NAME:+replacement} and ${NAME+replacement}. A dollar that means a dollar is written twice: $$.",
)
REQUIRED_VARIABLE = Code(
    "CND-1402",
    "a required variable without a value",
    "${NAME:?error} and ${NAME?error} demand a value. Set the variable in the deployment's environment or in the .env "
    "file beside the Compose file. ${NAME:?error} takes no empty value either.",
)
UNSET_VARIABLE = Code(
    "CND-1403",
    "a variable that is not set",
    "The variable has no value, so nothing is put in its place, as `docker compose` does. Set it in the deployment's "
    "environment or in .env, or write ${NAME-} to say that nothing is meant.",
)

TOKEN = pattern(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(:?[-?+]|\})|)", re.ASCII)
MAX_LENGTH: Final = 1 << 20
"""The longest text variables may make: 1 MiB."""
MAX_DEPTH: Final = 20


class Missing(ValueError):
    """A required variable has no value."""


def substitute(text: str, values: Mapping[str, str], unset: Callable[[str], None] = lambda name: None) -> str:
    """Return `text` with its variables filled in; `unset` is told each one that has no value and no default.

    Raises ValueError for a malformed variable, and `Missing` for a required one without a value.
    """
    return _fill(text, values, unset, 0)


def _fill(text: str, values: Mapping[str, str], unset: Callable[[str], None], depth: int) -> str:
    if depth > MAX_DEPTH:
        raise ValueError(f"variables are nested deeper than {MAX_DEPTH} levels")
    made: list[str] = []
    at = 0
    while match := TOKEN.search(text, at):
        made.append(text[at : match.start()])
        dollar, named, braced, operator = match.groups()
        at = match.end()
        if dollar:
            made.append("$")
        elif named or operator == "}":
            made.append(_value(named or braced, values, unset))
        elif braced:
            end = _closing(text, at)
            made.append(_operated(braced, operator, text[at:end], values, unset, depth))
            at = end + 1
        else:
            raise ValueError("a $ begins no variable")
    made.append(text[at:])
    if sum(map(len, made)) > MAX_LENGTH:
        raise ValueError("the variables make more than 1 MiB of text")
    return "".join(made)


def _closing(text: str, at: int) -> int:
    """Return the offset of the brace that closes the one before `at`."""
    opened = 1
    for match in re.compile(r"\$\$|\$\{|\}").finditer(text, at):
        opened += {"${": 1, "}": -1}.get(match[0], 0)
        if not opened:
            return match.start()
    raise ValueError("a ${ has no closing brace")


def _value(name: str, values: Mapping[str, str], unset: Callable[[str], None]) -> str:
    if name not in values:
        unset(name)
    return values.get(name, "")


def _operated(
    name: str, operator: str, word: str, values: Mapping[str, str], unset: Callable[[str], None], depth: int
) -> str:
    value = values.get(name)
    has = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return _fill(word, values, unset, depth + 1) if has else ""
    if has:
        return value or ""
    filled = _fill(word, values, unset, depth + 1)
    if operator.endswith("-"):
        return filled
    raise Missing(f"the variable {name} needs a value{': ' + filled if filled else ''}")


def interpolate(node: Node, values: Mapping[str, str], problems: Problems) -> Node:
    """Return a tree with the variables of all its texts filled in; keys stay as they are."""

    def fill(leaf: Node) -> Node:
        if not isinstance(leaf.value, str) or "$" not in leaf.value:
            return leaf

        def unset(name: str) -> None:
            hint = f"set it in .env or the environment, or write ${{{name}-}}"
            problems.warn(UNSET_VARIABLE, f"the variable {name} is not set, so it is empty", leaf, hint)

        try:
            return leaf.holding(substitute(leaf.value, values, unset))
        except Missing as error:
            problems.add(REQUIRED_VARIABLE, str(error), leaf, "set it in .env or in the deployment's environment")
        except ValueError as error:
            problems.add(BAD_VARIABLE, str(error), leaf, "write ${NAME}, or $$ for a dollar")
        return leaf

    return mapped(node, fill)
