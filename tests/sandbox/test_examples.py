"""Every tree of `examples/`: its settings load, and its manifests are applied and re-diffed on private daemons."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/conduit.yaml"))
OF_THE_SITE = {"site", "internal_domain", "local_domains", "proxy_address"}


@pytest.fixture(params=NAMES)
def example(request: pytest.FixtureRequest) -> Path:
    return EXAMPLES / request.param


@pytest.fixture
def proxies(example: Path) -> tuple[str, ...]:
    """The proxies an example's settings name, Caddy when there is none."""
    named = yaml.safe_load((example / "conduit.yaml").read_text())
    return tuple(name for name in ("caddy", "nginx") if name in named) or ("caddy",)


def test_the_readme_names_every_example() -> None:
    named = (EXAMPLES / "README.md").read_text()
    assert NAMES
    assert [name for name in NAMES if f"[{name}]({name})" not in named] == []


def test_the_settings_and_manifests_are_valid(example: Path, run: Callable[..., Any]) -> None:
    environment = os.environ | {"CONDUIT_CONFIG": str(example / "conduit.yaml"), "PYTHONPATH": str(EXAMPLES.parent)}
    checked = run(sys.executable, "-m", "conduit", "validate", env=environment, cwd=example)
    assert checked.code == 0, checked


def test_the_example_is_applied_and_then_nothing_is_left(example: Path, site: Any) -> None:
    shutil.copytree(example / "desired", site.desired, dirs_exist_ok=True)
    settings = yaml.safe_load((example / "conduit.yaml").read_text())
    site.settings = {name: settings[name] for name in OF_THE_SITE & set(settings)}
    site.up()
    applied = site.conduit("apply", "--yes", "--no-prove")
    assert applied.code == 0, applied
    again = site.conduit("diff", "--detailed-exitcode")
    assert again.code == 0, again
