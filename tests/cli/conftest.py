"""The published JSON Schema, as a check every test of JSON output uses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.forked import run_conduit

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def check_document() -> Callable[[Mapping[str, Any]], None]:
    """`check_document(data)` fails unless data is one of the published documents."""
    schema = json.loads((ROOT / "docs" / "plan.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    def check(data: Mapping[str, Any]) -> None:
        kind = data["type"] if data["type"] in schema["$defs"] else "results" if "results" in data else "event"
        errors = Draft202012Validator({**schema["$defs"][kind], "$defs": schema["$defs"]}).iter_errors(data)
        assert not [f"{error.json_path}: {error.message}" for error in errors]
        assert validator.is_valid(data)

    return check


@pytest.fixture(scope="session")
def first_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `conduit init` writes, in a directory of its own."""
    directory = tmp_path_factory.mktemp("init")
    assert run_in(directory, "init").returncode == 0
    return directory


@pytest.fixture
def nowhere(tmp_path: Path, first_files: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`nowhere("kinds", ...)` runs conduit in a directory that `conduit init` has filled, without any daemon."""
    shutil.copytree(first_files, tmp_path, dirs_exist_ok=True)
    return partial(run_in, tmp_path)


def run_in(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run conduit in a directory with no settings from the environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONDUIT_")}
    done = run_conduit(*words, cwd=directory, env=environment)
    return subprocess.CompletedProcess(words, done.code, done.stdout, done.stderr)
