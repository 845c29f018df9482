"""The one thread that plans and applies for the API, behind a queue of typed requests.

Requests that ask for the same whole pass are answered by one pass: ten edits that arrive together cost one reload.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from conduit.dialect.collector import Settling, collector_paused
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.reconcile.asks import Apply, Ask, Preview, Tend
from conduit.reconcile.passes import Passes

STOPPED = Code(
    "CND-2022",
    "the reconciler has stopped",
    "The server is going down. What had not begun is not done; a step that had begun and did not end in time is told "
    "and finished by the next run. An edit of a manifest that was saved is applied when the loop runs again.",
)

STOP_SECONDS: Final = 6.0
"""How long a step that is under way may take when the process is to end; with all else it takes less than ten."""


class Waiting(Struct):
    """A request in the queue and the future its sender waits for."""

    ask: Ask
    future: Future[Any]


class Worker:
    """Answers requests one after the other."""

    def __init__(self, passes: Passes) -> None:
        self._passes = passes
        self._stop = passes.stop
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._unanswered: set[Future[Any]] = set()
        self._settled = Settling()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> bool:
        """Refuse what waits, let the step under way come to its end, and end; tell whether it did in time.

        A step that takes longer is left as a kill would leave it: the next run tells of it and goes on from there.
        """
        if not self._stop.is_set():
            self._stop.set()
            _refuse(each.future for each in self._waiting())
            self._queue.put(None)
            self._thread.join(STOP_SECONDS)
            _refuse(list(self._unanswered))
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread runs, and gets on."""
        return self._thread.is_alive() and not self._passes.hangs

    def submit(self, ask: Ask) -> Future[Any]:
        """Queue a request; its future gives `Passed`, or the `Outcome` of an operation. Raises `ConduitError`."""
        future: Future[Any] = Future()
        if self._stop.is_set():
            _refuse([future])
        else:
            self._unanswered.add(future)
            future.add_done_callback(self._unanswered.discard)
            self._queue.put(Waiting(ask, future))
        return future

    def _run(self) -> None:
        left: list[Waiting] = []
        while not self._stop.is_set():
            first = left.pop(0) if left else self._queue.get()
            if first is None:
                break
            left += self._waiting()
            together = [each for each in left if _same_pass(first, each)]
            left = [each for each in left if each not in together]
            self._answer([first, *together])
        _refuse(each.future for each in [*left, *self._waiting()])

    def _waiting(self) -> list[Waiting]:
        found = []
        while not self._queue.empty():
            if each := self._queue.get():
                found.append(each)
        return found

    def _answer(self, together: list[Waiting]) -> None:
        try:
            with collector_paused():
                result = self._passes.carry_out(_whole(together))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait have to be told
            _fail((each.future for each in together), error)
        else:
            for each in together:
                with suppress(InvalidStateError):
                    each.future.set_result(result)
        self._settled()


def _same_pass(first: Waiting, other: Waiting) -> bool:
    if isinstance(first.ask, (Preview, Tend)):
        return first.ask == other.ask
    if not (isinstance(first.ask, Apply) and isinstance(other.ask, Apply) and first.ask.shared and other.ask.shared):
        return False
    return (first.ask.own is None) == (other.ask.own is None)


def _whole(together: list[Waiting]) -> Ask:
    """Return the one request that answers all of them."""
    first, *others = (each.ask for each in together)
    return first.with_others(each for each in others if isinstance(each, Apply)) if isinstance(first, Apply) else first


def _fail(futures: Iterable[Future[Any]], error: Exception) -> None:
    """Tell those who still wait; whoever gave up, or was told that the process ends, is answered already."""
    for future in futures:
        with suppress(InvalidStateError):
            future.set_exception(error)


def _refuse(futures: Iterable[Future[Any]]) -> None:
    _fail(futures, stopped())


def stopped() -> ConduitError:
    """Return what whoever waits is told when the process ends."""
    hint = "look at what is there when it runs again"
    return ConduitError(Diagnostic(STOPPED, "the server is going down", hint=hint))
