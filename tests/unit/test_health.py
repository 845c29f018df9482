"""The checks of health: side by side, each at its own time."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from conduit.change import Level, Proof
from conduit.health import State, Watch
from conduit.model import Key, Source
from conduit.sandbox.machine import wait_for
from conduit.spec import Resource, Spec

MANY = 8


def test_fault_18_checks_wait_for_no_other_check() -> None:
    """Each check ends only once all of them have begun: one after the other, none ever would."""
    all_begun = threading.Barrier(MANY, timeout=20)

    class Slow:
        def prove(self, context: Any, root: Resource[Any]) -> Proof:
            all_begun.wait()
            return Proof(root.key, Level.EXPECTED, "answers", seconds=0.1)

        def check_seconds(self, spec: Spec) -> float:
            return 3600.0

    keys = [Key("slow", str(number)) for number in range(MANY)]
    roots = {key: Resource(key, Spec(), Source("desired/a.yaml")) for key in keys}
    context = SimpleNamespace(settings=SimpleNamespace(api=SimpleNamespace(slow_seconds=5.0, health_interval=3600)))
    watch = Watch({"slow": Slow()}, lambda: roots, lambda: context)  # type: ignore[dict-item, return-value, arg-type]
    watch.start()
    try:
        wait_for(lambda: all(watch.of(key).state is State.UP for key in roots), "all were checked")
    finally:
        all_begun.abort()
        watch.stop()
