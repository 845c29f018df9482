"""A served site of three deployments, and somebody for each level of a grant of the first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from api_world import make_served
from people_world import ask, declare, minted

from conduit.sandbox import image
from conduit.sandbox.daemon import Daemon

IDLE = {"compose": {"services": {"web": {"image": image.NAME, "profiles": ["off"]}}}}
"""A deployment of which nothing runs, so that these tests need no container."""

NEW = {"If-None-Match": "*"}


@contextmanager
def shared_out(dockerd: Daemon) -> Iterator[Any]:
    """Serve three deployments, and an operator for each level of the first one."""
    with make_served(sections={"docker": dockerd.section}) as site:
        for name in ("wiki", "shop", "blog"):
            answer = site.api("PUT", f"/api/resources/deployment/{name}", IDLE, headers=NEW)
            assert answer.status_code == 201, answer.text
        declare(site, "root", "admin")
        for level in ("read", "write", "admin"):
            user = f"w-{level}"
            declare(site, user, "operator")
            grant = {"user": user, "deployment": "wiki", "level": level}
            assert site.api("PUT", f"/api/resources/grant/{user}", grant, headers=NEW).status_code == 201
        yield site


def as_(served: Any, name: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Ask as somebody."""
    return ask(served, minted(served, name), path, method, json=body, headers=headers)


def version(served: Any, key: str) -> str:
    """The version of a resource, as an admin sees it."""
    return str(served.api("GET", f"/api/resources/{key}").headers["etag"])


def names(answer: Any) -> list[str]:
    """The names in a list that was answered."""
    return [item["name"] for item in answer.json()["items"]]
