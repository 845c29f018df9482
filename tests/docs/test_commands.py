"""Every `conduit ...` the documentation shows is a command that exists, with options it has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from conduit.cli.main import conduit
from tests.docs.conftest import PAGES, ROOT, blocks, prose

CODE = re.compile(r"`(conduit [^`]+)`")
LINE = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?(conduit(?: .*)?)$")
END = re.compile(r"\s+(?:#|>|<|&&|\|\|?|;).*$")


def commands(page: Path) -> Iterator[str]:
    """Yield what a page shows of conduit's command line, in code and in blocks."""
    for found in CODE.findall(prose(page)):
        yield " ".join(found.split())
    for block in blocks(page):
        if block.language in ("", "sh", "console"):
            for line in block.text.splitlines():
                if match := LINE.match(line.strip()):
                    yield END.sub("", match[1])


def check(words: list[str]) -> None:
    """Resolve a command line without running it. Raises click.UsageError."""
    command: click.Command = conduit
    while True:
        context = click.Context(command, info_name=command.name)
        _, words, _ = command.make_parser(context).parse_args(words)
        if not isinstance(command, click.Group) or not words:
            return
        found = command.get_command(context, words[0])
        if found is None:
            raise click.UsageError(f"no such command: {words[0]}")
        command, words = found, words[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_exists(page: Path) -> None:
    for line in commands(page):
        try:
            check(shlex.split(line)[1:])
        except click.UsageError as error:
            pytest.fail(f"{page}: `{line}`: {error.format_message()}")


@pytest.mark.parametrize("line", ["conduit aply", "conduit apply --ja", "conduit secret put x"])
def test_a_wrong_command_is_noticed(line: str) -> None:
    with pytest.raises(click.UsageError):
        check(shlex.split(line)[1:])


def test_commands_are_found_in_pages() -> None:
    assert sum(1 for page in PAGES for _ in commands(page)) > 50
