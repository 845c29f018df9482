"""Every tree of `examples/`: its settings load, and its manifests are applied and re-diffed on private daemons."""

from __future__ import annotations

import os
import re
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


def test_the_example_is_applied_and_then_nothing_is_left(
    example: Path, site: Any, request: pytest.FixtureRequest
) -> None:
    shutil.copytree(example, site.directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("conduit.yaml"))
    settings = yaml.safe_load((example / "conduit.yaml").read_text())
    site.settings = {name: settings[name] for name in OF_THE_SITE & set(settings)}
    if "docker" in settings:
        site.settings["docker"] = request.getfixturevalue("dockerd").section
        name_images(example, request.getfixturevalue("docker"))
    site.up()
    applied = site.conduit("apply", "--yes", "--no-prove")
    assert applied.code == 0, applied
    again = site.conduit("diff", "--detailed-exitcode")
    assert again.code == 0, again


def name_images(example: Path, docker: Callable[..., Any]) -> None:
    """Give the image of the private dockerd the names an example asks for, which is not fetched from anywhere."""
    text = "".join(path.read_text() for path in example.rglob("*.yaml"))
    for name in re.findall(r"^ +image: (\S+)$", text, re.MULTILINE):
        assert docker("tag", "sandbox/busybox:1", name).code == 0
