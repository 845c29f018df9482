"""The one way conduit writes a file: temporary name daemons ignore, fsync, rename, fsync of the directory."""

from __future__ import annotations

import errno
import os
import pwd
import stat
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

TEMPORARY = ".conduit-"
"""Every temporary file begins with this; dnsmasq's conf-dir and our own readers skip hidden names."""


def write_file(
    path: Path,
    content: bytes,
    *,
    mode: int = 0o600,
    user: str | None = None,
    mtime_ns: int | None = None,
    proven: bool = False,
) -> None:
    """Replace `path` with `content` so that a reader, or a crash, sees the old or the new file whole.

    The directory must exist. `user` names the owner (ignored unless running as root). `proven` is for a name that
    carries our mark: whatever has it is replaced, a pipe too. Raises OSError.
    """
    put_in_place(stage_file(path, content, mode=mode, user=user, mtime_ns=mtime_ns), path, proven=proven)


def write_cache(path: Path, content: bytes) -> None:
    """Replace a file that tells by itself whether it is whole, so that nothing waits for the disk. Raises OSError.

    A reader sees the old or the new file; after a crash of the machine it may be neither.
    """
    make_directory(path.parent)
    os.rename(stage_file(path, content, durable=False), path)


def stage_file(
    path: Path,
    content: bytes,
    *,
    mode: int = 0o600,
    user: str | None = None,
    mtime_ns: int | None = None,
    durable: bool = True,
) -> Path:
    """Write what `path` shall hold beside it, durably, and return where. Raises OSError and leaves nothing then."""
    temporary = path.with_name(f"{TEMPORARY}{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            if user and os.geteuid() == 0:
                entry = pwd.getpwnam(user)
                os.fchown(file.fileno(), entry.pw_uid, entry.pw_gid)
            file.write(content)
            file.flush()
            if mtime_ns is not None:
                os.utime(file.fileno(), ns=(mtime_ns, mtime_ns))
            if durable:
                os.fsync(file.fileno())
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    return temporary


def put_in_place(staged: Path, path: Path, *, proven: bool = False) -> None:
    """Let a staged file take the place of `path`, durably. Raises OSError and drops it then.

    Unless the name is `proven` to be ours, files and links are replaced and nothing else: root could put a file where
    /dev/null was.
    """
    try:
        if not proven:
            _refuse_special(path)
        os.rename(staged, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(staged)
        raise
    sync_directory(path.parent)


def _refuse_special(path: Path) -> None:
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
            raise FileExistsError(errno.EEXIST, "something that is no file has that name", str(path))


def remove_file(path: Path) -> None:
    """Delete `path` durably; a file that is already gone is fine. Raises OSError otherwise."""
    with suppress(FileNotFoundError):
        path.unlink()
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make renames and deletions in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_regular(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes without following a link or waiting on a FIFO.

    Raises FileNotFoundError, or OSError for anything that is not a plain file of that size.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is not a regular file")
        content = b"" if status.st_size > limit else file.readall()
    if max(status.st_size, len(content)) > limit:
        raise OSError(f"{path} is larger than {limit} bytes")
    return content


def make_directory(path: Path, *, mode: int = 0o700, user: str | None = None) -> None:
    """Create a directory and its parents; only the last one gets `mode` and `user`, and only when it is new."""
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    path.mkdir(mode=mode, exist_ok=True)
    path.chmod(mode)
    if user and os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def left_over(directories: Iterable[Path]) -> list[Path]:
    """Return temporary files a killed run left in our directories."""
    found: list[Path] = []
    for directory in directories:
        with suppress(FileNotFoundError):
            found += [e for e in directory.iterdir() if e.name.startswith(TEMPORARY) and e.name.endswith(".tmp")]
    return sorted(found)
