"""The records that dnsmasq has as live objects: ours, and other people's in our files and beside them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conduit.model import Claim, Key, Live
from conduit.providers.dnsmasq_files import RECORDS, Contents, Entry


def lives_of(contents: Contents, elsewhere: Iterable[Entry]) -> Iterator[Live]:
    """Yield ours, then what others wrote into our files, which can be taken over, then what stands `elsewhere`."""
    yield from map(_owned, contents.owned.values())
    yield from (_foreign(entry, adoptable=True) for entry in contents.foreign)
    yield from (_foreign(entry, adoptable=False) for entry in elsewhere)


def _owned(entry: Entry) -> Live:
    record = entry.record
    number = f"{record['type']} {record['name']}"
    return Live(Key(RECORDS, entry.owner), number, record, owned=True, protected=entry.protected, place=entry.place)


def _foreign(entry: Entry, *, adoptable: bool) -> Live:
    """Return somebody else's record; only one in our own file can be taken over, because only there it can go."""
    record, place = entry.record, entry.place
    rtype, name = record["type"], record["name"]
    claims = frozenset((Claim("dns", (name, rtype)),)) if adoptable else frozenset()
    key = Key(RECORDS, name.replace("*", "any").replace(".", "-").strip("-_"))
    return Live(key, f"{rtype} {name}", record, owned=False, claims=claims, place=place)
