"""One transaction on a document: compose, check, leave out who is refused, commit once.

A refused block goes into quarantine and the others go through. Who is to blame is in the words of the refusal, else it
is found by trying halves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from msgspec import Struct

from conduit.errors import Diagnostic, Refused
from conduit.model import Key, Native, Reading
from conduit.providers.base import DocumentProvider

D = TypeVar("D")


class Block(Struct, frozen=True):
    """What a transaction writes for one key."""

    native: Native
    protected: bool = False


Changes = Mapping[Key, Block | None]
"""What a transaction writes: the new block of each key, None deletes."""


class Staged(Struct, Generic[D], frozen=True):
    """A validated document with the changes it holds, and the changes left out because the daemon refuses them."""

    document: D
    changes: Mapping[Key, Block | None]
    quarantined: Mapping[Key, Diagnostic]


def stage(provider: DocumentProvider[D], reading: Reading, changes: Changes) -> Staged[D]:
    """Compose and validate `changes` on top of the live blocks, leaving out blocks that are refused.

    Only blocks of `changes` are blamed: by the refusal's own words, else by halving. A refused block keeps its last
    good form. Raises `Refused` when no change is left or nobody is to blame.
    """
    return _without_refused(provider, reading, dict(changes), {})


def commit(provider: DocumentProvider[D], reading: Reading, staged: Staged[D]) -> tuple[Reading, Staged[D]]:
    """Commit a staged document; blocks the daemon itself refuses are left out and the rest goes through.

    Returns the reading after it and what was really committed. Raises `Refused` when nothing is left, and whatever
    `provider.commit` raises.
    """
    while True:
        try:
            return provider.commit(staged.document, reading), staged
        except Refused as refusal:
            left = _leave_out(provider, reading, dict(staged.changes), dict(staged.quarantined), refusal)
            staged = _without_refused(provider, reading, *left)


def transact(provider: DocumentProvider[D], reading: Reading, changes: Changes) -> tuple[Reading, Staged[D]]:
    """Stage and commit in one go."""
    return commit(provider, reading, stage(provider, reading, changes))


def _without_refused(
    provider: DocumentProvider[D],
    reading: Reading,
    changes: dict[Key, Block | None],
    quarantined: dict[Key, Diagnostic],
) -> Staged[D]:
    while True:
        try:
            document = composed(provider, reading, changes)
            provider.validate(document)
        except Refused as refusal:
            changes, quarantined = _leave_out(provider, reading, changes, quarantined, refusal)
        else:
            return Staged(document, changes, quarantined)


def _leave_out(
    provider: DocumentProvider[D],
    reading: Reading,
    changes: dict[Key, Block | None],
    quarantined: dict[Key, Diagnostic],
    refusal: Refused,
) -> tuple[dict[Key, Block | None], dict[Key, Diagnostic]]:
    """Move the blamed changes to quarantine; raises the refusal when no change would be left."""
    bad = [key for key in refusal.blamed if key in changes]
    if not bad and not refusal.whole:
        bad = _bisect(provider, reading, changes)
    remaining = {key: native for key, native in changes.items() if key not in bad}
    if not bad or not remaining:
        nobody = refusal.whole or not bad
        raise Refused(refusal.diagnostics[0], () if nobody else [*quarantined, *bad], whole=nobody) from refusal
    return remaining, quarantined | dict.fromkeys(bad, refusal.diagnostics[0])


def composed(provider: DocumentProvider[D], reading: Reading, changes: Changes) -> D:
    """Return the document of our live blocks with `changes` laid over them. Raises `Refused`."""
    natives = {live.key: live.native for live in reading.ours() if live.key not in changes}
    protected = {live.key for live in reading.ours() if live.protected and live.key not in changes}
    new = {key: block for key, block in changes.items() if block}
    natives |= {key: block.native for key, block in new.items()}
    protected |= {key for key, block in new.items() if block.protected}
    return provider.compose(reading, natives, protected)


def _bisect(provider: DocumentProvider[D], reading: Reading, changes: Changes) -> list[Key]:
    """Find the refused blocks by trying halves; empty when a trial cannot tell, or not within `TRIALS` of them."""
    trials = TRIALS

    def refused(keys: list[Key]) -> bool:
        nonlocal trials
        trials -= 1
        try:
            provider.trial(composed(provider, reading, {key: changes[key] for key in keys}))
        except Refused:
            return True
        return False

    def search(keys: list[Key]) -> list[Key]:
        if not keys or trials <= 0 or not refused(keys):
            return []
        if len(keys) == 1:
            return keys
        half = len(keys) // 2
        return search(keys[:half]) + search(keys[half:])

    found = search(sorted(changes))
    return found if trials > 0 else []


TRIALS: Final = 64
"""How often a daemon may be asked about parts of a refused document; each may take as long as loading all of it."""
