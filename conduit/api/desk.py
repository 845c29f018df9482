"""What every handler works with: the reconciler, the health of the site, the audit trail, events, and edits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from litestar.di import NamedDependency
from msgspec.structs import replace

from conduit.api.auth import Caller
from conduit.api.events import Bus
from conduit.api.recorder import act_of, add
from conduit.api.sight import Sight
from conduit.api.writes import Writes
from conduit.audit.act import CONDUIT, SUCCESS, Act
from conduit.audit.index import Index
from conduit.audit.trail import Trail
from conduit.audit.upkeep import Upkeep
from conduit.engine import Engine
from conduit.errors import Code, Diagnostic, Unreadable
from conduit.expand import Desired
from conduit.health import Health, Watch
from conduit.identity.door import Door
from conduit.identity.one_key import OneKey
from conduit.kind import Context
from conduit.model import Key
from conduit.plan_json import errors_document, event_document, plan_document, report_document
from conduit.recall import Recall
from conduit.reconcile.asks import Ask
from conduit.reconcile.loop import FAILED, Loop
from conduit.reconcile.notifier import Notifier
from conduit.reconcile.passes import Passes
from conduit.reconcile.suspension import suspension
from conduit.reconcile.worker import Worker
from conduit.settings import Settings

UNLOADED = Code(
    "CND-2023",
    "what is declared is not known yet",
    "The server has just started, or the manifests have not loaded since it did. It says so instead of telling that "
    "nothing is declared. In the first case ask again; in the second `conduit validate` names what is wrong.",
)
DOCUMENTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "plan": plan_document,
    "report": report_document,
    "progress": event_document,
    FAILED: errors_document,
}
"""How what the reconciler tells becomes an event; what the loop holds back is asked for at /api/loop."""
SETTLE_SECONDS: Final = 1.0


@dataclass
class Desk:
    """One serving process. Handlers read `passes.snapshot` and `watch`, and ask the worker for everything else.

    `log` gets what the loop tells, as that of `conduit watch` does.
    """

    settings: Settings
    one_key: OneKey = field(default_factory=OneKey)
    log: Callable[[str, Any], None] = lambda event, content: None
    bus: Bus = field(default_factory=Bus)
    kept: dict[Any, Any] = field(default_factory=dict)
    """Answers that are kept as bytes; see `conduit.api.cached`."""
    removals: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while somebody is removed, so that two admins cannot remove each other."""
    _recall: Recall = field(default_factory=Recall)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _local: threading.local = field(default_factory=threading.local)

    @property
    def audit(self) -> Trail:
        """The audit trail."""
        return self.passes.engine.trail

    @cached_property
    def door(self) -> Door:
        """All that logging in needs."""
        return Door(self.settings, self.one_key)

    @cached_property
    def audit_index(self) -> Index:
        """Where entries of the audit trail are, by what is looked for."""
        return Index(self.audit, self.passes.engine.state / "audit-index.db")

    @cached_property
    def upkeep(self) -> Upkeep:
        """The upkeep of the audit trail."""
        return Upkeep(self.audit, self.settings, lambda name: self.passes.engine.secrets.get(name))

    @cached_property
    def loop(self) -> Loop:
        """The loop that keeps the site true on its own."""
        return Loop(self._engine, self._tell, self.notifier)

    @cached_property
    def notifier(self) -> Notifier:
        """What tells people of failures, drift and ends of certificates."""
        return Notifier(self._engine)

    @property
    def passes(self) -> Passes:
        """What the reconciler knows; its snapshot is for every thread to read."""
        return self.loop.passes

    @property
    def worker(self) -> Worker:
        """The one thread that plans and applies, for the loop and for whoever asks."""
        return self.loop.worker

    @property
    def held(self) -> str:
        """Why an edit is saved and not applied: the loop is suspended or only observes; empty when it is not so."""
        found = suspension(self.passes.engine.state, self.passes.engine.now())
        if found:
            return str(found)
        return "the site is only observed (reconcile.mode)" if self.settings.reconcile.mode == "observe" else ""

    @cached_property
    def watch(self) -> Watch:
        """The health of every declared resource."""
        engine = self.passes.engine
        return Watch(engine.kinds, lambda: self.passes.snapshot.desired.roots, self._proving, self._health_changed)

    @cached_property
    def writes(self) -> Writes:
        """The edits of the manifests."""
        return Writes(lambda: self.reader.store)

    @property
    def desired(self) -> Desired:
        """What is declared, as the last pass loaded it. Raises `Unreadable` while none has: that is not nothing."""
        self.require_loaded()
        return self.passes.snapshot.desired

    def require_loaded(self) -> None:
        """Raise `Unreadable` while no pass has loaded the manifests."""
        snapshot = self.passes.snapshot
        if snapshot.plan is None:
            why, hint = "the first pass has not ended", "ask again in a moment"
            if snapshot.problems:
                why, hint = snapshot.problems[0].summary, "conduit validate tells what is wrong with the manifests"
            raise Unreadable(Diagnostic(UNLOADED, f"what is declared is not known yet: {why}", hint=hint))

    def sight(self, caller: Caller) -> Sight:
        """Return what a caller sees of plans, runs and events now."""
        return Sight(caller, self.passes.engine.kinds, self.passes.snapshot.desired)

    @property
    def reader(self) -> Engine:
        """An engine of this thread's own, to read live objects with while the worker is busy."""
        if not hasattr(self._local, "engine"):
            self._local.engine = Engine(self.settings, recall=self._recall)
        engine: Engine = self._local.engine
        return engine

    def start(self) -> None:
        """Start the threads."""
        self.loop.start()
        self.watch.start()

    def stop(self) -> None:
        """Stop them, first what changes the world, so that whoever waits for it is answered; again is fine."""
        self.loop.stop()
        self.watch.stop()
        self.notifier.settle()
        self.bus.end()

    async def ask(self, ask: Ask) -> Any:
        """Queue a request with the reconciler and wait for its outcome. Raises what the pass raised."""
        return await asyncio.wrap_future(self.worker.submit(ask))

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let something go on after its answer has left; it is kept until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait a moment for what goes on after its answer; the threads have ended, so nothing keeps it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SETTLE_SECONDS)

    def record(
        self, caller: Caller, action: str, message: str, *, ok: bool = True, details: Mapping[str, Any] | None = None
    ) -> None:
        """Put one act into the audit trail: with the answer to the request it belongs to, before that leaves.

        Raises `Unreadable` when it belongs to none that is still open, and cannot be written.
        """
        act = act_of(caller, action, message, ok=ok, details=details or {})
        if not add(act):
            self.audit.append(act)

    def deny(self, caller: Caller, attempt: str) -> None:
        """Put a refused attempt into the audit trail."""
        self.record(caller, "denied", attempt, ok=False)

    @cached_property
    def _engine(self) -> Engine:
        """The engine of the reconciler's thread."""
        return Engine(self.settings, recall=self._recall)

    def _proving(self) -> Context:
        """Return what checks are made with; a secret that one shows is used by no run, and kept with none."""
        snapshot, engine = self.passes.snapshot, self.passes.engine
        known = {"facts": snapshot.facts, "leaves": snapshot.desired.leaves_of, "secret": engine.secrets.get}
        return replace(engine.proving_context(), **known)

    def _tell(self, event: str, content: Any) -> None:
        self.log(event, content)
        if event in DOCUMENTS:
            self.bus.publish(event, DOCUMENTS[event](content))
        if event == "report":
            plan, done = self.passes.snapshot.plan, {outcome.key for outcome in content.outcomes}
            self.watch.again({change.root for change in (plan.changes if plan else ()) if change.key in done})

    def _health_changed(self, key: Key, before: Health, after: Health) -> None:
        details = {"address": str(key), "before": before.state, "after": after.state, "detail": after.detail}
        self.bus.publish("health", details)
        alarm = self.passes.engine.kinds[key.kind].alarm
        act = Act(alarm, SUCCESS, f"{key} is {after.state}, was {before.state}", CONDUIT, details=details)
        with suppress(Unreadable):  # it is owed then, and nothing is changed before it is written
            self.audit.append(act)


Here = NamedDependency[Desk]
"""How a handler asks for the desk of the process that serves it."""
