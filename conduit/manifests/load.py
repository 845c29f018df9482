"""Loading: every manifest of the site, or every reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from conduit.dialect.collector import collector_paused
from conduit.errors import Diagnostic, LoadError
from conduit.evidence import hash_of_tree
from conduit.later import later
from conduit.look import Written
from conduit.manifests.cache import ParseCache
from conduit.manifests.entries import Outline
from conduit.manifests.places import Name, Places
from conduit.manifests.tree import ManifestFile, Tree
from conduit.manifests.validate import VARS, Validator
from conduit.model import Key, Source
from conduit.resources import Kinds
from conduit.settings import Settings
from conduit.settled_root import NONE_SETTLED, SettledRoot
from conduit.spec import Resource


class Manifests(Struct, frozen=True):
    """What an operator declares: the roots of everything, in the order of files and lines.

    `digest` is the hash of all files, their names included; `base` is the directory those names count from. `settled`
    are those resources that are declared as they were, `plain` the data of all that may become so; see `Validator`.
    """

    resources: Mapping[Key, Resource[Any]]
    warnings: tuple[Diagnostic, ...]
    digest: str
    kinds: Kinds
    places: Places
    base: Path
    settled: Mapping[Key, SettledRoot] = NONE_SETTLED
    plain: Mapping[Key, bytes] | None = None

    def locate(self, key: Key, path: str = "") -> Source:
        """Return where the value at a dotted field path of a declared resource stands.

        The deepest part that exists counts; an empty path means the name itself. Raises KeyError for a key that is not
        declared.
        """
        return self.places.locate(self._name(key), path) if path else self.resources[key].source

    def written(self, key: Key) -> Written:
        """Return how a declared resource was written. Raises KeyError for a key that is not declared."""
        name = self._name(key)
        return Written(self.places.around(name), (name.plural, name.name), self.base)

    def _name(self, key: Key) -> Name:
        return Name(self.resources[key].source, self.kinds[key.kind].plural, key.name)


class Loaded(Struct, frozen=True):
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


def load(
    tree: Tree,
    settings: Settings,
    kinds: Kinds,
    now: float,
    cache: Path | None = None,
    settled: Mapping[Key, SettledRoot] | None = None,
) -> Loaded:
    """Validate every manifest of a tree, wherever it was read from.

    `now` is the time in seconds since 1970 that `until:` is measured against; `cache` is a directory for parsed
    manifests; `settled` are roots that are not validated again while they are declared as they were, None when none are
    ever kept.
    """
    with collector_paused():
        places = Places({file.name: file.content for file in tree.files})
        outlines, unreadable = _outlines(tree.files, places, ParseCache(cache))
        unread = [*tree.problems, *unreadable]
        validator = Validator(settings, kinds, places, now, settled)
        variables = validator.variables({name: found.sections for name, found in outlines.items()})
        known = not unread and all(map(_tells_variables, outlines.values()))
        for name, found in outlines.items():
            for section in found.sections:
                validator.section(name, section, variables if known else None)
    digest = hash_of_tree(tree.files)
    manifests = Manifests(
        later(validator.resources, validator.made),
        tuple(validator.warnings),
        digest,
        kinds,
        places,
        tree.base,
        validator.settled,
        validator.plain,
    )
    problems = [*unread, *(problem for each in outlines.values() for problem in each.problems), *validator.problems]
    return Loaded(manifests, problems, None if unread or not problems else _broken(outlines.values(), manifests))


def _outlines(
    files: list[ManifestFile], places: Places, cache: ParseCache
) -> tuple[dict[str, Outline], list[Diagnostic]]:
    """Return the outline of each file that can be read, and the problems of the others."""
    outlines: dict[str, Outline] = {}
    problems: list[Diagnostic] = []
    for file in files:
        try:
            outlines[file.name] = cache.outline(file, places)
        except LoadError as error:
            problems += error.diagnostics
    cache.save()
    return outlines, problems


def _tells_variables(found: Outline) -> bool:
    """Whether every variable of a file is known."""
    return not found.torn and all(plural not in ("", VARS) for plural, _ in found.unread)


def _broken(outlines: Iterable[Outline], manifests: Manifests) -> frozenset[Key] | None:
    """Return the declared names without a resource; None when some names are not known.

    They are not when a section is of no kind or holds no names, because either may mean anything, or a file is torn.
    """
    kinds, found = manifests.kinds.plurals, list(outlines)
    names = {(section.plural, entry.name) for each in found for section in each.sections for entry in section.entries}
    names = {name for name in names.union(*(each.unread for each in found)) if name[0] != VARS}
    plurals = {section.plural for each in found for section in each.sections} - {VARS}
    if not (plurals <= kinds.keys() and all(name for _, name in names)) or any(each.torn for each in found):
        return None
    return frozenset({Key(kinds[plural], name) for plural, name in names} - manifests.resources.keys())


def _position(problem: Diagnostic) -> Source:
    return problem.source or Source("")
