"""What earlier runs tell a plan: what they applied, what they took back, and whether one was killed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from conduit.history import History
from conduit.journal import Journal, UnfinishedRun
from conduit.lock import Lock
from conduit.model import Key
from conduit.plan import Plan


class Earlier(Struct, frozen=True):
    """The runs before this one, by their journal and their records, either of which may have been deleted."""

    journal: Journal
    history: History
    lock: Lock

    def left(self) -> UnfinishedRun | None:
        """Return the run that was killed, None while a run is going on or the last one ended."""
        return None if self.lock.holder() else self.journal.unfinished()

    def applied(self, keys: Collection[Key]) -> Mapping[Key, str] | None:
        """Return the records of `keys`, None when there are none at all; what a killed run was at is not known."""
        if not self.history.path.exists():
            return None
        left = self.left()
        unsure = {key for intended in left.intended.values() for key in intended} if left else set()
        return {key: text for key, text in self.history.applied(keys).items() if key not in unsure}

    def warnings(self) -> Iterator[str]:
        """Yield what every plan has to say of the runs before it."""
        left = self.left()
        if left is not None:
            yield f"run {left.id} ({left.operation}, started {left.started}) did not end; the next apply finishes it"

    def reverted(self, plan: Plan) -> Iterator[str]:
        """Yield a warning for each root whose very changes an earlier run had to take back."""
        reverted = self.history.reverted() if plan.changes and self.history.path.exists() else {}
        roots = {change.root for change in plan.changes} if reverted else ()
        for root, earlier in reverted.items():
            if root in roots and plan.digest_of_root(root) == earlier.digest:
                yield (
                    f"run {earlier.run} ({earlier.at}) took these very changes of {root} back: {earlier.reason}; "
                    "correct it, or apply again when the cause is gone"
                )
