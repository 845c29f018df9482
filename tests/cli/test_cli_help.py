"""Every command has a help text, and every example in it works."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import click
import pytest

from conduit.cli.kind_commands import kind_commands
from conduit.cli.main import COMMANDS, conduit
from conduit.manifests.settings_file import read_settings
from conduit.providers.self_rows import ApiKey
from conduit.providers.self_store import open_store


def commands(group: click.Group, path: str = "conduit") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.commands or group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def examples(command: click.Command) -> list[str]:
    _, _, block = (command.help or "").partition("Example:\n")
    return [line.strip() for line in block.splitlines() if line.strip().startswith("conduit ")]


ALL = dict(commands(conduit))
OF_KINDS = [f"conduit {name}" for name in kind_commands()]
STAYING = ["conduit watch", "conduit serve"]
GOING_BACK = ["conduit accept", "conduit rollback"]
ELSEWHERE = {"conduit init", *OF_KINDS, *STAYING, *GOING_BACK}
GROUPED = {
    "site": [name for name in ALL if name.split()[1] != "sandbox" and name not in ELSEWHERE],
    "docker": OF_KINDS,
    "run until a signal ends them, in tests/loop and tests/api": STAYING,
    "need drift or a history, which tests/loop makes": GOING_BACK,
    "empty": ["conduit init"],
    "sandbox": [name for name in ALL if name.split()[1] == "sandbox"],
}


def test_the_table_of_commands_is_true() -> None:
    assert {name.split()[1] for name in ALL} == {*COMMANDS, *kind_commands()}
    assert sorted(name for names in GROUPED.values() for name in names) == sorted(ALL)


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_a_summary_and_an_example_of_itself(name: str) -> None:
    command = ALL[name]
    assert command.get_short_help_str()
    assert examples(command), f"{name} --help has no example"
    assert all(line.startswith(name) for line in examples(command))
    assert all(option.help for option in command.params if isinstance(option, click.Option))


@pytest.mark.parametrize("words", [(), ("secret",), ("audit",)])
def test_a_group_without_a_command_shows_its_help(nowhere: Callable[..., Any], words: tuple[str, ...]) -> None:
    """Regression: the help came as one line of an error, with its line ends written out."""
    done = nowhere(*words)
    assert done.returncode == 64
    assert done.stderr.startswith("Usage: conduit ")
    assert "Commands:\n" in done.stderr


@pytest.mark.parametrize("group", sorted({name.split()[1] for name in ALL if name.count(" ") == 2}))
def test_a_group_takes_the_global_options_as_well(nowhere: Callable[..., Any], group: str) -> None:
    """Regression: `conduit secret --json list` was refused, with the option on either side of it taken."""
    done = nowhere(group, "--json", "--no-color", "-q")
    assert (done.returncode, json.loads(done.stdout)["errors"][0]["message"]) == (64, "Missing command."), done.stderr


def test_an_option_of_a_group_has_its_effect(nowhere: Callable[..., Any]) -> None:
    assert json.loads(nowhere("secret", "--json", "list").stdout)["names"] == []


def test_what_asks_may_be_told_not_to_ask_under_both_names() -> None:
    for name, command in ALL.items():
        options = {option for param in command.params for option in param.opts}
        assert ("--yes" in options) == ("--auto-approve" in options) == ("-y" in options), name


def test_every_example_works_on_a_prepared_site(site: Any, upstream: Callable[..., Any]) -> None:
    site.write(
        "a.yaml",
        f"services:\n  wiki:\n    upstream: {upstream().address}\nusers:\n  ada: {{role: admin}}\n",
    )
    (site.directory / "password.txt").write_text("open, sesame\n")
    with open_store(read_settings(site.settings_file)).writing() as tables:
        tables.put(ApiKey("JWDhRD5B", "hash", "ada", "ci"))
    for name in GROUPED["site"]:
        for line in examples(ALL[name]):
            if "apply plan.json" in line:  # a plan is for the moment it was made at
                assert site.conduit("diff", "--out", "plan.json").code == 0
            run_example(site, line)


def test_every_sandbox_example_works(site: Any) -> None:
    try:
        for name in ("conduit sandbox up", "conduit sandbox status", "conduit sandbox down"):
            for line in examples(ALL[name]):
                run_example(site, line)
    finally:
        assert site.conduit("sandbox", "down").code == 0
    assert "pid" not in site.conduit("sandbox", "status").stdout


def run_example(site: Any, line: str) -> None:
    words = shlex.split(line.partition(" > ")[0].partition(" < ")[0])[1:]
    given = (site.directory / line.partition(" < ")[2]).read_text() if " < " in line else None
    done = site.conduit(*words, input=given)
    assert done.code == (2 if "--detailed-exitcode" in words else 0), (line, done)
    if " > " in line:
        (site.directory / line.partition(" > ")[2]).write_text(done.stdout)
