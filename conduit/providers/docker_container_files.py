"""The secrets and configs of containers: files on the host, mounted into them read-only.

A file is named after what it is, so that one that changes is another file: containers that run keep theirs until they
are replaced, and two that want the same one share it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from conduit.canonical import canonical
from conduit.evidence import Evidence, of_inode
from conduit.model import Native
from conduit.providers.docker_api import refused
from conduit.providers.docker_container_mounts import EVERYONE
from conduit.providers.files import make_directory, read_regular, remove_file, write_file

LARGEST: Final = 16 * 2**20
"""Bytes of an injected file."""


class InjectedFiles:
    """The injected files of one site, in `directory`; `fingerprint` is the keyed one of a text."""

    def __init__(self, directory: Path, fingerprint: Callable[[str], str]) -> None:
        self.directory, self._fingerprint = directory, fingerprint
        self.seen: dict[str, Evidence] = {}
        """The evidence of each file that was looked at, taken before it was read."""

    def path(self, form: Native) -> Path:
        """Return where a file of this native form lies."""
        return self.directory / self._fingerprint(canonical(form))

    def put(self, form: Native, content: str) -> None:
        """Write a file unless it is there as it should be. Raises `Refused`, OSError."""
        if self.form_at(str(self.path(form))) == form:
            return
        try:
            owner, group = int(form.get("Uid", "0")), int(form.get("Gid", "0"))
        except ValueError:
            raise refused(
                "the owner of a file in a container is a number", "write the numbers of user and group"
            ) from None
        make_directory(self.directory)
        write_file(self.path(form), content.encode(), mode=form.get("Mode", EVERYONE))
        os.chown(self.path(form), owner, group)

    def form_at(self, path: str) -> Native:
        """Return the native form of the file at a path; empty when it is gone or cannot be one of ours."""
        if Path(path).parent != self.directory:
            return {}
        self.seen[path] = of_inode(Path(path))
        try:
            content = read_regular(Path(path), LARGEST).decode()
            found = Path(path).lstat()
        except (OSError, ValueError):
            return {}
        owner = {name: str(number) for name, number in (("Uid", found.st_uid), ("Gid", found.st_gid)) if number}
        mode = found.st_mode & 0o7777
        return {"Content": self._fingerprint(content), **owner, **({} if mode == EVERYONE else {"Mode": mode})}

    def any(self) -> bool:
        """Return whether there is any file."""
        return self.directory.is_dir() and any(self.directory.iterdir())

    def keep_only(self, used: Collection[str]) -> None:
        """Delete the files whose paths no container mounts. Raises OSError."""
        for path in self.directory.iterdir():
            if str(path) not in used:
                remove_file(path)
