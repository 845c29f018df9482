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


def test_a_kind_nobody_uses_is_not_imported() -> None:
    asked = "import sys; from conduit.resources import load_kinds; load_kinds()['dns_record']; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    modules = {name for name in told.stdout.split() if name.startswith("conduit.resources.")}
    assert modules == {"conduit.resources.dns_record"}


def test_an_unknown_kind_is_a_missing_key() -> None:
    kinds: conduit.resources.Kinds = load_kinds()
    assert "lamp" not in kinds
    with pytest.raises(KeyError):
        kinds["lamp"]


def test_all_kinds_can_be_listed() -> None:
    assert all(isinstance(kind, Kind) and kind.name == name for name, kind in load_kinds().items())
