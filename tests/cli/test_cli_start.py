"""init, completion, and what a diff costs before it does anything."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
COMPLETIONS = {"bash": "conduit.bash", "zsh": "_conduit", "fish": "conduit.fish"}
HEAVY = ("asyncio", "cryptography", "dns", "docker", "httpx", "jinja2", "litestar", "rich")


def test_init_writes_a_valid_tree_and_overwrites_nothing(nowhere: Callable[..., Any], tmp_path: Path) -> None:
    assert nowhere("validate").stdout == "Valid: 1 resource.\n"
    manifest = (tmp_path / "desired" / "example.yaml").read_text()
    first = manifest.splitlines()[0]
    assert first == "# yaml-language-server: $schema=../manifest.schema.json"
    schema = json.loads((tmp_path / "manifest.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(yaml.safe_load(manifest))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = nowhere("init")
    assert again.returncode == 1
    assert "conduit.yaml is there already [CND-1054]" in again.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_no_settings_is_an_error_with_the_next_step(nowhere: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    done = nowhere("-C", "elsewhere", "--config", "missing.yaml", "diff")
    assert done.returncode == 1
    assert "conduit init" in done.stderr


def test_what_the_system_refuses_is_said_in_words(nowhere: Callable[..., Any], tmp_path: Path) -> None:
    """`[Errno 40] Too many levels of symbolic links: 'state'` was all there was."""
    (tmp_path / "loop").symlink_to("loop")
    done = nowhere("diff", "--out", "loop/plan.json")
    assert done.returncode == 1
    assert re.search(r"error: loop/\S+: too many levels of symbolic links \[CND-1052\]\n  hint: ", done.stderr)


def test_a_plan_takes_the_place_of_no_device(nowhere: Callable[..., Any], tmp_path: Path) -> None:
    """`diff --out /dev/null`, said by root, left the machine with a file of that name."""
    os.mkfifo(tmp_path / "special")
    done = nowhere("diff", "--out", "special")
    assert done.returncode == 1
    assert "error: special: something that is no file has that name [CND-1052]" in done.stderr
    assert (tmp_path / "special").is_fifo()
    assert sorted(path.name for path in tmp_path.glob(".conduit-*")) == []


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_the_packaged_completions_are_current(nowhere: Callable[..., Any], shell: str) -> None:
    packaged = (ROOT / "packaging" / "completions" / COMPLETIONS[shell]).read_text()
    assert nowhere("completion", shell).stdout == packaged


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("conduit di", {"diff"}),
        ("conduit diff -t serv", {"service/hello", "service/second"}),
        ("conduit apply --target service/h", {"service/hello"}),
        ("conduit status service/s", {"service/second"}),
        ("conduit get ro", {"role", "route"}),
        ("conduit get dns_record/", {"dns_record/plain"}),
        ("conduit diff -t nothing", set()),
    ],
)
def test_bash_completes_commands_and_names_from_yaml(
    nowhere: Callable[..., Any], tmp_path: Path, line: str, expected: set[str]
) -> None:
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    (tmp_path / "desired" / "more.yaml").write_text(
        "vars: {a: {service: x}}\nservices:\n  second: {upstream: '{{ a }}', headers: {services: x}}\n"
        "  '$(touch pwned)': {}\ndns_records:\n  plain: {name: a.home.arpa, value: 10.0.0.1}\n"
    )
    (tmp_path / "desired" / "broken.yaml").write_text("services: [\x07{{{")
    assert completed(tmp_path, line) == expected
    assert not (tmp_path / "pwned").exists()


def completed(directory: Path, line: str) -> set[str]:
    """Ask a real bash, with the packaged script, what it would offer after `line`."""
    wrapper = directory / "bin" / "conduit"
    wrapper.parent.mkdir(exist_ok=True)
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m conduit "$@"\n')
    wrapper.chmod(0o755)
    script = (
        f"source {ROOT}/packaging/completions/conduit.bash; "
        f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); "
        'compopt() { :; }; _conduit_completion conduit; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {"PATH": f"{wrapper.parent}:/usr/bin:/bin", "HOME": str(directory)}
    argv = ["bash", "--norc", "-c", script]
    done = subprocess.run(argv, cwd=directory, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("command", ["diff", "validate"])
def test_an_empty_diff_imports_nothing_heavy(site: Any, run: Callable[..., Any], command: str) -> None:
    site.write("a.yaml", "services:\n  wiki:\n    upstream: 127.0.0.1:9\n    tls: off\n")
    assert site.conduit("apply", "--yes", "--no-prove", "-q").code == 0
    look = (
        "import sys\nfrom conduit.cli.main import run\n"
        f"code = run([{command!r}])\n"
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT), "CONDUIT_CONFIG": str(site.settings_file)}
    done = run(sys.executable, "-c", look, env=environment)
    assert done.stdout.splitlines()[-1] == "0 []", done


def test_validating_does_not_look_for_plugins(site: Any, run: Callable[..., Any]) -> None:
    site.write("a.yaml", "services:\n  wiki:\n    upstream: 127.0.0.1:9\n")
    environment = {"PYTHONPATH": str(ROOT), "CONDUIT_CONFIG": str(site.settings_file)}
    done = run(sys.executable, "-X", "importtime", "-m", "conduit", "validate", env=environment)
    assert "pydantic_core" in done.stderr
    assert "importlib.metadata" not in done.stderr
