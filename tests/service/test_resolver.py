"""Names resolve in bounded time, at once, and once each; a resolver that hangs delays a run but does not stop it."""

from __future__ import annotations

import threading

import pytest

from conduit.providers import resolver
from conduit.providers.resolver import Resolver, system_addresses


@pytest.fixture
def hang() -> threading.Event:
    """An event that a hanging question waits for; set at the end so that no thread stays."""
    event = threading.Event()
    yield event
    event.set()


def test_the_system_knows_localhost() -> None:
    assert "127.0.0.1" in system_addresses("localhost")


def test_an_unknown_name_is_an_oserror() -> None:
    with pytest.raises(OSError, match=r"\S"):
        system_addresses("no-such-name.invalid")


def test_a_hanging_question_ends_in_a_timeout(monkeypatch: pytest.MonkeyPatch, hang: threading.Event) -> None:
    monkeypatch.setattr(resolver, "NAME_SECONDS", 0.05)
    resolve = Resolver(lambda name: ("10.0.0.1",) if name == "good" else hang.wait() and ())
    with pytest.raises(TimeoutError):
        resolve("slow")
    assert resolve("good") == ("10.0.0.1",)


def test_a_name_that_failed_is_not_asked_again() -> None:
    asked = []

    def ask(name: str) -> tuple[str, ...]:
        asked.append(name)
        raise OSError("Name or service not known")

    resolve = Resolver(ask)
    for _ in range(3):
        with pytest.raises(OSError, match="not known"):
            resolve("gone")
    assert asked == ["gone"]


def test_many_names_are_asked_at_the_same_time() -> None:
    together = threading.Barrier(8, timeout=10)
    resolve = Resolver(lambda name: (str(together.wait()), name))
    names = [f"n{number}" for number in range(8)]
    resolve.prefetch(names)
    assert [resolve(name)[1] for name in names] == names


def test_a_run_waits_no_longer_than_its_budget(hang: threading.Event) -> None:
    resolve = Resolver(lambda name: hang.wait() and (), seconds=0.05)
    for name in ("a", "b", "c"):
        with pytest.raises(TimeoutError):
            resolve(name)
    assert resolve._left <= 0


def test_a_name_the_system_cannot_even_encode_is_an_oserror() -> None:
    def ask(name: str) -> tuple[str, ...]:
        raise UnicodeError("label too long")

    with pytest.raises(OSError, match="label too long"):
        Resolver(ask)("x")


def test_why_a_name_has_no_address_is_told_in_words() -> None:
    with pytest.raises(OSError, match=r"^(?!\[Errno)"):
        system_addresses("name.invalid")
