"""The loop: passes whenever something wakes it, at the latest when the interval is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from conduit.audit.upkeep import Upkeep
from conduit.engine import Engine
from conduit.errors import Code, ConduitError, Diagnostic, LoadError
from conduit.manifests.git import head_commit
from conduit.reconcile.asks import Snapshot, Tend
from conduit.reconcile.echo import ECHOES
from conduit.reconcile.holding import mistaken_kinds
from conduit.reconcile.passes import Passes
from conduit.reconcile.scheduler import LOOK, Scheduler
from conduit.reconcile.suspension import suspension_sign
from conduit.reconcile.triggers import Wake, listen, stamps, watch_files, watch_sign
from conduit.reconcile.worker import Worker

MISTAKEN_KIND = Code(
    "CND-2201",
    "a mode for a kind that does not exist",
    "`reconcile.kinds` in conduit.yaml gives kinds a mode of their own, and names one that does not exist. It would "
    "have no effect, so the loop does not start. `conduit kinds` lists the kinds.",
)

BROKEN = Code(
    "CND-2202",
    "a pass of the loop ended in a mistake of conduit's own",
    "Something happened that conduit does not foresee. The pass ended, the live systems are as its journal says, and "
    "the loop tries again. Please report the message with the lines of the log before it.",
)

TENDED_EVERY: Final = 5.0
"""Seconds between two looks at what the audit trail needs."""
END_SECONDS: Final = 1.0
"""How long the end of a loop waits for its scheduler's word that it has ended."""
FAILED: Final = "failed"
"""The event of a pass that did not come to an end; its content is the list of diagnostics."""


class Status(Struct, frozen=True):
    """How the loop is doing: whether its threads live, how many passes ended, and why the last one failed.

    `failing` is what failed and has not worked since, with the reasons.
    """

    alive: bool
    passes: int
    problems: tuple[Diagnostic, ...]
    snapshot: Snapshot
    failing: Mapping[str, str]


class Loop:
    """Keeps a site true from its own threads.

    `tell(event, content)` gets what the passes tell, and `FAILED`; `after(status)` is called when a pass has ended.

    Other threads reach live systems only through `worker.submit`, a queue; they read `passes.snapshot`.
    """

    def __init__(
        self, engine: Engine, tell: Callable[[str, Any], None], after: Callable[[Status], None] = lambda status: None
    ) -> None:
        self.passes = Passes(engine, tell)
        self.worker = Worker(self.passes)
        self.scheduler = Scheduler(self.passes, self.worker, tell, self.trigger)
        self._engine, self._tell, self._after = engine, tell, after
        self._stop, self._woken = threading.Event(), threading.Event()
        self._reasons: set[str] = set()
        self._ended = 0
        self._problems: tuple[Diagnostic, ...] = ()
        self._threads: list[threading.Thread] = []
        self._scheduling: threading.Thread | None = None

    def start(self) -> None:
        """Begin with what a killed process left, then look at everything. Raises LoadError for wrong settings."""
        self._require_kinds()
        self._engine.store.recover()
        self.worker.start()
        root = self._engine.settings.path(self._engine.settings.desired)
        self._begin("files", watch_files, root)
        self._begin("stamps", watch_sign, lambda: stamps(root))
        self._begin("signs", watch_sign, lambda: (head_commit(root.resolve()), suspension_sign(self._engine.state)))
        for name, provider in self._engine.providers.items():
            self._begin(name, listen, provider)
        if rules := self._engine.settings.reconcile.pull:
            self._begin("pull", self._follow, rules.interval)
        self._scheduling = self._begin("scheduler", self._schedule, self.scheduler)
        self._begin("audit", self._look_after, Upkeep(self._engine.trail, self._engine.settings, self._secret))
        self._threads.append(threading.Thread(target=self._run, name="loop", daemon=True))
        self._threads[-1].start()

    def stop(self) -> bool:
        """End after the step under way, within ten seconds; tell whether that came to its end."""
        self._stop.set()
        self._woken.set()
        finished = self.worker.stop()
        if self._scheduling:
            self._scheduling.join(END_SECONDS)
        return finished

    def trigger(self, why: str = "") -> None:
        """Ask for a pass soon; those asked for while one runs become one.

        `why` names the trigger: one that an edit of our own sets off starts no pass when that was made true already.
        """
        self._reasons.add(why)
        self._woken.set()

    @property
    def status(self) -> Status:
        """How the loop is doing now."""
        alive = self.worker.alive and all(thread.is_alive() for thread in self._threads[-1:])
        failing = {**self.passes.keeper.failing, **self.scheduler.failing}
        return Status(alive, self._ended, self._problems, self.passes.snapshot, failing)

    def _begin(self, name: str, watch: Callable[..., None], subject: Any) -> threading.Thread:
        thread = threading.Thread(target=watch, args=(subject, self.trigger, self._stop), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _follow(self, seconds: int, wake: Wake, stop: threading.Event) -> None:
        """Pull again and again."""

        def pull() -> None:
            if self._engine.store.pull():
                wake("pull")

        self._repeat(pull, seconds, stop)

    def _schedule(self, scheduler: Scheduler, wake: Wake, stop: threading.Event) -> None:
        """Do what is due, and say at the end that nothing is any more."""
        self._repeat(scheduler.turn, LOOK, stop)
        with suppress(ConduitError, OSError):  # then it is known half a minute later, as after a kill
            scheduler.end()

    def _look_after(self, upkeep: Upkeep, wake: Wake, stop: threading.Event) -> None:
        """Do what the audit trail needs."""
        self._repeat(upkeep.tend, TENDED_EVERY, stop)

    def _repeat(self, work: Callable[[], None], seconds: float, stop: threading.Event) -> None:
        """Do something again and again; a reason why not is told once, until it is another one."""
        told = ""
        while not stop.is_set():
            try:
                work()
                told = ""
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told and tried again
                if str(error) != told:
                    self._tell(FAILED, _problems(error))
                told = str(error)
            stop.wait(seconds)

    def _secret(self, name: str) -> str:
        return self._engine.secrets.get(name)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._woken.clear()
            reasons, self._reasons = self._reasons, set()
            self._pass(Tend(echo=bool(reasons) and reasons <= ECHOES))
            self._woken.wait(self._pause())

    def _pass(self, ask: Tend) -> None:
        try:
            self.worker.submit(ask).result()
        except ConduitError as error:
            self._problems = error.diagnostics
            self._tell(FAILED, self._problems)
        except Exception as error:  # noqa: BLE001 - whatever it is, the loop goes on and says so
            self._problems = _problems(error)
            self._tell(FAILED, self._problems)
        else:
            self._problems = ()
        self._ended += 1
        self._after(self.status)

    def _pause(self) -> float:
        """Return the seconds until the next pass when nothing wakes the loop."""
        now = self._engine.now()
        earliest = self.passes.keeper.earliest(now)
        interval = float(self._engine.settings.reconcile.interval)
        return interval if earliest is None else max(0.0, min(interval, earliest - now))

    def _require_kinds(self) -> None:
        wrong = sorted(mistaken_kinds(self._engine.settings.reconcile, self._engine.kinds))
        if wrong:
            summary = f"reconcile.kinds names {', '.join(wrong)}, which does not exist"
            raise LoadError(Diagnostic(MISTAKEN_KIND, summary, hint="conduit kinds lists them"))


def _problems(error: Exception) -> tuple[Diagnostic, ...]:
    if isinstance(error, ConduitError):
        return error.diagnostics
    return (Diagnostic(BROKEN, f"{type(error).__name__}: {error}", hint="please report it"),)
