"""Names to addresses as this machine resolves them, in bounded time and each name once.

`getaddrinfo` knows /etc/hosts and the search list, as the proxies do, but it takes no timeout: it runs in threads that
are left behind when they hang. A resolver lives as long as one run, so a run sees one answer for a name.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from conduit.evidence import Evidence

NAME_SECONDS: Final = 2.0
RUN_SECONDS: Final = 10.0
AT_ONCE: Final = 16

Answer = tuple[str, ...] | OSError


def system_addresses(name: str) -> tuple[str, ...]:
    """Ask the system for the TCP addresses of a name, sorted. Raises OSError; waits as long as the system likes."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise OSError(error.strerror) from error  # the words without the number
    return tuple(sorted({str(address[0]) for *_, address in found}))


class Resolver:
    """Resolves names for one run: 2 s for a name, 10 s for all of them together, 16 at once with `prefetch`."""

    def __init__(self, ask: Callable[[str], Sequence[str]] = system_addresses, seconds: float = RUN_SECONDS) -> None:
        self._ask = ask
        self._answers: dict[str, Answer] = {}
        self._left = seconds

    def __call__(self, name: str) -> tuple[str, ...]:
        """Return the addresses of a name. Raises OSError when it has none, TimeoutError when nobody tells in time."""
        self.prefetch([name])
        answer = self._answers[name]
        if isinstance(answer, OSError):
            raise answer
        return answer

    def evidence(self) -> tuple[Evidence, ...]:
        """Return the answers so far, every name with its addresses or why it has none; nothing without any."""
        answers = sorted(self._answers.items())
        return (Evidence("addresses", " ".join(self._answers), repr(answers)),) if answers else ()

    def prefetch(self, names: Iterable[str]) -> None:
        """Ask for many names at once; a name that was asked before is not asked again."""
        open_names = set(names) - set(self._answers)
        if not open_names:
            return
        began = time.monotonic()
        until = began + (min(self._left, NAME_SECONDS) if len(open_names) == 1 else self._left)
        done = self._start(sorted(open_names))
        while open_names:
            try:
                name, answer = done.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            self._answers[name] = answer
            open_names.remove(name)
        self._answers |= {name: TimeoutError(f"no answer about {name} in time") for name in open_names}
        self._left -= time.monotonic() - began

    def _start(self, names: list[str]) -> SimpleQueue[tuple[str, Answer]]:
        """Share the names among threads that may outlive us; return the queue their answers come through."""
        todo: SimpleQueue[str] = SimpleQueue()
        done: SimpleQueue[tuple[str, Answer]] = SimpleQueue()
        for name in names:
            todo.put(name)
        for _ in range(min(AT_ONCE, len(names))):
            Thread(target=self._work, args=(todo, done), daemon=True).start()
        return done

    def _work(self, todo: SimpleQueue[str], done: SimpleQueue[tuple[str, Answer]]) -> None:
        while True:
            try:
                name = todo.get_nowait()
            except Empty:
                return
            try:
                done.put((name, tuple(self._ask(name))))
            except (OSError, UnicodeError) as error:
                done.put((name, error if isinstance(error, OSError) else OSError(str(error))))
