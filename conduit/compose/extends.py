"""`extends`: a service laid over another one, of the same file or of the file it names."""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.compose.merge import merge
from conduit.compose.nodes import Node
from conduit.compose.reader import CYCLE, TOO_MUCH, Reader, Surroundings, parent
from conduit.compose.validate import checked
from conduit.dialect.words import did_you_mean, shown
from conduit.errors import Code
from conduit.spec import Spec

NO_BASE = Code(
    "CND-1410",
    "a service to extend that is not there",
    "`extends` names a service of the same file, or of the file it names. That file has none of this name. Correct the "
    "name or the file; a service that is only included cannot be extended.",
)
DEEPEST: Final = 20


class Extends(Spec):
    """The `extends` of a service."""

    service: str
    file: str | None = None


class Origin(Struct, frozen=True):
    """The services of one file, the file, and what it was read with."""

    services: Node
    path: str
    around: Surroundings


Chain = tuple[tuple[str, str], ...]
"""The services on the way, each with its file."""


class Extender:
    """Carries out every `extends` of a file."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._problems = reader, reader.problems

    def document(self, root: Node, path: str, around: Surroundings) -> Node:
        """Return a parsed file in long forms, with every service laid over what it extends."""
        document = self._reader.long(root, around)
        services = document.get("services")
        if not services or not isinstance(services.value, dict):
            return document
        origin = Origin(services, path, around)
        made = {name: self._service(name, origin, ()) for name in services.value}
        return document.with_members({"services": services.holding(made)})

    def _service(self, name: str, origin: Origin, chain: Chain) -> Node:
        service: Node = origin.services.value[name]
        extends = service.get("extends")
        if extends is None:
            return service
        bare = service.with_members({"extends": None})
        long = extends.holding({"service": extends}) if isinstance(extends.value, str) else extends
        wanted = checked(Extends, long, f"extends of {shown(name)}", self._problems)
        if wanted is None:
            return bare
        file = long.get("file")
        path = self._reader.path(file, origin.around) if file else origin.path
        chain = (*chain, (origin.path, name))
        if not self._may_go_on(chain, (path, wanted.service), extends):
            return bare
        target = self._origin(path, file, origin) if file else origin
        base = self._base(wanted.service, target, chain, extends) if target else None
        return merge(base, bare) if base and isinstance(base.value, dict) else bare

    def _may_go_on(self, chain: Chain, target: tuple[str, str], place: Node) -> bool:
        if target in chain:
            way = " -> ".join(service for _, service in (*chain, target))
            self._problems.add(CYCLE, f"services extend each other: {way}", place, "take one extends out")
        elif len(chain) > DEEPEST:
            self._problems.add(TOO_MUCH, f"extends goes deeper than {DEEPEST} services", place, "merge some of them")
        else:
            return True
        return False

    def _origin(self, path: str, place: Node, origin: Origin) -> Origin | None:
        """Return the services of another file; None after telling why it cannot be read."""
        root = self._reader.read(path, place)
        if root is None:
            return None
        around = replace(origin.around, directory=parent(path))
        services = self._reader.long(root, around).get("services")
        known = services if services and isinstance(services.value, dict) else place.holding({})
        return Origin(known, path, around)

    def _base(self, name: str, origin: Origin, chain: Chain, place: Node) -> Node | None:
        if name in origin.services.value:
            return self._service(name, origin, chain)
        hint = did_you_mean(name, origin.services.value) or "correct the name or the file"
        self._problems.add(NO_BASE, f"there is no service {shown(name)} to extend in {origin.path}", place, hint)
        return None
