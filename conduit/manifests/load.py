"""Loading: every manifest of the site, or every reason why not."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from conduit.dialect.collector import collector_paused
from conduit.errors import Diagnostic, LoadError
from conduit.evidence import hash_of_tree
from conduit.kind import Written
from conduit.manifests.cache import ParseCache
from conduit.manifests.entries import Section
from conduit.manifests.places import Name, Places
from conduit.manifests.tree import ManifestFile, Tree
from conduit.manifests.validate import Validator
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


def manifests_of(tree: Tree, settings: Settings, kinds: Kinds, now: float, cache: Path | None = None) -> Manifests:
    """Validate every manifest of a tree, wherever it was read from.

    `now` is the time in seconds since 1970 that `until:` is measured against; `cache` is a directory for parsed
    manifests. Raises `LoadError` with every problem of every file.
    """
    with collector_paused():
        places = Places({file.name: file.content for file in tree.files})
        sections, problems = _parse(tree.files, places, ParseCache(cache))
        problems = [*tree.problems, *problems]
        validator = Validator(settings, kinds, places, now)
        variables = validator.variables(sections)
        for name, found in sections.items():
            for section in found:
                validator.section(name, section, None if problems else variables)
    problems += validator.problems
    if problems:
        raise LoadError(sorted(problems, key=_position))
    digest = hash_of_tree(tree.files)
    return Manifests(validator.resources, tuple(validator.warnings), digest, kinds, places, tree.base)


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


def _position(problem: Diagnostic) -> Source:
    return problem.source or Source("")
