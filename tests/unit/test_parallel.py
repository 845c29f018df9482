"""`apply --parallel N`: never more than N things at once, wherever an apply does several."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conduit.change import Action
from conduit.kind import Context
from conduit.model import Key, Source
from conduit.providers.docker import Docker
from conduit.proving import prove
from conduit.settings import Settings
from conduit.spec import Resource, Spec


class Crowd:
    """Counts how many are inside `visit` at once; each stays until another has come, or a moment."""

    def __init__(self) -> None:
        self.most = self._inside = 0
        self._changed = threading.Condition()

    def visit(self, *_: Any) -> None:
        with self._changed:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most > 1, 0.5)
            self._inside -= 1


KEYS = [Key("thing", name) for name in "abc"]


def proofs(crowd: Crowd, parallel: int | None) -> None:
    roots = [Resource(key, Spec(), Source("a.yaml")) for key in KEYS]
    kinds = cast(Any, {"thing": SimpleNamespace(prove=crowd.visit)})
    prove(roots, kinds, Context(Settings(), 0.0, parallel=parallel))


def objects(crowd: Crowd, parallel: int | None) -> None:
    docker = Docker.__new__(Docker)
    docker.parallel = parallel
    docker._side_by_side([(key, Action.CREATE, crowd.visit) for key in KEYS])


@pytest.mark.parametrize("several", [proofs, objects])
def test_no_more_is_done_at_once_than_was_allowed(several: Callable[[Crowd, int | None], None]) -> None:
    alone, together = Crowd(), Crowd()
    several(alone, 1)
    several(together, None)
    assert alone.most == 1
    assert together.most > 1
