"""What is wrong with the fields of a request, as a person says it. Pure.

Bodies are read by pydantic, paths and queries by msgspec; neither speaks to the one who sent the request.
"""

from __future__ import annotations

import re
from typing import Any, Final

from litestar.exceptions import HTTPException
from msgspec import Struct

from conduit.dialect.complaints import words_of

OBJECTS: Final = frozenset(("model_type", "model_attributes_type", "dataclass_type", "dict_type"))
"""What pydantic calls a value that is no JSON object where one is needed."""
BODY: Final = "data"
"""What Litestar calls the body."""
NOTHING: Final = "'data'"
"""What it says when there is none."""
WHOLE: Final = ""
"""The name of the body itself."""

ABSENT: Final = re.compile(r"Missing required [a-z]+ parameter '([^']+)'")
"""How Litestar says which parameter of a query or header is missing; it tells that in words alone."""

SAID: Final = (
    (re.compile(r"Expected `int`, got .*"), "write a whole number"),
    (re.compile(r"Expected `bool`, got .*"), "write true or false"),
    (re.compile(r"Expected `\w+` >= (.*)"), r"must be at least \1"),
    (re.compile(r"Expected `\w+` <= (.*)"), r"must be at most \1"),
    (re.compile(r"Expected `str` of length >= 1"), "it is empty"),
    (re.compile(r"Expected `str` of length <= (.*)"), r"takes at most \1 characters"),
    (re.compile(r"Expected `str` matching regex (.*)"), r"must match \1"),
)
"""How msgspec puts it, and what that means."""


class Wrong(Struct, frozen=True):
    """One field that is wrong, by its dotted name, and what it takes."""

    field: str
    words: str


def wrong_fields(error: HTTPException) -> list[Wrong]:
    """Return what is wrong with a request; nothing when the request is not JSON at all."""
    if absent := ABSENT.match(str(error.detail)):
        return [Wrong(absent[1], "it is required")]
    if details := getattr(error.__cause__, "errors", None):
        return [Wrong(".".join(map(str, each["loc"])), _of_pydantic(each)) for each in details]
    found = [each for each in error.extra or () if isinstance(each, dict)]
    return [_of_msgspec(str(each.get("key", WHOLE)), str(each.get("message", "is wrong"))) for each in found]


def _of_pydantic(details: Any) -> str:
    if details["type"] == "missing":
        return "it is required"
    if details["type"] == "extra_forbidden":
        return "there is no such field"
    return "send a JSON object" if details["type"] in OBJECTS else words_of(details)


def _of_msgspec(field: str, message: str) -> Wrong:
    if field == BODY:
        return Wrong(WHOLE, "it is empty; send a JSON object" if message == NOTHING else "send a JSON object")
    for pattern, words in SAID:
        if found := pattern.fullmatch(message):
            return Wrong(field, found.expand(words))
    return Wrong(field, message)
