"""Which roots are taken back together."""

from __future__ import annotations

from typing import Any

import pytest

from conduit.change import Change
from conduit.companions import companions
from conduit.model import Key, Ref
from conduit.spec import Resource
from tests.unit.kit import BulbSpec, LampSpec, desired, observed, plan, resource

BULB = Ref(Key("bulb", "warm"), "serial")
ROOTS = {Key("lamp", name) for name in ("desk", "door", "plain")} | {Key("bulb", "warm")}


def made(*resources: Resource[Any]) -> tuple[Change, ...]:
    return plan(desired(*resources), observed()).changes


@pytest.mark.parametrize("root", ["lamp/desk", "lamp/door", "bulb/warm"])
def test_what_refers_to_each_other_belongs_together(root: str) -> None:
    changes = made(
        resource("bulb/warm", BulbSpec()),
        resource("lamp/desk", LampSpec(bulb=BULB)),
        resource("lamp/door", LampSpec(bulb=BULB, room="hall")),
        resource("lamp/plain", LampSpec(room="attic")),
    )
    together = {"lamp/desk", "lamp/door", "bulb/warm"}
    assert {str(key) for key in companions(Key.parse(root), changes, ROOTS)} == together - {root}


def test_what_stands_alone_or_is_shared_takes_nobody_along() -> None:
    changes = made(resource("bulb/warm", BulbSpec()), resource("lamp/desk", LampSpec(bulb=BULB)))
    assert companions(Key.parse("lamp/desk"), changes, ROOTS - {Key("bulb", "warm")}) == set()
    assert companions(Key.parse("lamp/plain"), changes, ROOTS) == set()
