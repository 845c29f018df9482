"""Proving roots from outside: before the first write, after the last, and what the comparison means."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

from conduit.change import Level, Proof
from conduit.kind import Context, Kind
from conduit.model import Key
from conduit.spec import Resource

AT_ONCE = 16
"""Proofs that run side by side."""
SECONDS = 30.0
"""How long an apply may take for the proofs before its first write, and as long for those after its last."""
SECONDS_EACH = 0.02
"""What is added to that for each root; one that answers takes far less."""
OWED_SECONDS = 1.0
"""How long an apply may take for proofs that earlier ones owe."""
PAUSE = 0.05
"""Seconds between two tries of a proof that does not pass yet."""


def prove(roots: Sequence[Resource[Any]], kinds: Mapping[str, Kind[Any]], context: Context) -> dict[Key, Proof | None]:
    """Prove each root once, side by side; None for a kind that promises nothing visible.

    What hangs holds an apply up for no longer than `SECONDS` and `SECONDS_EACH`; what has no answer by then is not in
    the result.
    """
    return prove_within(roots, kinds, context, SECONDS + SECONDS_EACH * len(roots))


def prove_within(
    roots: Iterable[Resource[Any]], kinds: Mapping[str, Kind[Any]], context: Context, seconds: float
) -> dict[Key, Proof | None]:
    """Prove roots side by side for at most `seconds`, in their order; None for a kind that promises nothing visible.

    The result has their order, too; what has no answer by then is not in it. A proof that hangs is left behind in its
    thread, and delays nobody.
    """
    wanted = list(roots)
    waiting, found, failed = deque(wanted), dict[Key, Proof | None](), list[Exception]()
    deadline = time.monotonic() + seconds

    def work() -> None:
        while time.monotonic() < deadline:
            try:
                root = waiting.popleft()
            except IndexError:
                return
            try:
                found[root.key] = kinds[root.key.kind].prove(context, root)
            except Exception as error:  # noqa: BLE001 - whatever it is, who asked for the proofs is told
                failed.append(error)

    number = min(context.parallel or AT_ONCE, len(waiting))
    workers = [threading.Thread(target=work, name="proof", daemon=True) for _ in range(number)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
    if failed:
        raise failed[0]
    answered = dict(found)
    return {root.key: answered[root.key] for root in wanted if root.key in answered}


def prove_owed(roots: Sequence[Resource[Any]], kinds: Mapping[str, Kind[Any]], context: Context) -> dict[Key, Proof]:
    """Prove as many of the roots that owe their proof as `OWED_SECONDS` allow.

    It begins with another one at each instant, so that each has its turn when they are too many for one apply.
    """
    first = crc32(repr(context.now).encode()) % max(1, len(roots))
    found = prove_within([*roots[first:], *roots[:first]], kinds, context, OWED_SECONDS)
    return {key: proof for key, proof in found.items() if proof}


def prove_until(
    roots: Sequence[Resource[Any]],
    kinds: Mapping[str, Kind[Any]],
    context: Context,
    before: Mapping[Key, Proof],
    seconds: float,
) -> dict[Key, Proof | None]:
    """Prove roots as `prove` does, and those that do not pass and do worse than before once more within `seconds`.

    A daemon that has just reloaded, and an upstream that has just started, need a moment.
    """
    deadline = time.monotonic() + seconds
    proofs = prove(roots, kinds, context)
    while True:
        waiting = [root for root in roots if (proof := proofs.get(root.key)) and not _settled(proof, before)]
        if not waiting or time.monotonic() >= deadline:
            return proofs
        time.sleep(PAUSE)
        proofs |= prove(waiting, kinds, context)


def _settled(proof: Proof, before: Mapping[Key, Proof]) -> bool:
    """Return whether a proof passed, or fails just as it did before."""
    earlier = before.get(proof.key)
    return proof.passed or (
        earlier is not None and all(now.passed or now.level is then.level for now, then in _pairs(proof, earlier))
    )


def lowered(proof: Proof, earlier: Proof | None) -> bool:
    """Return whether a change took a root, or a part of it, to a lower level; what is new has none to lose."""
    return earlier is not None and _lost(proof, earlier) is not None


def regression(proof: Proof, earlier: Proof) -> str:
    """Tell in words what a change broke."""
    now, then = _lost(proof, earlier) or (proof, earlier)
    return f"{_words(then.level)} before, {_words(now.level)} after: {now.detail}"


def _lost(proof: Proof, earlier: Proof) -> tuple[Proof, Proof] | None:
    return next(((now, then) for now, then in _pairs(proof, earlier) if now.level < then.level), None)


def _pairs(proof: Proof, earlier: Proof) -> list[tuple[Proof, Proof]]:
    """Return what to compare: each part with itself as it was, else the whole."""
    common = [(proof.parts[name], earlier.parts[name]) for name in proof.parts if name in earlier.parts]
    return common or [(proof, earlier)]


def _words(level: Level) -> str:
    return level.name.lower().replace("_", " ")
