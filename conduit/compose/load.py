"""From a Compose file, or from YAML written inside a manifest, to an application."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from conduit.compose.application import Application
from conduit.compose.check import NO_EFFECT, Checker, switched_on
from conduit.compose.files import Files, Read
from conduit.compose.include import Includer
from conduit.compose.interpolate import interpolate
from conduit.compose.nodes import Node, Problems
from conduit.compose.nodes import Path as Place
from conduit.compose.paths import absolute
from conduit.compose.reader import TOO_MUCH, Reader, Surroundings
from conduit.compose.settle import Settler
from conduit.compose.used import with_what_is_used
from conduit.compose.validate import checked
from conduit.errors import Code, Diagnostic, LoadError
from conduit.model import Source
from conduit.patterns import pattern
from conduit.providers.files import read_regular

BAD_PROJECT = Code(
    "CND-1419",
    "a name that an application cannot have",
    "The name begins the names of containers, networks and volumes, so it holds only a-z, 0-9, _ and -, and begins "
    "with a letter or digit. `name` in the Compose file gives it, else COMPOSE_PROJECT_NAME, else the directory.",
)
PROJECT = pattern("[a-z0-9][a-z0-9_-]*", re.ASCII)
MAX_SERVICES: Final = 500


class Loaded(Struct, frozen=True):
    """An application, and where its parts were written.

    `files` are the digests (SHA-256) of all files read, by absolute path: when none changes, nothing changes.
    `environment` holds what variables had, those of `.env` included.
    """

    application: Application
    warnings: tuple[Diagnostic, ...]
    files: Mapping[str, str]
    environment: Mapping[str, str]
    root: Node

    def source(self, path: Place, *, at_key: bool = False) -> Source:
        """Return where the value at `path` of the application was written, or its deepest part that was.

        With `at_key` that is the place of the name it stands under.
        """
        node = self.root.find(path)
        return Source(node.text.file, *node.text.place(node.key_at)) if at_key and node.key_at >= 0 else node.source


def load_file(
    path: Path,
    environment: Mapping[str, str],
    *,
    name: str | None = None,
    profiles: Iterable[str] | None = None,
    read: Read = read_regular,
) -> Loaded:
    """Read the application of a Compose file.

    `environment` holds what variables may use beside `.env`; `name` is the project, else COMPOSE_PROJECT_NAME, the
    file's `name` or its directory decides; `profiles` are switched on, else those of COMPOSE_PROFILES.
    Raises `LoadError` with everything that is wrong.
    """
    place = absolute(str(path), str(Path.cwd()), None)
    loader = _Loader(environment, str(Path(place).parent), name, profiles, read)
    root = loader.reader.read(place, None)
    return loader.load(root, place)


def load_inline(
    root: Node,
    directory: Path,
    environment: Mapping[str, str],
    *,
    name: str | None = None,
    profiles: Iterable[str] | None = None,
    read: Read = read_regular,
) -> Loaded:
    """Read the application in a parsed tree; its paths count from `directory`. Otherwise as `load_file`."""
    loader = _Loader(environment, absolute(str(directory), str(Path.cwd()), None), name, profiles, read)
    return loader.load(root, root.text.file)


class _Loader:
    def __init__(
        self,
        environment: Mapping[str, str],
        directory: str,
        name: str | None,
        profiles: Iterable[str] | None,
        read: Read,
    ) -> None:
        self.problems = Problems()
        self.files = Files(self.problems, read)
        variables = self.files.variables(f"{directory}/.env", None, dict(environment), required=False)
        self.environment = {**variables, **environment}
        self.reader = Reader(self.files, self.problems, self.environment.get("HOME"))
        self.directory, self.name = directory, name
        asked = self.environment.get("COMPOSE_PROFILES", "").split(",") if profiles is None else profiles
        self.profiles = frozenset(profile.strip() for profile in asked)

    def load(self, root: Node | None, place: str) -> Loaded:
        if root is None or not self.reader.is_mapping(root):
            raise LoadError(self.problems.of("error"))
        self.environment["COMPOSE_PROJECT_NAME"] = name = self._name(root)
        around = Surroundings(self.directory, self.environment)
        merged = self._settled(Includer(self.reader).application(root, place, around), name)
        application = checked(Application, merged, "application", self.problems)
        if application:
            Checker(application, merged, self.problems).check(self.environment)
            on = switched_on(application, self.profiles, merged, self.problems)
            application = with_what_is_used(application.model_copy(update={"services": on}))
        if application is None or self.problems.of("error"):
            raise LoadError(self.problems.of("error"))
        warnings = self.problems.of("warning")
        return Loaded(application, warnings, self.files.digests, self.environment, merged)

    def _name(self, root: Node) -> str:
        """Return the project's name: the caller's, the environment's, the file's, or the directory's."""
        written = root.get("name")
        own = interpolate(written, self.environment, self.problems).value if written else None
        given = self.name or self.environment.get("COMPOSE_PROJECT_NAME") or own
        directory = re.sub("[^a-z0-9_-]", "", self.directory.rpartition("/")[2].lower()).lstrip("_-") or "application"
        if given is None or (isinstance(given, str) and PROJECT.fullmatch(given)):
            return given or directory
        hint = "use a-z, 0-9, _ and -, beginning with a letter or digit"
        self.problems.add(BAD_PROJECT, "Docker cannot use this name of an application", written or root, hint)
        return directory

    def _settled(self, document: Node, name: str) -> Node:
        """Return the merged document with nothing left to decide."""
        if version := document.get("version"):
            hint = "remove the line"
            self.problems.warn(NO_EFFECT, "version is obsolete and has no effect", version, hint)
        settler = Settler(self.files, self.problems, self.environment)
        written = document.get("name") or document
        made: dict[str, Node | None] = {"name": written.holding(name), "version": None}
        services = document.get("services")
        if services and isinstance(services.value, dict):
            if len(services.value) > MAX_SERVICES:
                self.problems.add(TOO_MUCH, f"more than {MAX_SERVICES} services", services)
                raise LoadError(self.problems.of("error"))
            made["services"] = services.holding({key: settler.service(key, node) for key, node in services.items})
        networks = document.get("networks") or document.holding({})
        if isinstance(networks.value, dict):
            declared = {"default": document.holding({}), **networks.value}
            made["networks"] = _named(networks.holding(declared), name)
        if (volumes := document.get("volumes")) and isinstance(volumes.value, dict):
            made["volumes"] = _named(volumes, name)
        return document.with_members(made)


def _named(section: Node, project: str) -> Node:
    """Return networks or volumes with their names in Docker."""

    def named(key: str, node: Node) -> Node:
        if not isinstance(node.value, dict) or node.get("name"):
            return node
        external = node.get("external")
        own = key if external and external.value in (True, "true") else f"{project}_{key}"
        return node.with_members({"name": node.holding(own)})

    return section.holding({key: named(key, node) for key, node in section.items})
