"""What is wrong with the data of one declared name, in plain English. Pure: places are added by the caller."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from conduit.dialect.model_types import FieldPath, fields_at, types_at
from conduit.dialect.words import did_you_mean, nearest, shown
from conduit.errors import Code
from conduit.model import Secret
from conduit.patterns import pattern

UNKNOWN_KEY = Code(
    "CND-0201",
    "an unknown key",
    "The kind has no field of that name. Ignoring it would leave a wish without effect, so it is an error. "
    "`conduit schema KIND` lists the fields.",
)
MISSING_KEY = Code(
    "CND-0202",
    "a missing key",
    "The kind needs this field and has no default for it. `conduit schema KIND` lists the fields and what they hold.",
)
WRONG_VALUE = Code(
    "CND-0203",
    "a value the field does not take",
    "The value has the wrong form or is outside what the field allows. Types are strict: text is not turned into "
    "numbers or the other way round, and on, no and yes are text. Follow the hint, or see `conduit schema KIND`.",
)

MESSAGES: Final = {
    "string_type": "write text",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "int_parsing": "write a whole number",
    "float_type": "write a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "list_type": "write a list",
    "tuple_type": "write a list",
    "dict_type": "write a mapping of keys to values",
    "model_type": "write a mapping of keys to values",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length} of them",
    "too_long": "takes at most {max_length} of them",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "takes at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "literal_error": "write {expected}",
    "enum": "write {expected}",
}
YAML_1_1_WORDS: Final = frozenset(("yes", "no", "on", "off", "y", "n"))
SPACE: Final = "write a space after the colon"
NO_SPACE = pattern(r"[a-z_]+:[^ ]")
NUMBER_LIKE = pattern(r"[-+]?[0-9][0-9_.]*")


class Complaint(NamedTuple):
    """One problem below a declared name. `at_key` points at the key; `private` hides the line, for secrets."""

    code: Code
    summary: str
    path: FieldPath
    hint: str = ""
    at_key: bool = False
    private: bool = False


def complaints(
    error: ValidationError, model: type[BaseModel], data: Any, what: str, also: Iterable[str] = ()
) -> list[Complaint]:
    """Translate what pydantic says about `data`, which was to become a `model`.

    `what` names it to people, `also` are keys it may hold that are not fields of the model.
    Members of a union complain one by one: they are told as one complaint, or only by the member that got furthest,
    and of several that read the keys of a mapping only by the one that has the fewest complaints.
    A missing key is not told when a mistyped one stands in its place.
    """
    merged: dict[FieldPath, list[ErrorDetails]] = {}
    for details in _of_nearest_members(error.errors(include_url=False), data):
        merged.setdefault(_path(details, data), []).append(details)
    deepest = [path for path in merged if not any(_inside(other, path) for other in merged)]
    unknown = [path for path in deepest if merged[path][0]["type"] == "extra_forbidden"]
    mistyped = {(*path[:-1], nearest(str(path[-1]), fields_at(model, path[:-1]))) for path in unknown}
    return [
        _complaint(path, merged[path], model, data, what, also)
        for path in deepest
        if path not in mistyped or merged[path][0]["type"] != "missing"
    ]


def _of_nearest_members(found: list[ErrorDetails], data: Any) -> Iterator[ErrorDetails]:
    """Yield the complaints without those of union members that read a mapping and fit it worse than another does."""
    members = [_member(details, data) for details in found]
    counts = Counter(filter(None, members))
    fewest: dict[FieldPath, int] = {}
    for (union, _), count in counts.items():
        fewest[union] = min(count, fewest.get(union, count))
    for details, member in zip(found, members, strict=True):
        if member is None or counts[member] == fewest[member[0]]:
            yield details


def _member(details: ErrorDetails, data: Any) -> tuple[FieldPath, str | int] | None:
    """Return the path of the outermost union and its member, when that member complains of something inside."""
    path: list[str | int] = []
    for part in details["loc"][:-1]:
        if not _has(data, part):
            return tuple(path), part
        data = data[part]
        path.append(part)
    return None


def _path(details: ErrorDetails, data: Any) -> FieldPath:
    """Return the path in the data: pydantic's location without the labels of union members."""
    path: list[str | int] = []
    for part in details["loc"]:
        if _has(data, part):
            data = data[part]
        elif details["type"] != "missing" or part != details["loc"][-1]:
            continue
        path.append(part)
    return tuple(path)


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _inside(path: FieldPath, outer: FieldPath) -> bool:
    return len(path) > len(outer) and path[: len(outer)] == outer


