"""Kinds are found by their source text and imported when they are asked for."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import conduit.resources
from conduit.kind import KINDS, Kind
from conduit.resources import load_kinds


def test_every_kind_is_found_by_the_text_of_its_module() -> None:
    for module in pkgutil.iter_modules(conduit.resources.__path__, "conduit.resources."):
        importlib.import_module(module.name)
    defined = {name: kind for name, kind in KINDS.items() if type(kind).__module__.startswith("conduit.")}
    assert dict(load_kinds()) == defined
    assert load_kinds().plurals == {kind.plural: kind.name for kind in defined.values()}


@pytest.mark.parametrize(("kind", "unused"), [("dns_record", "service"), ("service", "deployment")])
def test_a_kind_nobody_uses_is_not_imported(kind: str, unused: str) -> None:
    asked = f"import sys; from conduit.resources import load_kinds; load_kinds()['{kind}']; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    modules = set(told.stdout.split())
    assert f"conduit.resources.{kind}" in modules
    assert modules.isdisjoint((f"conduit.resources.{unused}", "conduit.compose.load"))


def test_an_unknown_kind_is_a_missing_key() -> None:
    kinds: conduit.resources.Kinds = load_kinds()
    assert "lamp" not in kinds
    with pytest.raises(KeyError):
        kinds["lamp"]


def test_all_kinds_can_be_listed() -> None:
    assert all(isinstance(kind, Kind) and kind.name == name for name, kind in load_kinds().items())
