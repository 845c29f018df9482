"""What the trail needs from time to time: checkpoints, anchors, and an end to what was kept long enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property, partial
from typing import Final

from conduit.audit.act import CONDUIT, SUCCESS, Act
from conduit.audit.anchors import Anchor, anchors_of
from conduit.audit.sealing import remove_old
from conduit.audit.trail import Trail, unwritable
from conduit.audit.verify import Verdict, Witness, verify
from conduit.errors import ConduitError, Diagnostic
from conduit.settings import Settings

CLEANED_EVERY: Final = 3600.0


class Upkeep:
    """The upkeep of one site's trail; `secret` gives the value of a secret by its name. Opening does no I/O."""

    def __init__(self, trail: Trail, settings: Settings, secret: Callable[[str], str]) -> None:
        self.trail, self._settings, self._secret = trail, settings, secret
        self._anchored, self._cleaned = "", -CLEANED_EVERY

    @cached_property
    def anchors(self) -> list[Anchor]:
        """The places outside."""
        return list(anchors_of(self._settings, self._secret))

    def tend(self) -> None:
        """Do what is due. Raises `ConduitError` with everything that could not be done."""
        problems: list[Diagnostic] = []
        for work in (self._sign, self.anchor, self._clean):
            try:
                work()
            except ConduitError as error:
                problems += error.diagnostics
            except OSError as error:
                problems.append(unwritable(self.trail.directory, error))
        if problems:
            raise ConduitError(problems)

    def anchor(self) -> None:
        """Write the newest checkpoint to every place that does not have it. Raises `ConduitError`."""
        newest = next(self.trail.checkpoints.newest(), None)
        if newest is None or newest.text() == self._anchored:
            return
        problems: list[Diagnostic] = []
        for each in self.anchors:
            try:
                each.keep(newest)
            except ConduitError as error:
                problems += error.diagnostics
        if problems:
            raise ConduitError(problems)
        self._anchored = newest.text()

    def _sign(self) -> None:
        if self.trail.due():
            self.trail.sign()

    def _clean(self) -> None:
        if time.monotonic() - self._cleaned >= CLEANED_EVERY:
            self._cleaned = time.monotonic()
            if count := self.remove_old():
                message = f"removed {count} entries older than {self._settings.audit.retention} days"
                self.trail.append(Act("audit_cleanup", SUCCESS, message, CONDUIT))

    def remove_old(self) -> int:
        """Remove what is older than audit.retention, and return how many entries. Raises `ConduitError`, OSError."""
        return remove_old(self.trail, self._settings.audit.retention)

    def witnesses(self) -> tuple[list[Witness], list[Diagnostic]]:
        """Return what is known of the trail outside of it, and why some place could not be asked. Raises OSError."""
        found: list[Witness] = []
        problems: list[Diagnostic] = []
        asks: list[Callable[[], Witness | None]] = [self._head]
        asks += [partial(each.witness, self.trail.key) for each in self.anchors]
        for ask in asks:
            try:
                found += filter(None, [ask()])
            except ConduitError as error:
                problems += error.diagnostics
        return found, problems

    def _head(self) -> Witness | None:
        head = self.trail.head.read()
        return Witness("audit.head beside the keys", *head) if head else None

    def verify(self) -> tuple[Verdict, list[Diagnostic]]:
        """Check the whole trail, and return why a place outside could not be asked. Raises `ConduitError`, OSError."""
        found, problems = self.witnesses()
        return verify(self.trail.directory, self.trail.key.public, self.trail.key.mac, found), problems
