"""What two proofs of one root say about the change between them."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from conduit import proving
from conduit.change import Level, Proof
from conduit.kind import Context
from conduit.model import Key, Source
from conduit.proving import lowered, prove_owed, regression
from conduit.settings import Settings
from conduit.spec import Resource, Spec

KEY = Key("lamp", "a")


def proof(**levels: Level) -> Proof:
    parts = {name: Proof(KEY, level, f"{name} is {level.name}") for name, level in levels.items()}
    worst = min(parts.values(), key=lambda part: part.level)
    return replace(worst, parts=parts)


def test_a_part_that_is_new_hides_no_loss_of_another() -> None:
    """Regression: a new name, which nothing answers before, made every later answer look like a gain."""
    before = proof(old=Level.EXPECTED, new=Level.NO_NAME)
    after = proof(old=Level.PROXY_ERROR, new=Level.PROXY_ERROR)
    assert lowered(after, before)
    assert regression(after, before) == "expected before, proxy error after: old is PROXY_ERROR"


def test_a_part_that_is_new_loses_nothing_by_failing() -> None:
    before = proof(old=Level.EXPECTED)
    assert not lowered(proof(old=Level.EXPECTED, new=Level.NO_TLS), before)


def test_without_parts_the_whole_is_compared() -> None:
    assert lowered(Proof(KEY, Level.NO_NAME), Proof(KEY, Level.EXPECTED))
    assert not lowered(Proof(KEY, Level.EXPECTED), Proof(KEY, Level.NO_NAME))
    assert not lowered(Proof(KEY, Level.NO_NAME), None)


class Lamps:
    """Roots that owe their proof; `asked` are those whose proof began, and those in `dark` do not answer."""

    def __init__(self, dark: set[str]) -> None:
        self.dark, self.asked, self.light = dark, list[str](), threading.Event()

    def prove(self, _: Context, root: Resource[Any]) -> Proof:
        self.asked.append(root.key.name)
        if root.key.name in self.dark:
            self.light.wait(30)
        return Proof(root.key, Level.EXPECTED)

    def owed(self, now: float = 0.0) -> set[str]:
        """Prove what is owed by two threads; return what was proven."""
        roots = [Resource(Key("lamp", name), Spec(), Source("a.yaml")) for name in "abcdef"]
        kinds = cast(Any, {"lamp": SimpleNamespace(prove=self.prove)})
        return {key.name for key in prove_owed(roots, kinds, Context(Settings(), now, parallel=2))}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "OWED_SECONDS", 0.05)


def test_an_owed_proof_that_hangs_is_left_out_and_holds_nobody_up() -> None:
    """Regression: all of them were waited for, however many and however long."""
    lamps = Lamps(dark={"c"})
    assert lamps.owed() == set("abdef")
    lamps.light.set()


def test_nothing_more_is_asked_once_the_time_for_owed_proofs_is_up(hasty: None) -> None:
    """Regression: threads that were left behind went on with all the rest."""
    lamps = Lamps(dark=set("abcdef"))
    assert lamps.owed() == set()
    lamps.light.set()
    for thread in threading.enumerate():
        if thread.name == "proof":
            thread.join()
    assert len(lamps.asked) <= 2


def test_each_owed_proof_has_its_turn_when_there_is_time_for_few(hasty: None) -> None:
    lamps = Lamps(dark=set("abcdef"))
    for now in range(30):
        lamps.owed(float(now))
    lamps.light.set()
    assert set(lamps.asked) == set("abcdef")


def test_proofs_are_told_in_the_order_of_their_roots_whoever_answers_first() -> None:
    quick_is_proven = threading.Event()

    def prove(_: Context, root: Resource[Any]) -> Proof:
        if root.key.name == "quick":
            quick_is_proven.set()
        else:
            assert quick_is_proven.wait(10)
        return Proof(root.key, Level.EXPECTED)

    roots = [Resource(Key("lamp", name), Spec(), Source("lamps.yaml")) for name in ("slow", "quick")]
    kinds = cast(Any, {"lamp": SimpleNamespace(prove=prove)})
    found = proving.prove_within(roots, kinds, Context(Settings(), 0.0), 20.0)
    assert [key.name for key in found] == ["slow", "quick"]
