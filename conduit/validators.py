"""Annotations of a spec's fields: a function that checks a value, or brings it to its one normal form. Pure.

As pydantic's AfterValidator and BeforeValidator, for functions of one argument alone. Those look at the signature of
their function whenever the validator of a model is built, which takes a sixth of that time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Check = Callable[[Any], Any]
"""Returns the value, perhaps in another form. Raises ValueError with words that tell how to write it."""


class After:
    """Give a value of the field's type to `check`."""

    def __init__(self, check: Check) -> None:
        self._check = check

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))


class Before:
    """Give whatever was written to `check`; what that returns has to be of the field's type."""

    def __init__(self, check: Check) -> None:
        self._check = check

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))
