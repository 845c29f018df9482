"""Paths in Compose files, made absolute against the directory of the file that wrote them. Pure."""

from __future__ import annotations

import os.path
from typing import Final

from conduit.patterns import pattern

REMOTE = pattern(r"[A-Za-z][A-Za-z0-9+.-]*://|git@|github\.com/|oci:|docker-image:")
"""Build contexts that are no directory."""
LONGEST: Final = 4096


def absolute(text: str, directory: str, home: str | None) -> str:
    """Return an absolute path without `.`, `..` and `~`.

    `directory` is absolute; `home` stands for `~`, None when it is not known. Raises ValueError.
    """
    if len(text) > LONGEST or not text.isprintable():
        raise ValueError("a path is at most 4,096 printable characters")
    if not text:
        raise ValueError("the path is empty; write one")
    if text == "~" or text.startswith("~/"):
        if not home:
            raise ValueError("~ needs the variable HOME in the environment; write the path in full")
        text = home + text[1:]
    elif text.startswith("~"):
        raise ValueError("~ of another user is not read; write the path in full")
    return "/" + os.path.normpath(os.path.join(directory, text)).lstrip("/")  # noqa: PTH118


def tidy(path: str) -> str:
    """Return a path inside a container without a final slash, `.` and `..`; what is no absolute path stays."""
    return "/" + os.path.normpath(path).lstrip("/") if path.startswith("/") else path


def is_remote(context: str) -> bool:
    """Return whether a build context is fetched from elsewhere."""
    return bool(REMOTE.match(context))
