"""Regular expressions that are compiled late: that each of the package is one, and that it is like a compiled one."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

import pytest

import conduit
from conduit.patterns import pattern

NOT_TO_IMPORT = "__main__"


def test_every_pattern_of_the_package_is_a_regular_expression() -> None:
    kind = type(pattern(""))
    names = [each.name for each in pkgutil.walk_packages(conduit.__path__, "conduit.")]
    modules = [import_module(name) for name in names if not name.endswith(NOT_TO_IMPORT)]
    found = {id(value): value for each in modules for value in vars(each).values() if isinstance(value, kind)}
    assert len(found) > 50
    assert all(isinstance(each.pattern, str | bytes) for each in found.values())


def test_a_pattern_is_like_a_compiled_one() -> None:
    late, early = pattern(r"(a)b", re.IGNORECASE), re.compile(r"(a)b", re.IGNORECASE)
    assert (late.pattern, late.flags, late.findall("abAB")) == (early.pattern, early.flags, early.findall("abAB"))
    found = late.fullmatch("AB")
    assert found is not None
    assert found[1] == "A"


def test_what_is_no_regular_expression_is_told_at_its_first_use() -> None:
    broken = pattern("(")
    with pytest.raises(re.error):
        broken.match("")
