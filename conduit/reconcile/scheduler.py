"""The scheduler: does the live tasks when they are due, through the worker, in the rights their users have then.

An instant is taken in self.db before anything is done for it, holding the lock: a process that is killed in between
leaves it undone and never does it twice. What could not begin, because another run is at work, is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from functools import cached_property, partial
from typing import Any, Final

from conduit.audit.act import FAILURE, SUCCESS, Act
from conduit.change import Outcome, Result
from conduit.cron import due
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.failpoints import fail
from conduit.identity.acting import acting, hindrance
from conduit.model import Key
from conduit.operate import permission_of
from conduit.providers.self_rows import Task
from conduit.providers.self_store import SelfStore, open_store
from conduit.providers.self_tasks import DENIED, FAILED, OK, TURN, beat, finish, key_of, ours, rest, take
from conduit.reconcile.asks import Operate
from conduit.reconcile.holding import observed
from conduit.reconcile.passes import Passes
from conduit.reconcile.suspension import suspension
from conduit.reconcile.worker import Worker

NOT_ALLOWED = Code(
    "CND-2203",
    "a task whose user may not do it",
    "A task is done in the rights that the user in its `run_as` has at that moment. The user is gone, disabled, "
    "without the permission, or without a grant for that deployment, so nothing was done. Give the rights back, name "
    "another user, or remove the task.",
)
NOT_DONE = Code(
    "CND-2204",
    "a task that failed",
    "The operation of a task did not end well; the message says why, the journal has it as a run. It is tried again at "
    "its next time. `conduit operate` does the same at once.",
)
LOOK: Final = 1.0
"""Seconds between two looks at what is due."""
SCHEDULED: Final = "scheduled"
"""The event of a task that was done; its content says so in words."""


class Scheduler:
    """Does the tasks of one site. `tell` gets what happened; `wake` is called for what the next pass has to see."""

    def __init__(self, passes: Passes, worker: Worker, tell: Callable[[str, Any], None], wake: Callable[[str], None]):
        self.failing: Mapping[str, str] = {}
        """The tasks that went wrong the last time, with the reasons."""
        self._passes, self._worker, self._tell, self._wake = passes, worker, tell, wake
        self._engine = passes.engine
        self._beaten = 0.0

    @cached_property
    def _store(self) -> SelfStore:
        return open_store(self._engine.settings)

    def turn(self) -> None:
        """Do what is due now. Raises `ConduitError`, OSError when a task could not begin; it stays due."""
        tasks = ours(self._store.rows(Task), self._engine.keys.mark)
        self.failing = {str(key_of(each)): each.reason for each in tasks if each.result in (DENIED, FAILED)}
        if not tasks:
            return
        self._beat()
        for task in tasks:
            instant = due(task.schedule, task.timezone, task.since, self._engine.now()) if task.enabled else None
            if instant is not None and not self._held(task):
                self._do(task, instant)

    def end(self) -> None:
        """Let nothing count as scheduled any more. Raises `ConduitError`, OSError."""
        if self._beaten:
            rest(self._store)

    def _do(self, task: Task, instant: float) -> None:
        begun: list[float] = []
        begin = partial(self._begin, task, instant, begun)
        try:
            ask = Operate(Key.parse(task.subject), task.action, begin=begin)
            outcome = self._waited(self._worker.submit(ask))
        except (ConduitError, OSError) as error:
            if not begun:
                raise
            self._end(task, instant, FAILED, str(error))
        else:
            if outcome.result is not Result.SKIPPED:
                self._end(task, instant, OK if outcome.result is Result.OK else FAILED, outcome.reason)

    def _begin(self, task: Task, instant: float, begun: list[float]) -> bool:
        """Take an instant, on the reconciler's thread and holding the lock; tell whether it may be done."""
        self._engine.trail.require()
        if self._held(task) or not take(self._store, task, instant, self._engine.now()):
            return False
        fail("task.taken")
        begun.append(instant)
        reason = self._hindrance(task)
        if reason:
            self._end(task, instant, DENIED, reason)
        return not reason

    def _hindrance(self, task: Task) -> str:
        """Return why the user of a task may not do it now; empty for one who may."""
        user, subject = acting(self._store, task.run_as), Key.parse(task.subject)
        if user is None:
            return f"there is no active user {task.run_as}"
        return hindrance(user, subject, permission_of(subject, self._engine.kinds), self._roots(subject))

    def _end(self, task: Task, instant: float, result: str, reason: str) -> None:
        """Write down how it ended: in self.db, in the audit trail, and for people."""
        fail("task.done")
        finish(self._store, task, instant, result, reason)
        said = f"{key_of(task)}: {task.action} {task.subject}" + (f": {reason}" if reason else "")
        details = {"address": task.subject, "scheduled": str(key_of(task))}
        event, status = DENIED if result == DENIED else "operate", SUCCESS if result == OK else FAILURE
        if result == OK:
            self._tell(SCHEDULED, f"{said}, as {task.run_as}")
        else:
            code = NOT_ALLOWED if result == DENIED else NOT_DONE
            self._tell("failed", (Diagnostic(code, said, hint=f"conduit explain {code.id} tells more"),))
        self._wake(SCHEDULED)
        self._engine.trail.append(Act(event, status, said, task.run_as, sort="user", details=details))

    def _waited(self, future: Future[Any]) -> Outcome:
        """Wait for an answer and stay alive meanwhile."""
        while True:
            try:
                outcome: Outcome = future.result(TURN)
            except NotYet:
                self._beat()
            else:
                return outcome

    def _held(self, task: Task) -> bool:
        """Whether the loop has seen nothing yet, only observes what a task is about, or is suspended."""
        engine, subject = self._engine, Key.parse(task.subject)
        kinds = (subject.kind, *(root.kind for root in self._roots(subject)))
        blind = self._passes.snapshot.plan is None
        return blind or observed(engine.settings.reconcile, kinds) or suspension(engine.state, engine.now()) is not None

    def _roots(self, subject: Key) -> set[Key]:
        """Return the declared resources that a subject is part of, as the last pass saw them."""
        return self._passes.snapshot.desired.sharers((subject,)) or {subject}

    def _beat(self) -> None:
        now = self._engine.now()
        if abs(now - self._beaten) >= TURN:
            beat(self._store, now)
            self._beaten = now
