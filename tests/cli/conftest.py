"""The published JSON Schema, as a check every test of JSON output uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def check_document() -> Callable[[Mapping[str, Any]], None]:
    """`check_document(data)` fails unless data is one of the published documents."""
    schema = json.loads((ROOT / "docs" / "plan.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    def check(data: Mapping[str, Any]) -> None:
        kind = data["type"] if data["type"] in schema["$defs"] else "event"
        errors = Draft202012Validator({**schema["$defs"][kind], "$defs": schema["$defs"]}).iter_errors(data)
        assert not [f"{error.json_path}: {error.message}" for error in errors]
        assert validator.is_valid(data)

    return check


@pytest.fixture
def nowhere(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`nowhere("kinds", ...)` runs conduit in a directory that `conduit init` has filled, without any daemon."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONDUIT_")} | {"PYTHONPATH": str(ROOT)}

    def conduit(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "conduit", *words]
        env = environment | options.pop("env", {})
        return subprocess.run(
            argv, cwd=tmp_path, env=env, text=True, capture_output=True, timeout=60, check=False, **options
        )

    assert conduit("init").returncode == 0
    return conduit
