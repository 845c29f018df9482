"""Wait for the containers that another one depends on, by Compose's conditions of `depends_on`.

What changes in the same apply is ready before its dependents go; this looks at those that stay as they are, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from conduit.change import READY, Change, Readiness
from conduit.model import Key
from conduit.providers.docker_api import refused
from conduit.providers.docker_container_make import spec_of
from conduit.providers.docker_container_ready import readiness
from conduit.providers.docker_container_steps import Steps
from conduit.providers.docker_part import Means
from conduit.providers.docker_shapes import CONTAINER

PAUSE: Final = 0.2
"""Seconds between two looks."""
PATIENCE: Final = 60.0
"""Seconds a dependency has when it does not say itself how long it takes."""


class Needs:
    """The dependencies of containers, by the names of their resources."""

    def __init__(self, means: Means, steps: Steps) -> None:
        self._api, self._marks, self._steps = means.api, means.marks, steps

    def wait(self, change: Change) -> None:
        """Return once everything a container needs is as it asks for. Raises `Refused`, `Unreadable`."""
        spec = spec_of(change)
        for name, condition in spec.depends_on.items() if spec.state != "stopped" else ():
            self._wait(Key(change.key.kind, name), condition)

    def _wait(self, key: Key, condition: str) -> None:
        started = time.monotonic()
        while True:
            looks = [met(condition, found) for found in self._inspected(key)]
            if any(look.ready for look in looks):
                return
            look = next(iter(looks), Readiness(False, "it is not there", wait=False))
            if not look.wait or time.monotonic() - started > (look.patience or PATIENCE):
                raise refused(f"it needs {key.name}: {look.detail}", f"look at {key.name}, then apply again")
            time.sleep(PAUSE)

    def _inspected(self, key: Key) -> Iterator[Mapping[str, Any]]:
        """Yield our containers of a key; while one is replaced there are two."""
        for row in self._api.get("containers", "json", shape=[CONTAINER], all="1"):
            if self._marks.container_key(row["Labels"], row["Created"]) == key:
                found = self._steps.find(row["Id"])
                if found is not None:
                    yield found


def met(condition: str, found: Mapping[str, Any]) -> Readiness:
    """Return whether an inspected container is as a condition of `depends_on` wants it."""
    if condition == "service_started":
        return READY if found["State"]["Running"] else Readiness(False, "it does not run", wait=False)
    wanted = "finished" if condition == "service_completed_successfully" else "running"
    return readiness(found, wanted, (), lambda port: True, float("inf"))
