"""docs/adding-a-kind.md: its code, put into a copy of the package, is a working kind without any other edit."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.docs.conftest import ROOT, blocks

SUITE = tuple(f"tests/{name}.py" for name in ("__init__", "conftest", "dockerd", "forked", "test_architecture"))
COPIED = ("conduit", "scripts", "docs", *SUITE)
Python = Callable[..., Any]


@pytest.fixture
def python(tmp_path: Path, run: Callable[..., Any]) -> Python:
    """`python(*words)` runs Python on a copy of the checkout that holds the code of the page."""
    for name in (*COPIED, "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, tmp_path / name)
    for block in blocks(ROOT / "docs" / "adding-a-kind.md"):
        path = tmp_path / block.text.partition("\n")[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    return lambda *words: run(sys.executable, *words, cwd=tmp_path, env=environment, timeout=150)


def test_its_tests_pass(python: Python) -> None:
    tested = python("-m", "pytest", "-q", "tests/mail_domain", "tests/notice")
    assert tested.code == 0, tested.stdout
    assert "5 passed" in tested.stdout, tested.stdout


def test_the_new_kinds_keep_the_layout_and_are_documented(python: Python) -> None:
    new = "mail_domain or notice or motd or no_module or no_shell"
    layout = python("-m", "pytest", "-q", "tests/test_architecture.py", "-k", new)
    assert layout.code == 0, layout.stdout
    assert "mail_domains:" in python("-m", "conduit", "kinds").stdout
    assert python("-m", "conduit", "schema", "notice").code == 0
    assert python("scripts/generate_docs.py").code == 0
    shown = python("-c", "print(open('docs/kinds/notices.md').read(), open('docs/settings.md').read())")
    assert "| `text` | string | required | one line |" in shown.stdout
    assert "## `motd:`" in shown.stdout