def _complaint(
    path: FieldPath, errors: Sequence[ErrorDetails], model: type[BaseModel], data: Any, what: str, also: Iterable[str]
) -> Complaint:
    sort = errors[0]["type"]
    if sort in ("extra_forbidden", "missing"):
        key = shown(str(path[-1]))
        place = f"{what}, below {_dotted(path[:-1])}" if len(path) > 1 else what
        if sort == "missing":
            return Complaint(MISSING_KEY, f"missing key {key} in {place}", path[:-1], f"add {key}", at_key=True)
        known = {*fields_at(model, path[:-1]), *(also if len(path) == 1 else ())}
        glued = NO_SPACE.match(str(path[-1])) and str(path[-1]).partition(":")[0] in known
        hint = SPACE if glued else did_you_mean(str(path[-1]), known) or _choices(known)
        return Complaint(UNKNOWN_KEY, f"unknown key {key} in {place}", path, hint, at_key=True)
    private = Secret in types_at(model, path)
    hint = next((hint for each in errors if (hint := _hint(each) or _as_text(each, model, data, path))), "")
    said = " or ".join(dict.fromkeys(map(words_of, errors)))
    subject = f"wrong value for {shown(_dotted(path))} in {what}" if path else f"this {what} cannot be read"
    return Complaint(WRONG_VALUE, f"{subject}: {said}", path, "" if private else hint, private=private)


def words_of(error: ErrorDetails) -> str:
    """Return what pydantic found wrong with one value as a person says it."""
    template = MESSAGES.get(error["type"])
    if template:
        return template.format(**error.get("ctx", {}))
    return error["msg"].removeprefix("Value error, ").replace("Input should", "it should")


def _hint(error: ErrorDetails) -> str:
    value, kind = error["input"], error["type"]
    if value is None:
        return "nothing is written after the colon; write a value, or remove the key"
    if kind == "model_type" and isinstance(value, str) and NO_SPACE.match(value):
        return SPACE
    if kind == "bool_type" and isinstance(value, str) and value.lower() in YAML_1_1_WORDS:
        return f'"{value}" is text in YAML 1.2'
    if kind in ("int_type", "float_type") and isinstance(value, str) and NUMBER_LIKE.fullmatch(value):
        return "write plain digits: no quotes, no leading zero, no _"
    if kind in ("literal_error", "enum") and isinstance(value, str):
        return did_you_mean(value, re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected"))))
    if kind in ("literal_error", "enum") and isinstance(value, (bool, int)):
        return "quote it to make it text"
    return ""


def _as_text(error: ErrorDetails, model: type[BaseModel], data: Any, path: FieldPath) -> str:
    """Return what to write where a number or true stands for text: the same in quotes, or what the field takes."""
    value = error["input"]
    if error["type"] != "string_type" or not isinstance(value, (bool, int, float)):
        return ""
    quoted = str(value).lower()
    try:
        model.model_validate(_with(data, path, quoted))
    except ValidationError as still:
        if said := [words_of(each) for each in still.errors(include_url=False) if _path(each, data) == path]:
            return said[0]
    return f'quote it: "{quoted}"'


def _with(data: Any, path: FieldPath, value: Any) -> Any:
    """Return a copy of data with another value at a path."""
    if not path:
        return value
    copy = data.copy()
    copy[path[0]] = _with(data[path[0]], path[1:], value)
    return copy


def _dotted(path: Iterable[str | int]) -> str:
    return ".".join(map(str, path))


def _choices(names: Iterable[str]) -> str:
    known = sorted(names)
    return f"known are {', '.join(known[:12])}{', ...' if len(known) > 12 else ''}" if known else "remove it"
