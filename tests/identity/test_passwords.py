"""Passwords: how they are hashed, which are taken, and how many are at work at once."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pytest
from argon2 import extract_parameters

from conduit.errors import ConduitError, Unreadable
from conduit.identity.passwords import AT_ONCE, LINE, Passwords, normal

GOOD = "correct horse battery"


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords()


def test_a_hash_has_the_promised_effort_and_a_salt_of_its_own(passwords: Passwords) -> None:
    first, second = passwords.hash(GOOD).result(), passwords.hash(GOOD).result()
    found = extract_parameters(first)
    assert (found.type.name, found.memory_cost, found.time_cost, found.salt_len) == ("ID", 19456, 2, 16)
    assert first != second
    assert not passwords.outdated(first)


def test_only_the_password_itself_fits(passwords: Passwords) -> None:
    known = passwords.hash(GOOD).result()
    assert passwords.check(GOOD, known).result()
    for wrong in (GOOD + "x", GOOD[:-1], "", known, "\ud800" * 12):
        assert not passwords.check(wrong, known).result()
    assert not passwords.check(GOOD, None).result()
    assert not passwords.check(GOOD, "no hash").result()


def test_an_accent_fits_however_it_is_typed(passwords: Passwords) -> None:
    assert passwords.check("cafe\u0301 olé olé olé", passwords.hash("café olé olé olé").result()).result()


def test_a_weaker_hash_is_outdated(passwords: Passwords) -> None:
    weak = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$Yw1h7Yy1nq9zP1mT3u5n8w5v1mKq0j8mYy1nq9zP1mQ"
    assert passwords.outdated(weak)


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 257, "\ud800" * 12])
def test_an_unfit_password_is_refused_and_not_told(password: str) -> None:
    with pytest.raises(ConduitError) as refused:
        normal(password)
    assert refused.value.diagnostics[0].code.id == "CND-2301"
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize("password", ["twelve chars", "x" * 256, "пароль пароль"])
def test_any_characters_do(password: str) -> None:
    assert normal(password) == password


def test_two_are_at_work_at_once_and_a_crowd_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords, gate, lock = Passwords(), threading.Event(), threading.Lock()
    at_work, most = 0, 0

    def slow(*_: Any) -> bool:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        gate.wait(30)
        with lock:
            at_work -= 1
        return False

    monkeypatch.setattr(passwords, "_fits", slow)
    waiting: list[Future[bool]] = [passwords.check("any", None) for _ in range(LINE)]
    with pytest.raises(Unreadable):
        passwords.check("one more", None)
    gate.set()
    assert not any(each.result(30) for each in waiting)
    assert most <= AT_ONCE
    assert not passwords.check("any", None).result(30)
