"""What failed is left alone for longer and longer, and what the loop holds back has a reason."""

from __future__ import annotations

from conduit.reconcile.backoff import LONGEST, Backoff


def test_each_failure_doubles_the_wait_up_to_five_minutes() -> None:
    backoff, now, waits = Backoff(chance=lambda: 0.5), 1000.0, []
    for _ in range(12):
        backoff.failed("service/a", "x", now)
        waits.append(backoff.failing["service/a"].until - now)
    assert waits[:9] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert waits[9:] == [LONGEST] * 3


def test_the_jitter_stays_within_a_quarter_and_the_longest_wait() -> None:
    for chance, first in ((0.0, 0.75), (1.0, 1.25)):
        backoff = Backoff(chance=lambda chance=chance: chance)
        backoff.failed("a", "x", 0.0)
        assert backoff.failing["a"].until == first
        for _ in range(40):
            backoff.failed("a", "x", 0.0)
        assert backoff.failing["a"].until <= LONGEST


def test_something_else_to_try_is_tried_at_once() -> None:
    backoff = Backoff(chance=lambda: 0.5)
    for _ in range(5):
        backoff.failed("a", "x", 0.0)
    assert backoff.holds("a", "x", 15.9)
    assert not backoff.holds("a", "x", 16.0)
    assert not backoff.holds("a", "y", 1.0)
    assert not backoff.holds("b", "x", 1.0)
    backoff.failed("a", "y", 20.0)
    assert backoff.failing["a"].times == 1


def test_the_earliest_wait_that_is_not_over_counts() -> None:
    backoff = Backoff(chance=lambda: 0.5)
    assert backoff.earliest(0.0) is None
    backoff.failed("a", "x", 0.0)
    backoff.failed("b", "x", 3.0)
    assert backoff.earliest(0.0) == 1.0
    assert backoff.earliest(2.0) == 4.0
    backoff.worked("b")
    assert backoff.earliest(2.0) is None
    backoff.keep([])
    assert backoff.failing == {}
