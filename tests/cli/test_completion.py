"""Completion as somebody at a terminal has it: real shells, the packaged scripts, the Tab key."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, missing

SCRIPTS = ROOT / "packaging" / "completions"
SHELLS: Mapping[str, tuple[list[str], str]] = {
    "bash": (["--norc", "--noprofile", "-i"], "source {scripts}/conduit.bash"),
    "zsh": (["-f", "-i"], "fpath=({scripts} $fpath); autoload -Uz compinit; compinit -u -D"),
    "fish": (["--no-config", "-i"], "source {scripts}/conduit.fish"),
}
"""How each shell starts without anybody's settings, and what a user writes into them."""

CONDUIT = f"""#!{sys.executable}
import json, os, pathlib, sys
sys.path.insert(0, {str(ROOT)!r})
if "_CONDUIT_COMPLETE" in os.environ:
    from conduit.__main__ import main
    main()
pathlib.Path("ran.json").write_text(json.dumps(sys.argv[1:]))
"""
"""A conduit that completes, and tells what it was asked to run instead of doing it."""

DEADLINE = 30


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, shell: str, directory: Path) -> None:
        self.screen = ""
        options, setup = SHELLS[shell]
        places = {"PATH": f"{directory}:/usr/bin:/bin", "HOME": str(directory)}
        pid, self.terminal = pty.fork()
        if pid == 0:
            try:
                os.chdir(directory)
                os.execvpe(shell, [shell, *options], places | {"TERM": "dumb", "LC_ALL": "C.UTF-8"})
            finally:
                os._exit(127)
        self.pid = pid
        self.type(setup.format(scripts=SCRIPTS) + "; echo rea''dy\r")
        self.until(lambda: "ready" in self.screen)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.terminal, text.encode())

    def until(self, condition: Callable[[], Any]) -> None:
        """Read what the shell shows until something holds."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, self.screen
            if select.select([self.terminal], [], [], 0.05)[0]:
                self.screen += os.read(self.terminal, 4096).decode(errors="replace")

    def close(self) -> None:
        """Hang up and wait for the shell to end."""
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture
def directory(nowhere: Callable[..., Any], tmp_path: Path) -> Iterator[Path]:
    """A site with one route and two services, and the conduit that is completed."""
    text = "routes:\n  wiki: {}\nservices:\n  shop: {}\n  '$(touch pwned)': {}\n"
    (tmp_path / "desired" / "names.yaml").write_text(text)
    (tmp_path / "conduit").write_text(CONDUIT)
    (tmp_path / "conduit").chmod(0o755)
    yield tmp_path
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("dif", ["diff"]),
        ("get route/w", ["get", "route/wiki"]),
        ("diff --detailed-e", ["diff", "--detailed-exitcode"]),
        ("apply --target service/sh", ["apply", "--target", "service/shop"]),
        ("diff service/sh", ["diff", "service/shop"]),
    ],
)
def test_the_tab_key_completes(directory: Path, shell: str, typed: str, completed: list[str]) -> None:
    assert ran_after_tab(directory, shell, typed, completed[-1]) == completed


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell != "zsh"])
def test_the_beginning_of_a_name_is_enough(directory: Path, shell: str) -> None:
    """Not in zsh, which offers only what begins as typed. bash writes over the second letter on."""
    assert ran_after_tab(directory, shell, "status sho", "ervice/shop") == ["status", "service/shop"]


def ran_after_tab(directory: Path, shell: str, typed: str, shown: str) -> list[str]:
    """What conduit is run with when somebody types, presses Tab, sees what is `shown` and presses Return."""
    if shutil.which(shell) is None:
        missing(f"{shell} is not installed")
    terminal = Terminal(shell, directory)
    ran = directory / "ran.json"
    try:
        terminal.type(f"conduit {typed}\t")
        terminal.until(lambda: shown in terminal.screen)
        terminal.type("\r")
        terminal.until(lambda: ran.exists() and ran.stat().st_size)
    finally:
        terminal.close()
    words: list[str] = json.loads(ran.read_text())
    return words
