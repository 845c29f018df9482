"""Where checkpoints are kept outside the trail, so that a cut end, a rewrite or an older copy shows.

The git history of the site has a reference of its own, which goes along with a fetch or a mirror. The settings may name
a file on another disk, or a URL, as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from conduit.audit.checkpoints import CHECKPOINT, Signed, parse
from conduit.audit.key import AuditKey
from conduit.audit.redaction import redacted
from conduit.audit.verify import Witness
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.manifests.git import head_commit, work_tree
from conduit.model import Secret
from conduit.providers.git_ref import GitRef
from conduit.providers.outside import TextAtUrl, TextFile
from conduit.settings import Settings

ANCHOR_FAILED = Code(
    "CND-2105",
    "an anchor of the audit trail cannot be used",
    "Checkpoints of the audit trail are also kept outside of it: in the git history of the manifests, and where "
    "audit.anchor says. One of these could not be written or read. Changes go on, and the checkpoint is written there "
    "as soon as it can be; until then that place cannot tell whether the end of the trail was cut off.",
)
FOREIGN_ANCHOR = Code(
    "CND-2106",
    "an anchor holds what this site did not sign",
    "What is kept outside the audit trail has no valid signature of this site: it was replaced, or the key of the site "
    "was. The trail cannot be held against it.",
)
REFERENCE: Final = "refs/conduit/audit"
URLS: Final = ("http://", "https://")


class Store(Protocol):
    """Keeps texts one after the other."""

    def append(self, text: str) -> None:
        """Write a text. Raises OSError or `ConduitError`."""

    def newest(self) -> str | None:
        """Return the last one. Raises OSError or `ConduitError`."""


class Anchor(Struct, frozen=True):
    """One place, named for people."""

    place: str
    store: Store

    def keep(self, checkpoint: Signed) -> None:
        """Write a checkpoint there unless that place has it, or knows of later entries. Raises `ConduitError`."""
        try:
            known = parse(self.store.newest() or "", CHECKPOINT)
            if known is None or known.entry < checkpoint.entry:
                self.store.append(checkpoint.text())
        except (OSError, ConduitError) as error:
            raise self._failed(error) from error

    def witness(self, key: AuditKey) -> Witness | None:
        """Return what this place knows of the trail, None for nothing yet. Raises `ConduitError`."""
        try:
            text = self.store.newest()
        except (OSError, ConduitError) as error:
            raise self._failed(error) from error
        if not text:
            return None
        found = parse(text, CHECKPOINT)
        if found is None or not found.holds(key.public):
            summary = f"{self.place} holds what this site did not sign"
            raise ConduitError(Diagnostic(FOREIGN_ANCHOR, summary, hint="find out who wrote there"))
        return Witness(self.place, found.entry, found.hash)

    def _failed(self, error: Exception) -> ConduitError:
        summary = f"{self.place} cannot be used as an anchor: {error}"
        return ConduitError(Diagnostic(ANCHOR_FAILED, summary, hint="put it right; conduit audit anchor tries again"))


def anchors_of(settings: Settings, secret: Callable[[str], str]) -> Iterator[Anchor]:
    """Yield the places of a site. Opening one does no I/O beyond a look for git; `secret` may raise `ConduitError`."""
    desired = settings.path(settings.desired).resolve()
    place = work_tree(desired)
    if place and head_commit(desired):
        yield Anchor(f"{REFERENCE} in {place}", GitRef(place, REFERENCE))
    anchor = settings.audit.anchor
    if isinstance(anchor, Secret):
        yield Anchor("the secret URL of audit.anchor", TextAtUrl(secret(anchor.name)))
    elif anchor.startswith(URLS):
        yield Anchor(redacted(anchor), TextAtUrl(anchor))
    elif anchor:
        yield Anchor(anchor, TextFile(settings.path(Path(anchor))))
