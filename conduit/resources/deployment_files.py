"""The secrets and configs of an application, as the files that its containers get."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conduit.compose.load import Loaded
from conduit.compose.mounts import Content
from conduit.compose.service import Service
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.look import Look
from conduit.resources.container_spec import InjectedFile
from conduit.resources.deployment_secrets import tokens_of
from conduit.resources.hidden_spec import Hidden

UNREADABLE = Code(
    "CND-1544",
    "a secret or config that cannot be read",
    "The file of a secret or config is plain UTF-8 text of at most 500 KiB, and no link. Correct the path, or mount "
    "what is not text as a bind under `volumes`.",
)
LARGEST: Final = 500 * 1024
"""Bytes of one file, Docker's own limit for a secret."""


def files_of(service: Service, loaded: Loaded, look: Look) -> Iterator[InjectedFile]:
    """Yield the files of a service's containers. Raises `ConduitError` when one cannot be read."""
    for section in ("secrets", "configs"):
        declared: dict[str, Content] = getattr(loaded.application, section)
        for mount in getattr(service, section):
            content = _content((section, mount.source), declared[mount.source], loaded, look)
            yield InjectedFile(target=mount.target, content=content, uid=mount.uid, gid=mount.gid, mode=mount.mode)


def _content(path: tuple[str, str], declared: Content, loaded: Loaded, look: Look) -> Hidden:
    if declared.file is not None:
        try:
            return look.files.read(Path(declared.file), LARGEST).decode()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text of at most 500 KiB"
            summary = f"{declared.file} cannot be read: {why}"
            source = loaded.source((*path, "file"))
            raise ConduitError(Diagnostic(UNREADABLE, summary, source, "correct the path")) from None
    text = declared.content if declared.environment is None else loaded.environment[declared.environment]
    return look.once(tokens_of).hidden(text or "")
