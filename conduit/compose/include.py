"""`include`: the services of other applications, each read with its own directory and `.env`."""

from functools import reduce
from typing import Final

from pydantic import Field

from conduit.compose.extends import Extender
from conduit.compose.forms import Forms
from conduit.compose.merge import merge
from conduit.compose.nodes import Node
from conduit.compose.reader import CYCLE, SECTIONS, TOO_MUCH, Reader, Surroundings, parent
from conduit.compose.validate import checked
from conduit.dialect.words import shown
from conduit.errors import Code
from conduit.spec import Spec

CONFLICT = Code(
    "CND-1411",
    "an included name that is taken",
    "An included application declares a service, network, volume, secret or config of a name that is declared here or "
    "in another included file, with another meaning. Included applications are not merged. Rename one of them.",
)
DEEPEST: Final = 10


class Include(Spec):
    """One entry of `include`."""

    path: tuple[str, ...] = Field(min_length=1, strict=False)
    env_file: tuple[str, ...] = Field((), strict=False)
    project_directory: str | None = None


class Includer:
    """Reads an application with everything it includes."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._problems = reader, reader.problems
        self._extender = Extender(reader)

    def application(self, root: Node, path: str, around: Surroundings) -> Node:
        """Return a parsed file in long forms, with what it extends and includes."""
        return self._with_included(self._extender.document(root, path, around), around, (path,))

    def _with_included(self, document: Node, around: Surroundings, chain: tuple[str, ...]) -> Node:
        include = document.get("include")
        if include is None:
            return document
        bare = document.with_members({"include": None})
        for entry in include.value if isinstance(include.value, list) else [include]:
            added = self._entry(entry, around, chain)
            bare = self._joined(bare, added) if added else bare
        return bare

    def _entry(self, entry: Node, around: Surroundings, chain: tuple[str, ...]) -> Node | None:
        """Return what one entry adds; None after telling what is wrong with it."""
        forms = Forms(self._problems)
        long = entry.holding({"path": entry}) if isinstance(entry.value, str) else entry
        lists = {field: forms.texts(node) for field, node in long.items if field in ("path", "env_file")}
        long = long.with_members(lists) if isinstance(long.value, dict) else long
        if checked(Include, long, "include", self._problems) is None:
            return None
        listed: list[Node] = long.value["path"].value
        paths = {self._reader.path(node, around): node for node in listed}
        main = next(iter(paths))
        if not self._may_go_on(main, entry, chain):
            return None
        roots = [(path, root) for path, node in paths.items() if (root := self._reader.read(path, node))]
        given = long.get("project_directory")
        directory = self._reader.path(given, around) if given else parent(main)
        if len(roots) < len(paths):
            return None
        environment = {**self._variables(long.get("env_file"), directory, around), **around.environment}
        return self._merged(roots, Surroundings(directory, environment), (*chain, main))

    def _may_go_on(self, path: str, place: Node, chain: tuple[str, ...]) -> bool:
        if path in chain:
            way = " -> ".join((*chain, path))
            self._problems.add(CYCLE, f"files include each other: {way}", place, "take one include out")
        elif len(chain) > DEEPEST:
            self._problems.add(TOO_MUCH, f"include goes deeper than {DEEPEST} files", place, "include fewer levels")
        else:
            return True
        return False

    def _variables(self, listed: Node | None, directory: str, around: Surroundings) -> dict[str, str]:
        """Return the variables of `env_file`, else of `.env` in the included application's directory."""
        known = dict(around.environment)
        if listed is None:
            return self._reader.files.variables(f"{directory}/.env", None, known, required=False)
        found: dict[str, str] = {}
        for node in listed.value:
            found |= self._reader.files.variables(self._reader.path(node, around), node, {**found, **known})
        return found

    def _merged(self, roots: list[tuple[str, Node]], around: Surroundings, chain: tuple[str, ...]) -> Node | None:
        """Return the application of one or more files, each laid over the one before."""
        merged = reduce(merge, [self._extender.document(root, path, around) for path, root in roots])
        return self._with_included(merged, around, chain)

    def _joined(self, document: Node, added: Node) -> Node:
        """Return a document with the names of an included one."""
        sections: dict[str, Node | None] = {}
        for section in SECTIONS:
            new, own = added.get(section), document.get(section)
            if new is None or not isinstance(new.value, dict):
                continue
            known = own.value if own and isinstance(own.value, dict) else {}
            for name in known.keys() & new.value.keys():
                self._same(section, name, known[name], new.value[name])
            sections[section] = (own or new).holding({**new.value, **known})
        return document.with_members(sections)

    def _same(self, section: str, name: str, own: Node, included: Node) -> None:
        if own.plain() != included.plain():
            summary = f"{shown(name)} of {section} is declared here and in an included file"
            related = [("included", included)]
            self._problems.add(CONFLICT, summary, own, "rename one of them", at_key=True, related=related)
