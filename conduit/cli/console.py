"""Where output goes: text or JSON, colours only where they are wanted, and a closed pipe that stops no apply."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, TextIO

from conduit.show.text import Style, View, ansi, plain

WIDTH: Final = 120
"""Columns to fill where there is no terminal."""


class Console:
    """The two output streams of a command. Safe to use from threads."""

    def __init__(self, verbosity: int = 0, *, as_json: bool = False, no_color: bool = False) -> None:
        self.verbosity, self.as_json, self.no_color = verbosity, as_json, no_color
        self._lock = threading.Lock()

    @property
    def view(self) -> View:
        """How to render for standard output."""
        return View(self._style(sys.stdout), self.verbosity, _width(), time.time())

    @property
    def error_view(self) -> View:
        """How to render for standard error."""
        return View(self._style(sys.stderr), self.verbosity, _width())

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: both ends are terminals, and this is no CI job."""
        return sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines to standard output."""
        self._write(sys.stdout, "\n".join(lines))

    def document(self, data: Mapping[str, Any]) -> None:
        """Print one JSON document to standard output, in one line of ASCII: no text in it can steer a terminal."""
        self._write(sys.stdout, json.dumps(data, default=str))

    def notes(self, lines: Iterable[str]) -> None:
        """Print lines to standard error."""
        self._write(sys.stderr, "\n".join(lines))

    def _style(self, stream: TextIO) -> Style:
        if self.no_color or os.environ.get("NO_COLOR"):
            return plain
        if os.environ.get("FORCE_COLOR"):
            return ansi
        return ansi if stream.isatty() and os.environ.get("TERM") != "dumb" else plain

    def _write(self, stream: TextIO, text: str) -> None:
        if not text:
            return
        with self._lock:
            try:
                print(text, file=stream, flush=True)
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _width() -> int:
    """Return the columns to fill: what COLUMNS says, else the terminal's own, else `WIDTH`."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH
    except (OSError, ValueError):
        return WIDTH
