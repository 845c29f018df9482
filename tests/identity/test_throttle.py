"""How often one may try to log in."""

from __future__ import annotations

import time

import pytest

from conduit.identity.throttle import Throttle


def test_an_account_has_five_attempts_and_others_are_not_held() -> None:
    throttle = Throttle()
    assert [throttle.wait("ann", f"10.0.0.{number}") > 0 for number in range(7)] == [False] * 5 + [True] * 2
    assert throttle.wait("bob", "10.0.0.1") == 0


def test_who_got_in_starts_anew_and_the_address_does_not() -> None:
    throttle = Throttle()
    for _ in range(4):
        assert [throttle.wait("ann", "10.0.0.1") for _ in range(5)] == [0] * 5
        throttle.forgive("ann")
    assert throttle.wait("ann", "10.0.0.1") > 0
    assert throttle.wait("ann", "10.0.0.2") == 0


def test_an_address_has_twenty_attempts_over_all_accounts() -> None:
    throttle = Throttle()
    waits = [throttle.wait(f"user-{number}", "10.0.0.1") for number in range(25)]
    assert [wait > 0 for wait in waits] == [False] * 20 + [True] * 5
    assert all(1 <= wait <= 60 for wait in waits[20:])
    assert throttle.wait("user-1", "10.0.0.2") == 0


def test_a_flood_is_told_once_a_minute_for_each_address_and_never_without_end() -> None:
    throttle = Throttle()
    assert [throttle.is_news("10.0.0.1") for _ in range(5)] == [True] + [False] * 4
    assert sum(throttle.is_news(f"10.0.1.{number}") for number in range(200)) == 59


def test_after_the_time_it_tells_it_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    throttle = Throttle()
    wait = next(filter(None, (throttle.wait("ann", "10.0.0.1") for _ in range(6))))
    later = time.time() + wait + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert throttle.wait("ann", "10.0.0.1") == 0
