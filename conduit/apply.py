"""Make a plan true: objects, then documents, then readback, proof, and only then the removal of what is left over.

Prove what exists · objects come up · all documents are staged · each commits once · verify · prove · revert what lost
ground · prune. A failed change takes the other changes of its root along and skips its dependents.
"""

from __future__ import annotations

from typing import Any

from conduit.change import Proof
from conduit.documents import commit_all, stage_all
from conduit.failpoints import fail
from conduit.model import Key
from conduit.objects import Coming, come_up, make_objects
from conduit.providers.base import ObjectProvider
from conduit.providers.transaction import Staged
from conduit.prune import prune
from conduit.schedule import awaited
from conduit.touched import baseline, prove_again
from conduit.undo import undo
from conduit.verify import verify_objects
from conduit.work import Work


def apply(work: Work) -> dict[Key, Proof]:
    """Apply the plan of `work`; its outcomes are in `work.outcomes`, the last proofs are returned.

    Raises `RollbackFailed` when something could not be taken back, and OSError or ConduitError when the journal cannot
    be written (then nothing more was changed).
    """
    before = baseline(work) if work.options.prove else {}
    fail("apply.before_objects")
    coming: list[Coming] = []
    try:
        _rounds(work, coming)
    finally:
        for each in coming:
            each.wait()
        for each in coming:
            come_up(work, each)
    verify_objects(work)
    fail("apply.verified")
    proofs = prove_again(work, before) if work.options.prove else {}
    fail("apply.proved")
    undo(work)
    prune(work)
    fail("apply.pruned")
    return proofs


def _rounds(work: Work, coming: list[Coming]) -> None:
    """Carry out the rounds of the plan; what comes up while others go on is added to `coming`."""
    staged: dict[str, Staged[Any]] | None = None
    objects = any(not step.document for steps in work.plan.rounds for step in steps)
    waited = awaited(work.plan.rounds, work.desired.edges) if objects else set()
    for steps in work.plan.rounds:
        for step in steps:
            provider = work.providers[step.provider]
            if isinstance(provider, ObjectProvider):
                make_objects(work, provider, step, waited, coming)
        documents = [step for step in steps if step.document]
        if documents:
            staged = _all_staged(work) if staged is None else staged
            commit_all(work, documents, staged)


def _all_staged(work: Work) -> dict[str, Staged[Any]]:
    fail("apply.after_objects")
    staged = stage_all(work)
    fail("apply.before_documents")
    return staged
