"""The whole wish of a site: what is declared, expanded, with what it depends on and what there is to tell."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.errors import Diagnostic, LoadError
from conduit.evidence import Evidence, hash_of_contents
from conduit.expand import DeclaredLook, Desired, expand
from conduit.manifests.load import Loaded, Manifests
from conduit.model import FRAME, NO_FIELDS, Key
from conduit.operation import plain_verbs
from conduit.patterns import pattern
from conduit.providers.base import provider_named
from conduit.providers.resolver import Resolver
from conduit.providers.site_files import SiteFiles
from conduit.resources import Kinds
from conduit.settings import Settings
from conduit.settled_root import NONE_SETTLED, SettledRoot
from conduit.upstreams import rules_of

KEYS: Final = pattern(r"[a-z_]+/[a-z0-9._-]+", re.ASCII)
"""The keys that the words of a problem name."""


class Wish(Struct, frozen=True):
    """Manifests and what they stand for; `evidence` is None when what was looked up cannot be looked up again.

    `files` are those that the manifests name, by path; `naming` are the resources that name hosts to be resolved.
    """

    manifests: Manifests
    desired: Desired
    warnings: tuple[Diagnostic, ...]
    evidence: tuple[Evidence, ...] | None
    files: Mapping[str, bytes] = NO_FIELDS
    naming: Collection[Key] = ()

    @property
    def files_digest(self) -> str:
        """The hash of all files that the manifests name, "" when they name none."""
        return hash_of_contents(self.files) if self.files else ""


def wish_of(manifests: Manifests, settings: Settings, kinds: Kinds, files: SiteFiles) -> Wish:
    """Expand manifests; host names are resolved and named `files` read for it. Raises LoadError with every problem."""
    declared, resolver = manifests.resources, Resolver()
    verbs, settled = partial(_verbs, settings, kinds), _worth_while(manifests)
    look = DeclaredLook(settings, declared, rules_of(settings), resolver, files, manifests.written, verbs, settled)
    hosts = {each.key: found for each in look.connected() if (found := [*kinds[each.key.kind].hosts(each.spec)])}
    resolver.prefetch(host for found in hosts.values() for host in found)
    try:
        desired = expand(look, kinds, settled)
    except LoadError as error:
        raise LoadError(_at_their_fields(error.diagnostics, manifests)) from None
    seen = files.evidence()
    places = f"{settings.path(settings.desired)}\0{settings.base}"
    tree = Evidence("tree", places, manifests.digest)
    evidence = None if seen is None else (tree, *resolver.evidence(), *seen)
    warnings = (*manifests.warnings, *look.warnings, *dict.fromkeys(look.doubts.values()))
    return Wish(manifests, desired, warnings, evidence, files.contents, hosts.keys())


def _worth_while(manifests: Manifests) -> Mapping[Key, SettledRoot]:
    """Return the settled roots; none when most are new: to compare these with them costs more than it saves."""
    settled = manifests.settled
    return settled if 2 * len(settled) >= len(manifests.resources) else NONE_SETTLED


def _verbs(settings: Settings, kinds: Kinds, key: Key) -> Sequence[str]:
    """Return what can be done once to a resource, or to `frame/<provider>`, without being told more."""
    if key.kind == FRAME:
        return plain_verbs(provider_named(key.name)) if key.name in settings.sections else ()
    return plain_verbs(type(kinds[key.kind])) if key.kind in kinds else ()


def _at_their_fields(problems: Iterable[Diagnostic], manifests: Manifests) -> Iterator[Diagnostic]:
    """Yield what is wrong with declared names at the field that is named, with the line there."""
    declared = {resource.source: key for key, resource in manifests.resources.items()}
    for problem in problems:
        key = declared.get(problem.source) if problem.source else None
        at = manifests.locate(key, problem.field) if key else problem.source
        yield manifests.places.lined(replace(problem, source=at))


def wrong_beside(loaded: Loaded, settings: Settings, kinds: Kinds, files: SiteFiles) -> Iterator[Diagnostic]:
    """Yield what is wrong with the manifests that hold each by itself, for those that do not load as a whole.

    What names a broken resource is left out, because that one may be all there is to it.
    """
    if loaded.broken is None:
        return
    try:
        wish_of(loaded.manifests, settings, kinds, files)
    except LoadError as error:
        broken = set(map(str, loaded.broken))
        yield from (each for each in error.diagnostics if broken.isdisjoint(KEYS.findall(each.summary)))
