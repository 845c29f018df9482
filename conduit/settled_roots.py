"""Settled roots: kept after a plan that found nothing, so that the next plan leaves out what is as it was then.

A root that stands alone and is declared as it was has no difference for as long as all that the plan depended on beside
the manifests shows the same. It is a cache: deletable, checked against its own checksum, and never a reason to change
anything. See docs/decisions/0032-settled-roots-are-not-planned-again.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Final, get_args

from msgspec import Struct, json

from conduit.claims import claim_places
from conduit.evidence import Evidence
from conduit.expand import Desired
from conduit.kind import RESERVED, Kind
from conduit.manifests.load import Manifests
from conduit.model import Key, Secret
from conduit.settled import keep_cache, read_cache
from conduit.settled_root import SettledRoot
from conduit.spec import Resource, Spec

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


def keep(state: Path, found: SettledRoots) -> None:
    """Keep what a plan found, a line for each root. Never fails: without it the next plan looks at every root."""
    keep_cache(state, NAME, json.Encoder().encode_lines(chain((found.shown,), found.roots)))


def settled_in(manifests: Manifests, desired: Desired, kinds: Mapping[str, Kind[Any]]) -> Iterator[SettledRoot]:
    """Yield the roots that stand alone in a wish of which nothing differs."""
    yield from desired.settled.values()
    tied = _tied(desired)
    for root in desired.unsettled():
        declared, own = manifests.declared.get(root.key), desired.children[root.key]
        if declared is None or not RESERVED.isdisjoint(declared.entry.data) or not tied.isdisjoint(own):
            continue
        if _alone(root, kinds[root.key.kind]):
            claims = claim_places((desired.leaves[key] for key in own), kinds)
            yield SettledRoot.of(root.key, declared.entry.data, own, tuple(claims))


def _alone(root: Resource[Any], kind: Kind[Any]) -> bool:
    """Tell whether the leaves of a root, and whether they differ, follow from its spec, the settings and what is live.

    A secret would have to be looked up, and noted as used.
    """
    spec_type: type[Spec] = type(root.spec)
    return root.spec.model_fields_set.isdisjoint(_secret_fields(spec_type)) and kind.alone(root.spec)


def _tied(desired: Desired) -> set[Key]:
    """Return the leaves that several roots share, or that lead from one root to another; none of what is settled is."""
    roots: dict[Key, Key] = {}
    tied: set[Key] = set()
    for root in desired.unsettled():
        for key in desired.children[root.key]:
            if roots.setdefault(key, root.key) != root.key:
                tied.add(key)
    for key, others in desired.edges.items():
        for other in others:
            if roots[other] != roots[key]:
                tied |= {key, other}
    return tied


@cache
def _secret_fields(spec: type[Spec]) -> frozenset[str]:
    """Return the fields of a spec that may name a secret, however deep."""
    return frozenset(name for name, field in spec.model_fields.items() if _tells_secrets(field.annotation))


def _tells_secrets(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return bool(_secret_fields(annotation))
    return annotation is Secret or any(map(_tells_secrets, get_args(annotation)))
