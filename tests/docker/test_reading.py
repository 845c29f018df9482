"""Reading Docker costs little: the SDK, which takes longer to import than a whole diff, is not loaded for it."""

from __future__ import annotations

import subprocess
import sys

from conduit.settled import settled
from tests.conftest import ROOT
from tests.engine.conftest import World

PLAN = """
import sys
from pathlib import Path
from conduit.engine import Engine
from conduit.manifests.settings_file import read_settings
plan = Engine(read_settings(Path(sys.argv[1]))).plan()
print(plan.empty, *sorted({"docker", "requests", "httpx", "tarfile"}.intersection(sys.modules)))
"""
AGAIN = """
import sys
from pathlib import Path
from conduit.settled import settled
print(settled(Path(sys.argv[1])) is not None, *sorted({"docker", "pydantic", "yaml"}.intersection(sys.modules)))
"""


def run(program: str, world: World) -> str:
    words = [sys.executable, "-c", program, str(world.site.settings_file)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


def test_an_unchanged_docker_is_read_without_its_sdk(world: World) -> None:
    world.site.write("front.yaml", "networks:\n  front: {}\nvolumes:\n  data: {}\n")
    assert world.apply().exit_code == 0
    assert world.plan().empty
    assert settled(world.site.settings_file) is not None
    assert run(PLAN, world) == "True\n"
    assert run(AGAIN, world) == "True\n"
