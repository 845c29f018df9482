"""The running nginx and its file on disk: reading both, writing, telling it, asking what it serves."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from conduit.errors import Code, Diagnostic, Unreadable
from conduit.evidence import Evidence, names, of_bytes, of_inode
from conduit.grammar import join_host_port
from conduit.providers.files import make_directory, read_regular, remove_file, write_file
from conduit.providers.generation import File, Generation
from conduit.providers.http_call import NotWhole
from conduit.providers.nginx_files import seal, unseal
from conduit.providers.nginx_marker import ask
from conduit.providers.nginx_others import Others
from conduit.providers.nginx_scan import HEADER
from conduit.providers.nginx_users import FILE
from conduit.providers.process import Process

SILENT = Code(
    "CND-1201",
    "nginx does not answer",
    "conduit asks nginx which generation of its file it serves, over HTTP at `marker` in conduit.yaml. No answer means "
    "that nobody knows what it serves, so its vhosts are UNKNOWN and nothing of them is changed or deleted. Start "
    "nginx, or correct `marker`.",
)
UNREADABLE = Code(
    "CND-1202",
    "the file of nginx's vhosts cannot be read",
    "conduit's own file is a link, a device, too large, or closed to this user. Its vhosts are UNKNOWN until that is "
    "corrected; conduit does not write over what it cannot read.",
)

ANSWER_SECONDS: Final = 2.0
SERVED_SECONDS: Final = 5.0
SECONDS_PER_MEGABYTE: Final = 2.0
"""How much longer nginx may take to load a large file."""
_OLD_SECONDS: Final = 0.1
"""How long nginx lets new workers start before it tells the old ones to end (`ngx_master_process_cycle` of 1.22)."""
_POLL_SECONDS: Final = 0.005
_POLL_SHARE: Final = 0.02
"""How long to wait before asking again: a moment, or this share of the time a large file has taken already."""
_LIMIT: Final = 256 * 2**20
_OTHERS_LIMIT: Final = 2**20
_EMPTY: Final = f"{HEADER}\n".encode()
"""What our file says before the first frame, so that a check has a place to put a copy over."""


def sealed(body: str, stamp: int) -> File:
    """Return the file with this body, as it is to be written at `stamp`."""
    generation = Generation.of(body, stamp)
    return File((seal(generation) + body).encode(), stamp, body, generation)


class Daemon(Struct, frozen=True):
    """One nginx: its program and main configuration, our file, the marker's address, passwords, process and user."""

    program: Path
    config: Path
    conf_file: Path
    marker: tuple[str, int]
    passwords: Path
    process: Process
    user: str | None = None

    def load(self) -> File | None:
        """Read our file; None before the first frame. Raises `Unreadable`."""
        try:
            mtime = self.conf_file.lstat().st_mtime_ns
            raw = read_regular(self.conf_file, _LIMIT)
        except FileNotFoundError:
            return None
        except OSError as error:
            summary = f"cannot read {self.conf_file}: {error}"
            hint = "make it a plain file again, or move it away and apply"
            raise Unreadable(Diagnostic(UNREADABLE, summary, hint=hint)) from error
        return None if raw == _EMPTY else File(raw, mtime, *unseal(raw))

    def prepare(self) -> None:
        """Make sure that our file is there, empty if need be. Raises OSError."""
        if not self.conf_file.exists():
            make_directory(self.conf_file.parent, mode=0o755)
            write_file(self.conf_file, _EMPTY, mode=0o644)

    def write(self, file: File | None) -> None:
        """Make our file on disk be `file`, mtime included. Raises OSError."""
        if file is None:
            write_file(self.conf_file, _EMPTY, mode=0o644)
        else:
            write_file(self.conf_file, file.raw, mode=0o644, mtime_ns=file.mtime)

    def served(self) -> Generation | None:
        """Ask nginx for its generation; None when it runs without ours. Raises `Unreadable` when it does not answer."""
        try:
            return ask(self.marker, ANSWER_SECONDS)
        except ConnectionRefusedError as error:
            if self.process.running():
                return None
            why: Exception = error
        except (OSError, NotWhole) as error:
            why = error
        summary = f"nginx does not answer at {join_host_port(*self.marker)}: {why}"
        raise Unreadable(Diagnostic(SILENT, summary, hint="start it, or correct nginx.marker")) from why

    def workers(self) -> frozenset[int]:
        """Return the processes that serve requests now, without those that are ending."""
        master = self.process.pid()
        if master is None:
            return frozenset()
        with suppress(OSError):
            children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
            return frozenset(int(child) for child in children if _serves(int(child)))
        return frozenset()

    def comes_to_serve(self, file: File | None, old: frozenset[int]) -> bool:
        """Wait until none of the `old` workers takes requests and nginx serves `file`; False when not in time.

        The workers are looked at first, which costs a tenth of a question.
        """
        size, start = len(file.raw) if file else 0, time.monotonic()
        deadline = start + SERVED_SECONDS + SECONDS_PER_MEGABYTE * size / 2**20
        expected = file.generation if file else None
        if old:
            time.sleep(_OLD_SECONDS)
        while True:
            with suppress(OSError, NotWhole):
                if not any(map(_serves, old)) and self._answers(expected):
                    return True
            now = time.monotonic()
            if now > deadline:
                return False
            time.sleep(max(_POLL_SECONDS, (now - start) * _POLL_SHARE))

    def _answers(self, expected: Generation | None) -> bool:
        """Whether nginx serves the expected generation; before the first frame it serves none at all."""
        try:
            return ask(self.marker, 0.5) == expected
        except ConnectionRefusedError:
            return expected is None

    def others(self) -> Others:
        """Read other people's files in the directory of our file, as far as they can be read."""
        pattern = self.conf_file.parent / "[!.]*"
        found = names(pattern)
        seen = [of_inode(path) for path in found if path != self.conf_file]
        contents = {}
        for path in found:
            if path != self.conf_file:
                with suppress(OSError):
                    contents[path] = read_regular(path.resolve(), _OTHERS_LIMIT)
        every = Evidence("names", str(pattern), "/".join(path.name for path in found))
        return Others(contents, (every, *seen))

    def evidence(self, file: File | None) -> Iterator[Evidence]:
        """Yield what `load` and `served` saw, when nginx serves `file` just as it is."""
        yield of_bytes(self.conf_file, file.raw if file else _EMPTY if self.conf_file.exists() else None)
        if file:
            yield Evidence("mtime", str(self.conf_file), str(file.mtime))
            yield Evidence("nginx", join_host_port(*self.marker), str(file.generation))

    def read_passwords(self, files: Iterable[str]) -> dict[str, bytes]:
        """Return the content of password files by path, as far as they can be read."""
        found = {}
        for file in files:
            with suppress(OSError):
                found[file] = read_regular(Path(file), _OTHERS_LIMIT)
        return found

    def write_passwords(self, files: Mapping[str, bytes]) -> None:
        """Write the password files that are not there as they should be. Raises OSError."""
        known = self.read_passwords(files)
        for file, content in files.items():
            if known.get(file) != content:
                make_directory(self.passwords, mode=0o700, user=self.user)
                write_file(Path(file), content, mode=0o600, user=self.user)

    def clear_passwords(self, used: Iterable[str]) -> None:
        """Delete the password files nothing refers to any more. Raises OSError."""
        kept = set(used)
        with suppress(FileNotFoundError):
            for path in sorted(self.passwords.iterdir()):
                if FILE.fullmatch(path.name) and str(path) not in kept:
                    remove_file(path)


def _serves(pid: int) -> bool:
    """Tell whether a process is a worker that takes requests; nginx says in its title when one is ending."""
    with suppress(OSError):
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
        return title.startswith(b"nginx: worker process") and b"is shutting down" not in title
    return False
