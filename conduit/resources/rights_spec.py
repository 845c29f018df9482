"""The fields of those who may do something: permissions, the names of roles, addresses for mail. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import Field

from conduit import grammar
from conduit.identity.permissions import permission
from conduit.patterns import pattern
from conduit.validators import After

EMAIL: Final = pattern(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)


def _sorted(values: tuple[str, ...]) -> tuple[str, ...]:
    """Permissions have no order, and naming one twice says nothing more."""
    return tuple(sorted(set(values)))


def _email(text: str) -> str:
    if text and not EMAIL.fullmatch(text):
        raise ValueError("write an address such as ada@home.arpa")
    return text


Permission = Annotated[str, After(permission)]
Permissions = Annotated[tuple[Permission, ...], Field(strict=False), After(_sorted)]
Name = Annotated[str, After(grammar.name)]
Email = Annotated[str, After(_email)]
