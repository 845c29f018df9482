"""What one process has done since it started, counted for its metrics."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct, field

from conduit.change import Result
from conduit.report import ENDS, Report


class Tally(Struct):
    """Counts of the reconciler's thread, which alone writes them; every thread may read."""

    passes: Counter[str] = field(default_factory=lambda: Counter(ok=0, failed=0))
    """Passes by how they ended: ok, or failed when one could not be carried to its end."""
    seconds: float = 0.0
    """How long all passes together took."""
    applies: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(ENDS, 0)))
    """Applies by how they ended."""
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Changes that were tried, by kind and action, whatever became of them."""

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Count the pass inside a `with` block."""
        begun, result = time.monotonic(), "failed"
        try:
            yield
            result = "ok"
        finally:
            self.passes[result] += 1
            self.seconds += time.monotonic() - begun

    def applied(self, report: Report) -> None:
        """Count an apply."""
        self.applies[report.result] += 1
        tried = [outcome for outcome in report.outcomes if outcome.result is not Result.SKIPPED]
        self.changes.update((outcome.key.kind, str(outcome.action)) for outcome in tried)
