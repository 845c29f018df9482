"""What the files of a certificate say about it: whole, damaged, or due to be issued anew. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from conduit.change import Change, Diff, FieldChange
from conduit.measures import duration, rfc3339
from conduit.model import Key, Live
from conduit.providers.certs_ca import BACKDATE
from conduit.providers.certs_pair import INTACT, MISSING, Header, Pair, Place, copy_of, header_of, paths

KIND: Final = "certificate"
MASTER: Final = "master"


def foreign(file: str, path: str) -> Live:
    """Return a file without our mark: listed by its path, never touched."""
    return Live(Key(KIND, file), file, {}, owned=False, status={"files": {}}, place=path)


def state(
    pair: Pair,
    file: str,
    seen: Mapping[str, tuple[str, bytes]],
    places: Mapping[str, Place],
    root: str,
    renew_before: float,
) -> Live:
    """Return one generation of a certificate as a live object.

    `seen` gives state and content of its file by place, `root` is the current root's fingerprint, `renew_before` the
    default in seconds. Its native form is the one it was issued for, empty when no file of it is whole.
    """
    content = next((content for _, content in seen.values() if content), b"")
    if not content:
        files = {MASTER: MISSING} | {label: found for label, (found, _) in seen.items()}
        consumers = [label.removeprefix(copy_of("")) for label in seen if label != MASTER]
        facts = paths(places, consumers, file)
        return Live(pair.key, file, {}, True, {"files": files}, facts, protected=pair.protected)
    header = header_of(content)
    consumers = header.spec["consumers"]
    files = {label: seen[label][0] if label in seen else MISSING for label in (MASTER, *map(copy_of, consumers))}
    facts = paths(places, consumers, file)
    facts |= {"serial": header.serial, "issued": header.issued, "not_after": header.not_after}
    facts |= {"root_not_after": header.root_not_after, "renew_at": _renew_at(header, renew_before)}
    issue = {"serial": header.serial, "expires": rfc3339(header.not_after), "root": header.root}
    status: dict[str, Any] = {"files": files, "current": header.root == root, **issue}
    return Live(pair.key, file, header.spec, True, status, facts, protected=pair.protected)


def with_revocation(live: Live, serials: frozenset[str]) -> Live:
    """Return a live certificate that says whether its serial is among the revoked ones."""
    if live.facts.get("serial") not in serials:
        return live
    return replace(live, status={**live.status, "revoked": True})


def damage(live: Live) -> tuple[FieldChange, ...]:
    """Return the files that are missing, changed, or readable by the wrong people."""
    return tuple(FieldChange(place, found, INTACT) for place, found in live.status["files"].items() if found != INTACT)


def ageing(live: Live, now: float) -> Diff | None:
    """Return why a whole certificate must be issued anew although its spec is met: its root, or its time."""
    facts = live.facts
    if "renew_at" not in facts:
        return None
    if live.status.get("revoked"):
        return _due("serial", facts["serial"], "a new one", f"{facts['serial']} was revoked")
    if not live.status["current"]:
        return _due("root", live.status["root"], "current", "it was signed by a root that is not in use")
    if now >= facts["root_not_after"]:
        return _due("root", "expired", "valid", f"ca_expired: the root expired on {rfc3339(facts['root_not_after'])}")
    if now >= facts["renew_at"]:
        return _due("not_after", live.status["expires"], "renewed", f"it expires on {live.status['expires']}")
    if now < facts["issued"] - BACKDATE:
        return _due("not_before", rfc3339(facts["issued"] - BACKDATE), "past", "it is not valid yet by this clock")
    return None


def restorable(change: Change, now: float) -> bool:
    """Return whether a live certificate needs no more than some of its files back."""
    live = change.live
    same_mark = change.want is None or live is None or change.want.protect == live.protected
    return live is not None and same_mark and live.native == change.native and ageing(live, now) is None


def _renew_at(header: Header, default: float) -> float:
    """Return when to renew: the lead time before the end, half the life at most.

    A certificate that ends with its root gains nothing from renewal before that end.
    """
    if header.not_after >= header.root_not_after:
        return header.not_after
    own = header.spec["renew_before"]
    lead = duration(own) if own else default
    return header.not_after - min(lead, (header.not_after - header.issued) / 2)


def _due(path: str, old: str, new: str, reason: str) -> Diff:
    return Diff((FieldChange(path, old, new),), reason=reason, due=True)
