"""Which files an application reads: only those it names, plain ones, of bounded size and number."""

from __future__ import annotations

from collections.abc import Callable
from errno import ELOOP
from hashlib import sha256
from pathlib import Path
from typing import Final

from conduit.compose.dotenv import DotenvError, read_variables
from conduit.compose.nodes import Node, Problems
from conduit.errors import Code, Diagnostic
from conduit.model import Source
from conduit.providers.files import read_regular

UNREADABLE = Code(
    "CND-1405",
    "a file of an application that cannot be read",
    "Compose files, .env files and what include, extends and env_file name are plain files: no links, pipes, devices "
    "or directories, at most 1 MiB each and 200 together. Files of services end with .yaml or .yml, so that no other "
    "file of the machine is ever shown in an error. Correct the path, or put a plain file there.",
)
BAD_DOTENV = Code(
    "CND-1406",
    "a file of variables that cannot be read",
    "A line of .env or env_file is NAME=value. Values may stand in single or double quotes, double-quoted ones over "
    "several lines; comments begin with #. The line itself is never shown, because these files hold passwords.",
)

MAX_BYTES: Final = 1 << 20
MAX_FILES: Final = 200
SUFFIXES: Final = (".yaml", ".yml")

Read = Callable[[Path, int], bytes]


class Files:
    """Reads the files of one application, and remembers their digests."""

    def __init__(self, problems: Problems, read: Read = read_regular) -> None:
        self.digests: dict[str, str] = {}
        self._problems = problems
        self._read = read

    def compose(self, path: str, place: Node | None) -> bytes | None:
        """Return a Compose file that stands at `place`; None after telling why it cannot be read."""
        if not path.endswith(SUFFIXES):
            self._tell(path, place, "a Compose file's name ends with .yaml or .yml")
            return None
        return self.content(path, place)

    def content(self, path: str, place: Node | None, *, required: bool = True) -> bytes | None:
        """Return a file's bytes, None after telling why it cannot be read, or when it may be absent and is."""
        if path not in self.digests and len(self.digests) >= MAX_FILES:
            self._tell(path, place, f"the application names more than {MAX_FILES} files")
            return None
        try:
            content = self._read(Path(path), MAX_BYTES)
        except FileNotFoundError:
            if required:
                self._tell(path, place, "there is no such file")
            return None
        except OSError as error:
            reason = (
                "it is a link" if error.errno == ELOOP else error.strerror or "it is not a plain file of at most 1 MiB"
            )
            self._tell(path, place, reason.lower())
            return None
        self.digests[path] = sha256(content).hexdigest()
        return content

    def _tell(self, path: str, place: Node | None, reason: str) -> None:
        summary = f"{path} cannot be read: {reason}"
        hint = "correct the path, or put a plain file there"
        if place is None:
            self._problems.tell(Diagnostic(UNREADABLE, summary, Source(path), hint))
        else:
            self._problems.add(UNREADABLE, summary, place, hint)

    def variables(
        self, path: str, place: Node | None, environment: dict[str, str], *, required: bool = True
    ) -> dict[str, str]:
        """Return the variables a file sets; those it cannot set are told."""
        content = self.content(path, place, required=required)
        if content is None:
            return {}
        try:
            return read_variables(content.decode(), environment)
        except UnicodeDecodeError:
            self._problems.tell(Diagnostic(BAD_DOTENV, f"{path} is not UTF-8 text", Source(path)))
        except DotenvError as error:
            self._problems.tell(Diagnostic(BAD_DOTENV, str(error), Source(path, error.line), "write NAME=value"))
        return {}
