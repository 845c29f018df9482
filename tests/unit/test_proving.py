"""What two proofs of one root say about the change between them."""

from __future__ import annotations

from conduit.change import Level, Proof
from conduit.model import Key
from conduit.proving import lowered, regression

KEY = Key("lamp", "a")


def proof(**levels: Level) -> Proof:
    parts = {name: Proof(KEY, level, f"{name} is {level.name}") for name, level in levels.items()}
    worst = min(parts.values(), key=lambda part: part.level)
    return worst._replace(parts=parts)


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
