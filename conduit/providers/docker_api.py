"""Docker's API over its unix socket: short reads by plain HTTP, everything else through the docker SDK.

The SDK takes longer to import than all an unchanged site needs, so that reading does without it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from conduit.errors import Code, Diagnostic, Refused, Unreadable
from conduit.providers.docker_shapes import Shape, fits
from conduit.providers.http_call import Answer, NotWhole, call

if TYPE_CHECKING:
    from docker import APIClient

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
        answer = self._call("/" + "/".join(quote(part, safe="") for part in parts), query, seconds)
        if answer.status == NOT_FOUND:
            return None
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self._away("its answer is not JSON") from None
        if answer.status != OK:
            said = found.get("message") if isinstance(found, dict) else None
            raise self._away(f"it answered {answer.status}: {told(str(said or 'without a message'))}")
        if not fits(found, shape):
            raise self._away(f"what it says about {parts[0]} is not what Docker would say")
        return found

    def _call(self, path: str, query: dict[str, str], seconds: float) -> Answer:
        asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        request = f"GET {path}{'?' if asked else ''}{asked} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
        try:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(CONNECT_SECONDS)
                peer.connect(str(self.path))
                return call(peer, request.encode("ascii"), seconds, LARGEST_REPLY, lambda: None)
        except (OSError, NotWhole) as error:
            raise self._away(str(getattr(error, "strerror", None) or error) or type(error).__name__) from error

    def strange(self) -> Unreadable:
        """Return the error of answers that are whole, but not what Docker would say."""
        return self._away("it says something that Docker would not say")

    def _away(self, why: str) -> Unreadable:
        summary = f"Docker at {self.path} cannot be read: {why}"
        return Unreadable(Diagnostic(AWAY, summary, hint="check that it runs, and docker.socket in conduit.yaml"))

    @cached_property
    def client(self) -> APIClient:
        """The SDK's client, for everything that changes something. Raises `Refused` inside `calling`."""
        return self._open(CALL_SECONDS)

    @contextmanager
    def patient(self, seconds: float) -> Iterator[APIClient]:
        """Give a client of its own that waits so long for each word; what it has not read by the end is dropped."""
        client = self._open(seconds)
        try:
            yield client
        finally:
            client.close()

    def _open(self, seconds: float) -> APIClient:
        from docker import APIClient

        client = APIClient(base_url=f"unix://{self.path}", version="auto", timeout=seconds)
        client.trust_env = False
        return client


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Turn the SDK's errors inside a `with` block into `Refused`; `what` says what was tried, for the message.

    Without a whole answer nobody knows whether it was done: that is `NoReply`.
    """
    from docker.errors import DockerException
    from requests.exceptions import RequestException, Timeout

    try:
        yield
    except DockerException as error:
        said = getattr(error, "explanation", None) or str(error)
        raise refused(f"{what}: {told(str(said))}") from error
    except (RequestException, OSError) as error:
        why = "no answer in time" if isinstance(error, Timeout) else told(str(error))
        raise NoReply(Diagnostic(REFUSED, f"{what}: {why}")) from error


def refused(summary: str, hint: str = "") -> Refused:
    """Return the error of a change Docker would not make."""
    return Refused(Diagnostic(REFUSED, summary, hint=hint))


def told(text: str, limit: int = 400) -> str:
    """Return a daemon's words as one printable line of bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
