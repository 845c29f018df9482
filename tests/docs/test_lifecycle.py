"""docs/lifecycle.md: what it shows is what conduit prints, on real daemons, but for times and addresses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.docs.conftest import ROOT, blocks
from tests.failing import at

PAGE = ROOT / "docs" / "lifecycle.md"
MASKS = {
    r"[0-9-]{10}T[0-9:.]+Z": "WHEN",
    r"\b[0-9]{2}:[0-9]{2}:[0-9]{2}\b": "WHEN",
    r"\b[0-9]+(\.[0-9]+)? s\b": "N s",
    r'"seconds":[0-9.]+': '"seconds":N',
    r"127\.0\.0\.1:[0-9]+": "ADDRESS",
    r"\S*(dnsmasq/hosts/)": r"\1",
    r"^[0-9]+  WHEN": "N  WHEN",
    r"\brun [0-9]+": "run N",
}
"""What differs from run to run."""


class Story:
    """The site of the page, and what happens to it before each of its commands."""

    def __init__(self, site: Any, upstream: Callable[..., Any]) -> None:
        self.site = site
        self.wiki, self.blog = upstream("wiki").address, upstream("blog").address
        self.code = 0
        self.declare("16MiB")
        self.conduit("apply", "--yes")
        self.steps = iter(
            (
                lambda: self.declare("64 potatoes", health="heatlh"),
                lambda: self.declare("32MiB"),
                self.edit_hosts_file,
                lambda: self.conduit("diff", "--out", "plan.json"),
                *(lambda: None,) * 5,
                lambda: self.declare("32MiB", wiki="127.0.0.1:9"),
                lambda: self.declare("32MiB", more="  notes:\n    upstream: 127.0.0.1:9\n"),
                site.daemons["dnsmasq"].stop,
                self.killed,
                lambda: site.write("sites.yaml", "services: {}\n"),
            )
        )

    def declare(self, size: str, *, wiki: str = "", health: str = "health", more: str = "") -> None:
        """Write the manifest of the page with this body size for the wiki."""
        wiki = f"  wiki:\n    upstream: {wiki or self.wiki}\n    max_body: {size}\n"
        blog = f"  blog:\n    upstream: {self.blog}\n    {health}: {{path: /health}}\n"
        self.site.write("sites.yaml", f"services:\n{wiki}{blog}{more}")

    def edit_hosts_file(self) -> None:
        """Change a record by hand."""
        path = Path(self.site.daemons["dnsmasq"].section["hosts_file"])
        path.write_text(path.read_text().replace("127.0.0.1 blog", "127.0.0.9 blog"))

    def killed(self) -> None:
        """Kill an apply when Caddy was sent its new configuration."""
        self.site.up()
        self.declare("64MiB")
        self.conduit("apply", "--yes", "--exclude", "service/notes", "--allow-deletes", "3")
        self.declare("128MiB")
        self.conduit("apply", "--yes", **at("caddy.commit.sent"))

    def conduit(self, *words: str, **environment: str) -> str:
        """Run conduit; returns all it printed, as a terminal would show it."""
        done = subprocess.run(
            [sys.executable, "-m", "conduit", *words],
            cwd=self.site.directory,
            env=os.environ
            | {"CONDUIT_CONFIG": str(self.site.settings_file), "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
            | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            text=True,
            check=False,
        )
        self.code = done.returncode
        return done.stdout


def shown() -> Iterator[tuple[str, str]]:
    """Yield each command of the page with the output it shows."""
    for block in blocks(PAGE):
        if block.language == "console":
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                yield command, output


def masked(text: str) -> str:
    """Return output without what differs from run to run."""
    lines = text.rstrip().splitlines()
    for pattern, word in MASKS.items():
        lines = [re.sub(pattern, word, line) for line in lines]
    return "\n".join(line.rstrip() for line in lines)


def test_the_page_shows_what_conduit_prints(site: Any, upstream: Callable[..., Any]) -> None:
    story = Story(site, upstream)
    for command, output in shown():
        if command == "echo $?":
            assert output == f"{story.code}\n"
            continue
        next(story.steps)()
        printed = story.conduit(*command.split()[1:])
        assert masked(output) in masked(printed), f"$ {command}\n{printed}"
    assert next(story.steps, None) is None
