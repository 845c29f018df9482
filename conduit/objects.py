"""The objects of an apply: those of a round are made at once, and what needs them waits until they are ready.

What nothing in the plan waits for is made and comes up while the plan goes on, where a provider takes long to make it.
"""

from __future__ import annotations

from collections.abc import Collection
from threading import Thread

from msgspec import Struct
from msgspec.structs import replace

from conduit.change import Change, Outcome, Result
from conduit.model import Key, Reading
from conduit.obstacles import passable
from conduit.providers.base import ObjectProvider
from conduit.readiness import when_ready
from conduit.schedule import Step
from conduit.work import Work


class Coming(Struct, eq=False):
    """Objects on their way: made from a reading, perhaps by a thread of its own; `error` is why there are none."""

    provider: ObjectProvider
    changes: list[Change]
    reading: Reading
    outcomes: dict[Key, Outcome] = {}
    error: Exception | None = None
    maker: Thread | None = None

    def make(self) -> None:
        """Have them made. Touches nothing of the apply but this."""
        try:
            self.outcomes = self.provider.apply(self.changes, self.reading) if self.changes else {}
        except Exception as error:  # noqa: BLE001 - raised again by `come_up`, in the thread of the apply
            self.error = error

    def make_beside(self) -> None:
        """Have them made while the apply goes on."""
        self.maker = Thread(target=self.make, name=f"make {self.provider.name}", daemon=True)
        self.maker.start()

    def wait(self) -> None:
        """Return when they are made or it is known that they are not."""
        if self.maker:
            self.maker.join()


def make_objects(
    work: Work, provider: ObjectProvider, step: Step, waited: Collection[Key], coming: list[Coming]
) -> None:
    """Make the objects of a step, and wait for those that are `waited` for; the others are added to `coming`.

    They may still be made then, unless only so many objects may be worked on at once.
    """
    changes = [_with_wish(work, change) for change in passable(work, step.changes)]
    if not changes:
        return
    work.begin(step.provider, changes)
    reading = work.readings[step.provider]
    needed = Coming(provider, [change for change in changes if change.key in waited], reading)
    others = Coming(provider, [change for change in changes if change.key not in waited], reading)
    needed.make()
    coming.append(others)
    if provider.slow and work.options.parallel is None and others.changes:
        others.make_beside()
    else:
        others.make()
    come_up(work, needed)


def come_up(work: Work, coming: Coming) -> None:
    """Wait for objects to be made and ready, and note what came of them. Raises what making them raised."""
    coming.wait()
    if coming.error:
        raise coming.error
    work.made |= {key for key, outcome in coming.outcomes.items() if outcome.result is Result.OK}
    outcomes = when_ready(work, coming.provider, coming.changes, coming.outcomes)
    done = {change.key: change.native for change in coming.changes if outcomes[change.key].result is Result.OK}
    work.memory.record(done)
    work.settle(outcomes.values())


def _with_wish(work: Work, change: Change) -> Change:
    """Return a change of an object with all that its wish had to wait for."""
    wish = work.resolved(change)
    if wish is None or wish is change.want:
        return replace(change, want=wish)
    return replace(
        change, want=wish, native=work.kinds[change.key.kind].render(wish.spec, work.context(change.provider))
    )
