"""Loading: every manifest of the site, or every reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from conduit.dialect.collector import collector_paused
from conduit.errors import Diagnostic, LoadError
from conduit.evidence import hash_of_tree
from conduit.look import Written
from conduit.manifests.cache import ParseCache
from conduit.manifests.entries import Section
from conduit.manifests.places import Name, Places
from conduit.manifests.tree import ManifestFile, Tree
from conduit.manifests.validate import VARS, Validator
from conduit.model import Key, Source
from conduit.resources import Kinds
from conduit.settings import Settings
from conduit.spec import Resource


class Manifests(NamedTuple):
    """What an operator declares: the roots of everything, in the order of files and lines.

    `digest` is the hash of all files, their names included; `base` is the directory those names count from.
    """

    resources: dict[Key, Resource[Any]]
    warnings: tuple[Diagnostic, ...]
    digest: str
    kinds: Kinds
    places: Places
    base: Path

    def locate(self, key: Key, path: str = "") -> Source:
        """Return where the value at a dotted field path of a declared resource stands.

        The deepest part that exists counts; an empty path means the name itself. Raises KeyError for a key that is not
        declared.
        """
        source = self.resources[key].source
        return self.places.locate(Name(source.file, self.kinds[key.kind].plural, key.name), path) if path else source

    def written(self, key: Key) -> Written:
        """Return how a declared resource was written. Raises KeyError for a key that is not declared."""
        source = self.resources[key].source
        return Written(self.places.document(source.file), (self.kinds[key.kind].plural, key.name), self.base)


class Loaded(NamedTuple):
    """What could be made of a tree: the manifests as far as they hold, and what is wrong with the rest.

    `broken` are the declared names with problems, None when some names are not known, because a file does not parse.
    """

    manifests: Manifests
    problems: list[Diagnostic]
    broken: frozenset[Key] | None

    def whole(self, others: Iterable[Diagnostic] = ()) -> Manifests:
        """Return the manifests when all of them hold. Raises `LoadError` with every problem, and then with `others`."""
        if self.problems:
            raise LoadError(sorted([*self.problems, *others], key=_position))
        return self.manifests


def load(tree: Tree, settings: Settings, kinds: Kinds, now: float, cache: Path | None = None) -> Loaded:
    """Validate every manifest of a tree, wherever it was read from.

    `now` is the time in seconds since 1970 that `until:` is measured against; `cache` is a directory for parsed
    manifests.
    """
    with collector_paused():
        places = Places({file.name: file.content for file in tree.files})
        sections, unparsed = _parse(tree.files, places, ParseCache(cache))
        unread = [*tree.problems, *unparsed]
        validator = Validator(settings, kinds, places, now)
        variables = validator.variables(sections)
        for name, found in sections.items():
            for section in found:
                validator.section(name, section, None if unread else variables)
    digest = hash_of_tree(tree.files)
    manifests = Manifests(validator.resources, tuple(validator.warnings), digest, kinds, places, tree.base)
    broken = _broken(sections, manifests) if validator.problems and not unread else None
    return Loaded(manifests, [*unread, *validator.problems], broken)


def _parse(
    files: list[ManifestFile], places: Places, cache: ParseCache
) -> tuple[dict[str, list[Section]], list[Diagnostic]]:
    sections: dict[str, list[Section]] = {}
    problems: list[Diagnostic] = []
    for file in files:
        try:
            sections[file.name] = cache.sections(file.digest, partial(places.document, file.name))
        except LoadError as error:
            problems += error.diagnostics
    cache.save()
    return sections, problems


def _broken(sections: Mapping[str, list[Section]], manifests: Manifests) -> frozenset[Key] | None:
    """Return the declared names without a resource; None when a section is of no kind, because it may mean anything."""
    kinds = manifests.kinds.plurals
    found = [section for each in sections.values() for section in each if section.plural != VARS]
    if any(section.plural not in kinds for section in found):
        return None
    named = {Key(kinds[section.plural], entry.name) for section in found for entry in section.entries}
    return frozenset(named - manifests.resources.keys())


def _position(problem: Diagnostic) -> Source:
    return problem.source or Source("")
