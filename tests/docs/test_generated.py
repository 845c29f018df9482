"""The generated pages of docs/ say what the code says now."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.conftest import ROOT


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """scripts/generate_docs.py as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        return importlib.import_module("generate_docs")


def test_the_generated_pages_are_current(generator: ModuleType) -> None:
    wanted: dict[Path, str] = generator.pages()
    old = [str(path) for path, text in wanted.items() if _text(generator.DOCS / path) != text]
    gone = {path.relative_to(generator.DOCS) for path in (generator.DOCS / "kinds").glob("*.md")} - set(wanted)
    assert not old, f"{', '.join(old)} of docs/ are not current; run: {generator.COMMAND}"
    assert not gone, f"{gone} stand for no kind; run: {generator.COMMAND}"


def test_every_error_code_is_explained_in_whole_sentences(generator: ModuleType) -> None:
    generator.errors_page()
    short = [code.id for code in generator.CODES.values() if len(code.explanation) < 60 or code.explanation[-1] != "."]
    assert not short


def test_every_range_of_codes_has_a_heading(generator: ModuleType) -> None:
    generator.errors_page()
    assert {code[4:6] for code in generator.CODES} == set(generator.GROUPS)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
