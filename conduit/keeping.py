"""Keeping what an empty plan was drawn from: after a plan that found nothing, and after an apply that left nothing.

See `conduit.settled`, and docs/decisions/0009-evidence-of-a-settled-site.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from conduit import settled_roots
from conduit.change import Action, Change, Result
from conduit.errors import ConduitError
from conduit.evidence import BEFORE, Evidence, of_clock, of_sizes, side_of
from conduit.expand import Desired
from conduit.journal import Journal
from conduit.lock import Lock
from conduit.measures import instant
from conduit.model import FRAME, Key, Live, Reading
from conduit.plan import Plan, Selection
from conduit.providers.base import Provider
from conduit.providers.keys import Keys
from conduit.providers.secrets import Secrets
from conduit.resources import Kinds
from conduit.settings import Settings
from conduit.settled import keep
from conduit.settled_roots import Shown, lines_of
from conduit.wish import Wish
from conduit.work import Work


class Keeper(Struct, eq=False):
    """Where evidence comes from, beside the readings, and the state directory it goes to."""

    settings: Settings
    kinds: Kinds
    state: Path
    keys: Keys
    secrets: Secrets
    providers: Mapping[str, Provider]
    journal: Journal
    lock: Lock
    _lines: tuple[Wish, bytearray] | None = None

    def prepare(self, wish: Wish | None) -> None:
        """Work out what is to be kept when nothing of a wish differs any more, while there is time for it."""
        if wish and wish.manifests.plain is not None and not (self._lines and self._lines[0] is wish):
            self._lines = (wish, lines_of(wish, self.kinds))

    def keep(self, plan: Plan, wish: Wish | None, desired: Desired, readings: Mapping[str, Reading]) -> None:
        """Keep the evidence of a plan that tells of nothing but what is unmanaged. Never fails."""
        if wish is None or desired is not wish.desired or plan.changes or _told(plan):
            return
        with suppress(OSError):
            runs = of_sizes(self.state / "journal" / "*")
            if self.lock.holder() or self.journal.unfinished():
                return
            head = Evidence("head", str(self.settings.path(self.settings.desired)), plan.commit)
            unmanaged = Evidence("unmanaged", str(len(plan.unmanaged)), str(len(plan.unmanaged)))
            seen = self._seen(readings)
            parts = [
                self.settings.evidence,
                wish.evidence,
                (*self.keys.evidence, head, runs, *_ends(desired), unmanaged),
                self.secrets.evidence(),
                *seen.values(),
            ]
            if None not in parts:
                keep(self.state, [each for part in parts for each in part or ()])
            self._keep_roots(wish, seen)

    def _seen(self, readings: Mapping[str, Reading]) -> dict[str, tuple[Evidence, ...] | None]:
        return {name: provider.evidence(readings[name]) for name, provider in self.providers.items()}

    def _keep_roots(self, wish: Wish, seen: Mapping[str, tuple[Evidence, ...] | None]) -> None:
        """Keep the roots that stand alone, when all that was seen for the plan can be told."""
        told = {name: each for name, each in seen.items() if each is not None}
        if self.settings.evidence is None or len(told) < len(seen):
            return
        self.prepare(wish)
        if self._lines and self._lines[0] is wish:
            settled_roots.keep(self.state, Shown(self.settings.evidence, self.keys.evidence, told), self._lines[1])

    def still_shown(self, shown: Shown, readings: Mapping[str, Reading], now: float) -> bool:
        """Tell whether `readings`, at `now` (epoch seconds), show of every provider what was shown of it then."""
        clocks = (each for seen in shown.providers.values() for each in seen if each.sort == "clock")
        in_time = all(side_of(now, float(instant)) == seen for _, instant, seen in clocks)
        return in_time and shown.keys == self.keys.evidence and shown.providers == self._seen(readings)


def _told(plan: Plan) -> bool:
    """Tell whether a plan says more than its changes."""
    return plan.selection != Selection() or any(
        (plan.ignored, plan.unknown, plan.unjudged, plan.warnings, plan.unsafe),
    )


def _ends(desired: Desired) -> list[Evidence]:
    """Return the instants at which differences are not ignored any more."""
    untils = {entry.until for root in desired.unsettled() for entry in root.ignore if entry.until}
    return [of_clock(instant(until), BEFORE) for until in sorted(untils)]


def left_nothing(work: Work) -> bool:
    """Tell whether the next plan is empty without any doubt, by what the apply has read back.

    All of it held, what became known meanwhile is what is there, and whatever did not change is just as it was when the
    plan was made of it.
    """
    plan = work.plan
    if _told(plan) or len(work.outcomes) < len(plan.changes):
        return False
    if any(outcome.result is not Result.OK for outcome in work.outcomes.values()):
        return False
    if any(change.action is Action.ADOPT for change in plan.changes):
        return False
    return all(_as_planned(work, name) for name in {change.provider for change in plan.changes})


def _as_planned(work: Work, name: str) -> bool:
    provider, after = work.document(name), _after(work, name)
    if after is None or after.stale or after.warnings:
        return False
    before = work.observed[name].reading
    changes = [change for change in work.plan.changes if change.provider == name and change.key.kind != FRAME]
    keys = {change.key for change in changes}
    wanted = [change for change in changes if change.want is not None]
    others, earlier = _others(after, keys), _others(before, keys)
    there = sum(map(len, after.objects.values())) - len(others)
    numbers = there == len(wanted) and len(others) == len(earlier)
    same = after.features == before.features and (others == earlier or _seen(others) == _seen(earlier))
    if provider is None:
        return numbers and same and all(_held(work, change) for change in wanted)
    return numbers and same and provider.frame(after.owned()) == after.frame


def _after(work: Work, name: str) -> Reading | None:
    """Return the last reading of a provider; one that has let go of objects is read once more, None when it cannot."""
    if name in work.pruned:
        try:
            work.readings[name] = work.providers[name].read_again(work.readings[name], ())
        except ConduitError:
            return None
    return work.readings.get(name)


def _held(work: Work, change: Change) -> bool:
    """Tell whether an object is there once, as it is wished and as others were told, and nothing is to be said."""
    kind, wish, ctx = work.kinds[change.key.kind], work.resolved(change), work.context(change.provider)
    lives = work.lives(kind, {change.key}).get(change.key, [])
    if wish is None or len(lives) != 1:
        return False
    (live,) = lives
    told = work.facts.get(change.key, live.facts)
    native = change.native if wish is change.want else kind.render(wish.spec, ctx)
    return live.facts == told and not kind.differs(wish, native, live, ctx) and not kind.remark(wish, native, live)


def _others(reading: Reading, keys: set[Key]) -> list[Live]:
    """Return all live objects but ours of some keys."""
    lives = (live for lives in reading.objects.values() for live in lives)
    return [live for live in lives if live.key not in keys or not live.owned]


def _seen(lives: Iterable[Live]) -> dict[tuple[Key, str], Any]:
    """Return what a plan may depend on of live objects."""
    return {(live.key, live.id): (live.native, live.owned, live.protected, live.facts, live.claims) for live in lives}
