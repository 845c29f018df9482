"""Y9: ten thousand services load from one file and from as many files, in bounded memory; more than that is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

COUNT = 10_000
MOST_KIB = 500 * 1000
SETTINGS = """caddy: {admin: "unix//run/none/admin.sock"}
dnsmasq: {address: "127.0.0.1:1", hosts_file: hosts, conf_file: own.conf, process: {pid_file: pid, start: [/bin/true]}}
certs: {copies: {caddy: {dir: copies}}}
state_dir: state
keys_dir: keys
"""


class Measured(NamedTuple):
    """How a command ended and the most memory it held, in KiB."""

    code: int
    stdout: str
    stderr: str
    memory: int


MEASURE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(child.pid, 0)
open(sys.argv[1], "w").write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a program and writes down the most memory it had; small itself, as a process begins with that of its parent."""


def measured(directory: Path, *words: str) -> Measured:
    """Run conduit in a directory; the kernel tells the memory of this one child."""
    memory, argv = directory / "memory", [sys.executable, "-m", "conduit", *words]
    ran = subprocess.run(
        [sys.executable, "-IS", "-c", MEASURE, memory, *argv],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Measured(ran.returncode, ran.stdout, ran.stderr, int(memory.read_text()))


def test_the_memory_of_the_suite_is_not_counted(tree: Path) -> None:
    """Late in a run, the process that tests is larger than what it measures."""
    large = b"x" * (MOST_KIB * 1024)
    assert measured(tree, "version").memory < MOST_KIB // 4
    assert len(large) == MOST_KIB * 1024


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "conduit.yaml").write_text(SETTINGS)
    (tmp_path / "desired").mkdir()
    return tmp_path


def service(number: int) -> str:
    return f"  s{number}: {{upstream: '10.{number // 250 % 250}.{number % 250}.9:3000', health: {{path: /health}}}}\n"


def loaded(tree: Path) -> None:
    """All are valid, the first time and from the cache."""
    for _ in range(2):
        ran = measured(tree, "validate")
        assert (ran.code, ran.stdout) == (0, f"Valid: {COUNT:,} resources.\n"), ran.stderr
        assert ran.memory < MOST_KIB


def test_y9_ten_thousand_services_in_one_file(tree: Path) -> None:
    (tree / "desired" / "all.yaml").write_text("services:\n" + "".join(map(service, range(COUNT))))
    loaded(tree)
    (tree / "desired" / "more.yaml").write_text("services:\n" + service(7) + service(COUNT - 1))
    ran = measured(tree, "validate")
    assert (ran.code, ran.stdout) == (1, "")
    assert ran.stderr.count("[CND-0114]") == 2
    assert "desired/more.yaml:3:3" in ran.stderr
    assert ran.memory < MOST_KIB


def test_y9_ten_thousand_files(tree: Path) -> None:
    for number in range(COUNT):
        directory = tree / "desired" / f"d{number % 100}"
        directory.mkdir(exist_ok=True)
        (directory / f"s{number}.yaml").write_text("services:\n" + service(number))
    loaded(tree)


def test_y9_more_than_a_file_may_hold_is_refused_by_name(tree: Path) -> None:
    """A million values, and a file too large to be opened at all."""
    (tree / "desired" / "values.yaml").write_text("services: [" + "1," * 1_000_001 + "]\n")
    with (tree / "desired" / "large.yaml").open("wb") as file:
        file.truncate(17 * 2**20)
    ran = measured(tree, "validate")
    assert (ran.code, ran.stdout) == (1, "")
    assert "desired/values.yaml:1:" in ran.stderr
    assert "desired/large.yaml: " in ran.stderr
    assert ran.memory < MOST_KIB
