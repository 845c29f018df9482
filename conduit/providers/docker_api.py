"""Docker's API over its unix socket, by plain HTTP: reads, and every change that is one request with a short answer.

What takes more is left to the SDK (`docker_sdk`), which takes longer to import than all the rest of such a change.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from msgspec.json import decode, encode

from conduit.errors import Code, Diagnostic, Refused, Unreadable
from conduit.providers.docker_shapes import Shape, fits
from conduit.providers.http_call import Answer, NotWhole, call

AWAY = Code(
    "CND-1500",
    "Docker cannot be read",
    "Docker did not answer, answered with an error, or its answer was cut short. Its containers, networks, volumes and "
    "images count as unknown: nothing of them is changed or removed. Check that it runs and that `docker.socket` in "
    "conduit.yaml names its socket.",
)
REFUSED = Code(
    "CND-1501",
    "Docker refused a change",
    "Docker would not carry out one step of a change; its own words are in the message. What was begun for that "
    "object was taken back, and the one it should have replaced still runs.",
)

CONNECT_SECONDS: Final = 2.0
READ_SECONDS: Final = 10.0
CALL_SECONDS: Final = 60.0
LARGEST_REPLY: Final = 64 * 2**20
OK: Final = 200
DONE: Final = frozenset({200, 201, 204, 304})
"""How Docker says that a change was made, or that it was made before."""
NOT_FOUND: Final = 404


class NoReply(Refused):
    """Docker was asked for a change, and whether it made it has to be looked up."""


class Api:
    """One Docker daemon."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, *parts: str, shape: Shape, seconds: float = READ_SECONDS, **query: str) -> Any:
        """Return what Docker says at a path, its parts quoted here.

        Raises `Unreadable` when no whole answer of the shape comes within `seconds`.
        """
        found = self.find(*parts, shape=shape, seconds=seconds, **query)
        if found is None:
            raise self._away(f"it does not know {parts[0]}")
        return found

    def find(self, *parts: str, shape: Shape, seconds: float = READ_SECONDS, **query: str) -> Any:
        """Return what Docker says at a path, None when there is no such thing. Raises what `get` raises."""
        answer = self._read(parts, query, seconds)
        if answer.status == NOT_FOUND:
            return None
        try:
            found = decode(answer.body)
        except (ValueError, RecursionError):
            raise self._away("its answer is not JSON") from None
        if answer.status != OK:
            raise self._away(f"it answered {answer.status}: {_words(answer)}")
        if not fits(found, shape):
            raise self._away(f"what it says about {parts[0]} is not what Docker would say")
        return found

    def post(
        self,
        what: str,
        *parts: str,
        body: Mapping[str, Any] | None = None,
        shape: Shape = object,
        seconds: float = CALL_SECONDS,
        **query: str,
    ) -> Any:
        """Have something changed and return what Docker answers, None for no words; `what` is for the message.

        Raises `Refused` in Docker's own words, and `NoReply` when no whole answer of the shape comes within `seconds`.
        """
        content = b"" if body is None else encode(body)
        answer = self._change(what, "POST", parts, query, content, seconds)
        if answer.status not in DONE:
            raise refused(f"{what}: {_words(answer)}")
        try:
            found = decode(answer.body) if answer.body else None
        except (ValueError, RecursionError):
            raise _no_reply(what, "the answer is not JSON") from None
        if not fits(found, shape):
            raise _no_reply(what, "the answer is not what Docker would say")
        return found

    def delete(self, what: str, *parts: str, **query: str) -> None:
        """Have something removed; what is gone is fine. Raises what `post` raises."""
        answer = self._change(what, "DELETE", parts, query, b"", CALL_SECONDS)
        if answer.status not in DONE and answer.status != NOT_FOUND:
            raise refused(f"{what}: {_words(answer)}")

    @cached_property
    def version(self) -> str:
        """The newest version of the API that this Docker speaks. Raises `Unreadable`."""
        found = self._read(("_ping",), {}, READ_SECONDS).headers.get("api-version")
        if not found:
            raise self.strange()
        return found

    def _read(self, parts: Iterable[str], query: Mapping[str, str], seconds: float) -> Answer:
        try:
            return self._call("GET", _path(parts, query), b"", seconds)
        except (OSError, NotWhole) as error:
            raise self._away(str(getattr(error, "strerror", None) or error) or type(error).__name__) from error

    def _change(
        self, what: str, method: str, parts: Iterable[str], query: Mapping[str, str], content: bytes, seconds: float
    ) -> Answer:
        """Ask for a change in the version that this Docker speaks itself. Raises `NoReply`, `Unreadable`."""
        try:
            return self._call(method, _path((f"v{self.version}", *parts), query), content, seconds)
        except TimeoutError as error:
            raise _no_reply(what, "no answer in time") from error
        except (OSError, NotWhole) as error:
            raise _no_reply(what, str(getattr(error, "strerror", None) or error)) from error

    def _call(self, method: str, path: str, content: bytes, seconds: float) -> Answer:
        """Exchange one request and its answer. Raises OSError, `NotWhole`."""
        head = f"{method} {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n"
        if method != "GET":
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(CONNECT_SECONDS)
            peer.connect(str(self.path))
            return call(peer, f"{head}\r\n".encode("ascii") + content, seconds, LARGEST_REPLY, lambda: None)

    def strange(self) -> Unreadable:
        """Return the error of answers that are whole, but not what Docker would say."""
        return self._away("it says something that Docker would not say")

    def _away(self, why: str) -> Unreadable:
        summary = f"Docker at {self.path} cannot be read: {why}"
        return Unreadable(Diagnostic(AWAY, summary, hint="check that it runs, and docker.socket in conduit.yaml"))


def _path(parts: Iterable[str], query: Mapping[str, str]) -> str:
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return "".join(f"/{quote(part, safe='')}" for part in parts) + (f"?{asked}" if asked else "")


def _words(answer: Answer) -> str:
    """Return what Docker says of a failure."""
    try:
        found = decode(answer.body)
    except (ValueError, RecursionError):
        found = {"message": answer.body.decode(errors="replace")}
    said = found.get("message") if isinstance(found, dict) else None
    return told(str(said or "")) or f"status {answer.status}, without a message"


def _no_reply(what: str, why: str) -> NoReply:
    return NoReply(Diagnostic(REFUSED, f"{what}: {told(why)}"))


def refused(summary: str, hint: str = "") -> Refused:
    """Return the error of a change Docker would not make."""
    return Refused(Diagnostic(REFUSED, summary, hint=hint))


def told(text: str, limit: int = 400) -> str:
    """Return a daemon's words as one printable line of bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
