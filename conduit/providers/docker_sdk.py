"""What is left to the docker SDK: streams that Docker answers with, and images from registries and directories.

Imported only by what needs it: `docker_api` does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from conduit.errors import Diagnostic
from conduit.providers.docker_api import CALL_SECONDS, REFUSED, Api, NoReply, refused, told

if TYPE_CHECKING:
    from docker import APIClient


def client_of(api: Api, seconds: float = CALL_SECONDS) -> APIClient:
    """Return a client that waits so long for each word. Raises what `calling` understands."""
    from docker import APIClient

    client = APIClient(base_url=f"unix://{api.path}", version="auto", timeout=seconds)
    client.trust_env = False
    return client


@contextmanager
def patient(api: Api, seconds: float) -> Iterator[APIClient]:
    """Give a client that waits so long for each word; what it has not read by the end is dropped."""
    client = client_of(api, seconds)
    try:
        yield client
    finally:
        client.close()


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
