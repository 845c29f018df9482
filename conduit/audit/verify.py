"""Does the trail hold? Every line, every signature, and everything that was kept of it elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain as joined
from itertools import pairwise
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from conduit.audit.checkpoints import EVERY, LOST, Checkpoints, Signed, read_stub
from conduit.audit.key import PublicKey
from conduit.chain import BadEntry, Broken, Chain, Link, Mac


class Witness(Struct, frozen=True):
    """What somebody else than the trail knows: that entry `entry` has the hash `hash`."""

    place: str
    entry: int
    hash: str


class Verdict(Struct, frozen=True):
    """What was found: the first and the last good entry, up to which one they are signed, and the first bad one."""

    first: int
    last: int
    signed: int
    bad: BadEntry | None


def verify(directory: Path, public: PublicKey, mac: Mac | None = None, witnesses: Iterable[Witness] = ()) -> Verdict:
    """Check the trail in a directory. Without `mac` the MACs are not looked at. Raises OSError."""
    stub, checkpoints = read_stub(directory), list(Checkpoints(directory).newest())[::-1]
    known = [*witnesses, *(Witness("a checkpoint", each.entry, each.hash) for each in checkpoints)]
    last, bad = _walked(Chain(directory, mac, keyed=True), stub.entry, stub.hash, known)
    bad = _bad_stub(directory, stub, public) or bad or _bad_signing(directory, stub, checkpoints, public, last)
    signed = max((each.entry for each in checkpoints), default=stub.entry)
    return Verdict(stub.entry + 1, last.seq, signed, bad)


def broken_end(chain: Chain, head: tuple[int, str] | None, stub: Signed) -> BadEntry | None:
    """Return the first bad entry of the newest segment, which has to hold the head; older ones are not looked at."""
    segments = chain.segments()
    before = chain.last_of(segments[-2]) if len(segments) > 1 else None
    entry, digest = (before.seq, before.hash) if before else (stub.entry, stub.hash)
    known = [Witness("the head", *head)] if head and head[0] >= entry else []
    return _walked(chain, entry, digest, known)[1]


def _walked(chain: Chain, entry: int, digest: str, known: Iterable[Witness]) -> tuple[Link, BadEntry | None]:
    """Return the last good entry after one of this number and hash, and what is wrong then."""
    last, wanted = Link(chain.directory, 0, entry, digest), dict[int, list[Witness]]()
    for witness in known:
        wanted.setdefault(witness.entry, []).append(witness)
    try:
        for link in joined([last], chain.links(entry, digest)):
            if link.seq in wanted and (bad := _differs(link, wanted[link.seq])):
                return last, bad
            last = link
    except Broken as error:
        return last, error.bad
    return last, _cut(last, wanted)


def _differs(link: Link, known: Iterable[Witness]) -> BadEntry | None:
    place = next((each.place for each in known if each.hash != link.hash), "")
    return BadEntry(link.file, link.line, link.seq, f"is another one than {place} knows") if place else None


def _cut(last: Link, wanted: dict[int, list[Witness]]) -> BadEntry | None:
    entry = max(wanted, default=0)
    if entry <= last.seq:
        return None
    reason = (
        f"is missing: {wanted[entry][0].place} knows entry {entry}, so the end was cut off or an older copy put back"
    )
    return BadEntry(last.file, last.line + 1, last.seq + 1, reason)


def _bad_stub(directory: Path, stub: Signed, public: PublicKey) -> BadEntry | None:
    """Say why a trail cannot begin where it does."""
    if not stub.entry:
        return None
    if stub.entry < 0 or not stub.holds(public):
        reason = "is missing, and what tells why was not signed by this site"
    elif stub.reason == LOST:
        reason = f"is missing: there was no trail on {stub.time}, so one was begun after entry {stub.entry}"
    else:
        return None
    return BadEntry(directory / "stub.json", 1, 1, reason)


def _bad_signing(
    directory: Path, stub: Signed, checkpoints: list[Signed], public: PublicKey, last: Link
) -> BadEntry | None:
    """Say which entries no checkpoint of this site covers."""
    if bad := Checkpoints(directory).chain.verify():
        return replace(bad, reason=f"of the checkpoints {bad.reason}")
    for number, each in enumerate(checkpoints, 1):
        if not each.holds(public):
            return BadEntry(directory / "checkpoints", number, each.entry, "has a checkpoint this site did not sign")
    for before, after in pairwise(_covered(stub, checkpoints, last)):
        if after - before > EVERY:
            return BadEntry(
                last.file, last.line, before + 1, f"and {after - before} after it are covered by no checkpoint"
            )
    return None


def _covered(stub: Signed, checkpoints: list[Signed], last: Link) -> Iterator[int]:
    yield stub.entry
    yield from (each.entry for each in checkpoints if each.entry > stub.entry)
    yield max(last.seq, stub.entry)
