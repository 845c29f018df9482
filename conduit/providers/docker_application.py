"""The containers of one application as they are now, and what may be done with them once.

An application is found by the labels that conduit and docker compose share; only containers with our mark count.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge
from typing import Any, Final, NamedTuple

from msgspec import Struct

from conduit.errors import ConduitError
from conduit.model import Key
from conduit.providers.docker_api import Api
from conduit.providers.docker_config import Config
from conduit.providers.docker_container_read import followed
from conduit.providers.docker_image_names import REGISTRY
from conduit.providers.docker_marks import COMPOSE, Marks, part_of
from conduit.providers.docker_sdk import calling, client_of
from conduit.providers.docker_shapes import CONTAINER, IMAGE
from conduit.settings import Settings

LISTED: Final = CONTAINER | {"Status": str, "Ports": [dict]}
LONGEST_LINE: Final = 16 * 1024
"""Characters of one line of a log that are shown."""
ID: Final = "sha256:"
NAMELESS: Final = ("<none>", f"{REGISTRY}/")
"""How a name begins that says nothing to people: Docker's word for none, and the marks of conduit."""
SHORT: Final = 12
"""Digits of an image's id that tell it apart (Docker's own habit)."""


class Member(NamedTuple):
    """One container of an application; `status` is Docker's own sentence on how long it has been in its state.

    `follows` are the names of the resources that it is to be restarted after.
    """

    key: Key
    id: str
    name: str
    service: str
    state: str
    status: str
    image: str
    ports: tuple[str, ...]
    follows: frozenset[str] = frozenset()

    @property
    def health(self) -> str:
        """Return healthy, unhealthy or starting; empty without a health check."""
        words = {"(healthy)": "healthy", "(unhealthy)": "unhealthy", "(health: starting)": "starting"}
        return next((word for end, word in words.items() if self.status.endswith(end)), "")

    @property
    def exit_code(self) -> int | None:
        """Return how a container ended; None while it runs."""
        code = self.status.removeprefix("Exited (").partition(")")[0]
        return int(code) if self.state == "exited" and code.isdecimal() else None


class LogLine(Struct, frozen=True):
    """One line of a log: when it was written (RFC 3339), and its text."""

    time: str
    text: str


class Application:
    """One application on the Docker that the settings name. Opening one does no I/O."""

    def __init__(self, name: str, settings: Settings, sign: Callable[[Key, str, str], str]) -> None:
        config = Config.model_validate(settings.sections.get("docker") or {})
        self.name = name
        self.api = Api(settings.path(config.socket))
        self._marks = Marks(settings.site, sign)

    def members(self) -> list[Member]:
        """Return the containers, by service and number. Raises `Unreadable`."""
        filters = json.dumps({"label": [f"{COMPOSE}project={self.name}"]})
        rows = self.api.get("containers", "json", shape=[LISTED], all="1", filters=filters)
        keyed = [(self._marks.container_key(row["Labels"], row["Created"]), row) for row in rows]
        names = self._image_names() if any(row["Image"].startswith(ID) for _, row in keyed) else {}
        return sorted(_member(key, row, names) for key, row in keyed if key is not None)

    def _image_names(self) -> dict[str, str]:
        """Return what people call each image, by its id: containers are made of ids. Raises `Unreadable`."""
        rows = self.api.get("images", "json", shape=[IMAGE])
        names = ((row["Id"], [*(row["RepoTags"] or ()), *(row["RepoDigests"] or ())]) for row in rows)
        known = ((image, [each for each in named if not each.startswith(NAMELESS)]) for image, named in names)
        return {image: named[0] for image, named in known if named}

    def logs(self, members: Iterable[Member], tail: int, since: float | None) -> Iterator[tuple[str, LogLine]]:
        """Yield the last `tail` lines of each log with their container's name, by time, none from before `since`.

        `since` is in seconds since the epoch. Raises `Refused`.
        """

        def read(member: Member) -> Iterator[tuple[str, str, str]]:
            return ((line.time, member.name, line.text) for line in self._log(member, tail, since, follow=False))

        return ((name, LogLine(time, text)) for time, name, text in merge(*map(read, members)))

    def follow(self, members: Iterable[Member], tail: int, since: float | None) -> Iterator[tuple[str, LogLine]]:
        """Yield the same as `logs`, then what comes, until all containers have stopped."""
        found: queue.SimpleQueue[tuple[str, LogLine] | BaseException | None] = queue.SimpleQueue()

        def read(member: Member) -> None:
            try:
                for line in self._log(member, tail, since, follow=True):
                    found.put((member.name, line))
            except ConduitError as error:
                found.put(error)
            found.put(None)

        readers = [threading.Thread(target=read, args=(member,), daemon=True) for member in members]
        for reader in readers:
            reader.start()
        ended = 0
        while ended < len(readers):
            item = found.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                ended += 1
            else:
                yield item

    def _log(self, member: Member, tail: int, since: float | None, *, follow: bool) -> Iterator[LogLine]:
        client = client_of(self.api)
        options = {"stream": True, "timestamps": True, "follow": follow, "tail": tail}
        with calling(f"the log of {member.name}"):
            if follow:
                client.timeout = None
            chunks = client.logs(member.id, **options, **({} if since is None else {"since": since}))
            yield from map(_log_line, _lines(chunks))


def _member(key: Key, row: Any, names: Mapping[str, str]) -> Member:
    return Member(
        key=key,
        id=row["Id"],
        name=(row["Names"] or [row["Id"]])[0].removeprefix("/"),
        service=part_of(row["Labels"], "service") or "",
        state=row["State"],
        status=row["Status"],
        image=_image(names.get(row["Image"], row["Image"])),
        ports=tuple(sorted({_port(port) for port in row["Ports"] if port.get("PublicPort")})),
        follows=followed(row["Labels"]),
    )


def _image(named: str) -> str:
    """Return an image as `docker ps` does: an id by its first digits, a name as it is."""
    return named.removeprefix(ID)[:SHORT] if named.startswith(ID) else named


def _port(port: Any) -> str:
    return f"{port.get('IP') or '*'}:{port['PublicPort']}->{port.get('PrivatePort')}/{port.get('Type')}"


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield whole lines of what comes in pieces; a longer one than `LONGEST_LINE` is cut."""
    begun = b""
    for chunk in chunks:
        *whole, begun = (begun + chunk).split(b"\n")
        yield from (line[:LONGEST_LINE].decode(errors="replace") for line in whole)
        begun = begun[: LONGEST_LINE + 1]
    if begun:
        yield begun[:LONGEST_LINE].decode(errors="replace")


def _log_line(line: str) -> LogLine:
    time, _, text = line.partition(" ")
    return LogLine(time, text.rstrip("\r"))
