"""The engine: load, expand, observe, plan, apply. CLI, API and loop are thin callers of it.

Opening one does no I/O. `diff` is `plan()`; `apply` is `recover()`, `plan()` and `apply(plan)`. What only an apply
needs is imported there: start-up is most of the time of an empty diff.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from conduit.errors import Unsafe
from conduit.failpoints import fail
from conduit.history_rows import Started
from conduit.model import FRAME, NO_FIELDS, Key, Live
from conduit.observe import view
from conduit.plan import Plan
from conduit.planning import Planning
from conduit.providers.files import left_over
from conduit.report import ApplyOptions, Listener, Report, nobody
from conduit.settled import forget

if TYPE_CHECKING:
    from conduit.change import Outcome
    from conduit.command import Command
    from conduit.doctor import Finding
    from conduit.run import Means
    from conduit.spec import Spec
    from conduit.status import RootStatus


class Engine(Planning):
    """One site: what it declares, compared with what is there and made true."""

    recovered: tuple[str, ...] = ()
    """What was told of the killed run that was finished last."""
    kept: list[object] | None = None
    """Where an apply leaves what it worked with, for a process that ends without freeing it; see `conduit.__main__`."""

    @contextmanager
    def hold(self, operation: str) -> Iterator[None]:
        """Hold the lock for a `with` block, once however often it is nested. Raises `Locked`."""
        if self.lock.number:
            yield
            return
        with self.lock.hold(operation):
            fail("apply.locked")
            yield

    def recover(self) -> tuple[str, ...]:
        """Finish what a killed run left half done and tell what was done."""
        for path in left_over(self.state / name for name in ("cache", "manifests", "files", "secrets")):
            path.unlink(missing_ok=True)
        left = self.journal.unfinished()
        if left is None:
            return ()
        with self.hold("recover"):
            told = [f"run {left.id} ({left.operation}, started {left.started}) did not end"]
            for name, keys in left.open.items():
                more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
                told.append(f"{name}: under way was {min(keys)}{more}")
            for provider in self.providers.values():
                told += provider.recover()
            if tuple(told) != self.recovered:
                self._record_killed(left.id, told)
            self.recovered = tuple(told)
        return self.recovered

    def _record_killed(self, run: int, told: Iterable[str]) -> None:
        """Put a run that was killed into the audit trail: it could not do so itself. Raises `Unreadable`."""
        from conduit.audit.applies import killed

        self.trail.append(killed(run, told))

    def apply(
        self,
        plan: Plan,
        options: ApplyOptions = ApplyOptions(),
        on_event: Listener = nobody,
        stop: threading.Event | None = None,
    ) -> Report:
        """Apply the plan made last. Raises `Unsafe` when it breaks a safety rule, `Locked`, `RollbackFailed`."""
        if plan.unsafe:
            raise Unsafe(plan.unsafe)
        from conduit.run import carry_out

        digest, desired, observed = self._planned
        if digest != plan.digest:
            raise ValueError("apply the plan that this engine made last")
        if not plan.changes:
            return self._nothing_to_do(plan, options)
        name = options.operation
        with self.hold(name), self.journal.run(name, plan.digest, plan.commit) as run, self.history.beside():
            forget(self.state)
            self._note_started(plan, run.id)
            ended = stop or threading.Event()
            report, settled = carry_out(plan, desired, observed, self._means(options), run, options, on_event, ended)
            self.history.note_secrets(run.id, self.used_secrets.keep())
        if self.kept is not None:
            self.kept += (plan, settled)
        if settled:
            self._keeper.keep(replace(plan, changes=()), self.wish, desired, settled)
        return replace(report, warnings=self.history.take_warnings(), recovered=self.recovered)

    def _note_started(self, plan: Plan, run: int) -> None:
        if self.wish:
            manifests, files = self.wish.manifests, self.wish.files_digest
            self.archive.keep(manifests.digest, manifests.places.contents)
            if files:
                self.files.keep(files, self.wish.files)
            keys = tuple(change.key for change in plan.changes)
            self.history.note_started(Started(run, manifests.digest, files, keys, self.used_secrets.keep()))

    def _nothing_to_do(self, plan: Plan, options: ApplyOptions) -> Report:
        """End a killed run that left nothing to change, and prove again what never passed its proof."""
        from conduit.run import settle_owed

        _, desired, observed = self._planned
        left = None if plan.unknown else self.journal.unfinished()
        if left is not None:
            with self.hold("recover"):
                done = {key for keys in left.intended.values() for key in keys}
                lives = (live for view in observed.values() for live in view.reading.ours())
                self.history.record({live.key: live.native for live in lives if live.key in done})
                self.journal.settle(left)
        proofs, told = settle_owed(desired, observed, self._means(options)) if options.prove else ({}, ())
        unread, unjudged = bool(plan.unknown), bool(plan.unjudged)
        return Report(0, (), proofs, told, self.recovered, unread=unread, unjudged=unjudged)

    def _means(self, options: ApplyOptions) -> Means:
        from conduit.run import Means

        context = self.proving_context() if options.prove else self.context()
        context = replace(context, parallel=options.parallel)
        meanwhile = partial(self._keeper.prepare, self.wish)
        return Means(self.kinds, self.providers, self.history, self.lock, context, self.now, meanwhile)

    def live(self, kind: str) -> list[Live]:
        """Return every live object of a leaf kind, ours or not. Raises `Unreadable` when its provider is silent."""
        provider = self.providers[self.kinds[kind].provider]
        seen = view(provider, provider.read(), "", self.context())
        return sorted(self.kinds[kind].observe(seen.context), key=lambda live: (live.key, live.id))

    def status(self, keys: Collection[Key] = ()) -> list[RootStatus]:
        """Prove the declared roots (all, or those of `keys`) as they are now, in bounded time. Raises LoadError."""
        from conduit.status import status

        desired = self.load().whole()
        observed = self.observe()
        roots = [root for key, root in sorted(desired.roots.items()) if not keys or key in keys]
        return status(roots, desired, observed, self.kinds, self.proving_context())

    def operate(self, key: Key, verb: str, parameters: Mapping[str, Any] = NO_FIELDS) -> Outcome:
        """Carry out a one-off verb of a live resource, or of a provider named `frame/<provider>`, journalled.

        Raises `ConduitError` when there is no such verb or object, `Locked`, `Unreadable`.
        """
        from conduit.operate import operate

        kind = None if key.kind == FRAME else self.kinds[key.kind]
        provider = self.providers[kind.provider if kind else key.name]
        with self.hold(verb), self.journal.run(verb, "") as run:
            return operate(run, provider, kind, key, verb, parameters, self.context())

    def perform(
        self,
        command: Command,
        name: str,
        params: Spec,
        listen: Callable[[dict[str, Any]], None],
        begin: Callable[[], object] = lambda: None,
    ) -> int:
        """Carry out a command of a kind on the resource `name`, declared or not, and return its exit code.

        `listen` is told each finding; `begin` is called before anything changes. Raises `ConduitError`, `Locked`.
        """
        from conduit.perform import Doing, perform

        doing = Doing(command.name, listen, self.context(), self.hold, self.journal, begin)
        return perform(command, doing, name, params)

    def doctor(self) -> list[Finding]:
        """Check what conduit depends on; each finding that is not well comes with its fix."""
        from conduit.doctor import doctor

        return doctor(self.settings, self.providers)
