"""Settled roots: kept after a plan that found nothing, so that the next plan leaves out what is as it was then.

A root that stands alone and is declared as it was has no difference for as long as all that the plan depended on beside
the manifests shows the same. It is a cache: deletable, checked against its own checksum, and never a reason to change
anything. See docs/decisions/0032-settled-roots-are-not-planned-again.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

from msgspec import Raw, Struct, json

from conduit.evidence import Evidence
from conduit.expand import Desired
from conduit.kind import Kind
from conduit.model import Key, Secret
from conduit.settled import keep_cache, read_cache
from conduit.settled_root import SettledRoot
from conduit.spec import Spec
from conduit.wish import Wish

NAME: Final = "roots.json"


class Shown(Struct, frozen=True, array_like=True):
    """What all showed when the roots were settled: the settings, the keys, and each provider by its name."""

    settings: tuple[Evidence, ...]
    keys: tuple[Evidence, ...]
    providers: dict[str, tuple[Evidence, ...]]


class SettledRoots(Struct, frozen=True):
    """Roots that a plan found as they are wished for, and what everything showed then."""

    shown: Shown | None = None
    roots: Iterable[SettledRoot] = ()

    def known(self, settings: tuple[Evidence, ...] | None) -> dict[Key, SettledRoot]:
        """Return the roots by their keys, none of other settings than these."""
        same = self.shown is not None and self.shown.settings == settings
        return {root.key: root for root in self.roots} if same else {}


_SHOWN: Final = json.Decoder(Shown)
_ROOT: Final = json.Decoder(SettledRoot)


def read(state: Path) -> SettledRoots:
    """Return what is kept in a state directory; nothing when there is nothing to be trusted. Never fails."""
    try:
        shown, _, roots = read_cache(state, NAME).partition(b"\n")
        return SettledRoots(_SHOWN.decode(shown), _ROOT.decode_lines(roots))
    except (OSError, ValueError):
        return SettledRoots()


def keep(state: Path, shown: Shown, lines: bytes | bytearray) -> None:
    """Keep the lines of roots. Never fails: without them the next plan looks at every root."""
    keep_cache(state, NAME, json.encode(shown) + b"\n" + lines)


def lines_of(wish: Wish, kinds: Mapping[str, Kind[Any]]) -> bytearray:
    """Return what is kept of a wish of which nothing differs: a line for each root that stands alone."""
    lines, encoder = bytearray(), json.Encoder()
    for root in _settled_in(wish, kinds):
        encoder.encode_into(root, lines, -1)
        lines += b"\n"
    return lines


def _settled_in(wish: Wish, kinds: Mapping[str, Kind[Any]]) -> Iterator[SettledRoot]:
    desired, plain = wish.desired, wish.manifests.plain or {}
    yield from desired.settled.values()
    earlier, others = wish.manifests.settled, {*wish.naming, *_tied(desired)}
    for root in desired.unsettled():
        key, kind = root.key, kinds[root.key.kind]
        data = earlier[key].data if key in earlier else plain.get(key)
        if data is not None and key not in others and _alone(root.spec, kind):
            yield SettledRoot(key, Raw(data), desired.children[key], tuple(desired.buckets.get(key, ())))


def _alone(spec: Spec, kind: Kind[Any]) -> bool:
    """Tell whether the leaves of a root, and whether they differ, follow from its spec, the settings and what is live.

    A secret would have to be looked up, and noted as used.
    """
    return kind.alone(spec) and _secret_fields(kind.spec).isdisjoint(spec.model_fields_set)


def _tied(desired: Desired) -> set[Key]:
    """Return the roots that share leaves, or of which one needs the other; none of what is settled does."""
    tied: set[Key] = set()
    if sum(map(len, desired.children.values())) > len(desired.leaves):
        sharing: dict[Key, set[Key]] = {}
        for root in desired.unsettled():
            for leaf in desired.children[root.key]:
                sharing.setdefault(leaf, set()).add(root.key)
        tied.update(*(roots for roots in sharing.values() if len(roots) > 1))
    for leaf, others in desired.edges.items():
        roots = {desired.leaves[each].root for each in (leaf, *others)}
        if len(roots) > 1:
            tied |= roots
    return tied


@cache
def _secret_fields(spec: type[Spec]) -> frozenset[str]:
    """Return the fields of a spec that may name a secret, however deep."""
    return frozenset(name for name, field in spec.model_fields.items() if _tells_secrets(field.annotation))


def _tells_secrets(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return bool(_secret_fields(annotation))
    return annotation is Secret or any(map(_tells_secrets, get_args(annotation)))
