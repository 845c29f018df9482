"""What a composite kind sees while it expands: what else is declared, how it was written, files, names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct

from conduit.model import Key, Source

if TYPE_CHECKING:
    from conduit.dialect.document import Document
    from conduit.errors import Diagnostic
    from conduit.settings import Settings
    from conduit.spec import Resource, Spec
    from conduit.upstreams import Resolve, Rules

T = TypeVar("T")


class Written(Struct, frozen=True):
    """A parsed manifest, the path of one declared name in it, and the directory that its shown name counts from."""

    document: Document
    path: tuple[str, ...]
    base: Path

    @property
    def directory(self) -> Path:
        """The directory the manifest lies in."""
        return (self.base / self.document.source.file).parent

    def near(self, source: Source) -> Source:
        """Return a place in another file with that file's name shown as the manifest's own, if it lies below `base`."""
        return source._replace(file=source.file.removeprefix(f"{self.base.absolute()}/"))

    def source(self, *fields: str) -> Source:
        """Return where a field of the declared name stands, or its deepest part that exists."""
        document = self.document
        return Source(document.source.file, *document.place(document.find((*self.path, *fields))))


class Files(Protocol):
    """Reads files that declarations name; what was read is part of the evidence of a plan."""

    def read(self, path: Path, limit: int) -> bytes:
        """Return a plain file of at most `limit` bytes. Raises OSError."""

    def resolved(self, path: str) -> str:
        """Return a path with its symbolic links followed."""

    def context(self, directory: Path, dockerfile: str) -> str:
        """Return the hash of what an image is built from. Raises OSError, ValueError."""


class Look(Protocol):
    """How a composite kind reads what else is declared while it expands."""

    @property
    def settings(self) -> Settings:
        """The settings of this site."""

    @property
    def rules(self) -> Rules:
        """Which upstream addresses this site may use."""

    @property
    def resolve(self) -> Resolve:
        """Returns the addresses of a host name, each name asked once per load. Raises OSError."""

    @property
    def declared(self) -> Mapping[Key, Resource[Any]]:
        """Everything that is declared."""

    def connected(self) -> Iterable[Resource[Any]]:
        """Yield all that is declared and may name another resource."""

    @property
    def verbs(self) -> Callable[[Key], Sequence[str]]:
        """Returns what can be done once to a resource, or to `frame/<provider>`, without being told more."""

    def once(self, find: Callable[[Look], T]) -> T:
        """Return what `find` finds; asked again for the same site, it is not looked for again."""

    @property
    def files(self) -> Files:
        """The files beside the manifests that declarations name."""

    @property
    def warnings(self) -> list[Diagnostic]:
        """What kinds have to tell besides errors; they add to it."""

    @property
    def doubts(self) -> dict[Key, Diagnostic]:
        """Leaves of which nobody knows now what they should be, and why: what is live of them stays as it is."""

    def __call__(self, key: Key) -> Spec | None:
        """Return the declared spec of `key`, or None when nothing declares it."""

    def written(self, key: Key) -> Written:
        """Return how the declared resource `key` was written."""
