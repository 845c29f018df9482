"""The rules that keep a plan from doing harm: protection, the prune budget, the empty-desired guard. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from conduit.change import Action, Change
from conduit.errors import Code, Diagnostic
from conduit.model import Key, Live

MASS_DELETE = Code(
    "CND-0401",
    "more deletions than the budget allows",
    "The plan would delete more than the allowed share of a kind of ten or more objects, or everything this site owns, "
    "or nothing that is live is declared any more. That is what a lost file, a bad merge or a wrong directory looks "
    "like. When the deletions are meant, repeat the command with --allow-deletes N, N being exactly the number in the "
    "hint: one that was not read off this plan allows nothing.",
)
PROTECTED = Code(
    "CND-0402",
    "protected object kept",
    "The live object was applied with `protect: true` and is no longer declared. It is kept, and the rest of the plan "
    "goes on. To remove it, declare it again without `protect`, apply, and then remove it.",
)

SMALL = 10
"""Kinds with fewer live objects have no share to exceed."""


def split_protected(deletes: Iterable[Change]) -> tuple[list[Change], list[Diagnostic]]:
    """Return the deletions that may go, and a warning for each protected object that stays."""
    allowed: list[Change] = []
    kept: list[Diagnostic] = []
    for change in deletes:
        if change.live and change.live.protected:
            kept.append(
                Diagnostic(
                    PROTECTED,
                    f"{change.key} is protected and stays, though nothing declares it any more",
                    change.source if change.source.file else None,
                    "declare it without protect and apply before removing it",
                    severity="warning",
                )
            )
        else:
            allowed.append(change)
    return allowed, kept


def over_budget(
    changes: Sequence[Change],
    lives: Mapping[Key, Sequence[Live]],
    declared: Container[Key],
    percent: int,
    allowed: int | None,
) -> Diagnostic | None:
    """Return why the deletions of a plan need to be allowed, or None.

    What is protected, or of a kind that is never deleted, stays without being `declared`, and is no sign of a whole
    tree. `allowed` is the value of --allow-deletes, which allows a plan of exactly so many deletions.
    """
    deletes = [change for change in changes if change.action is Action.DELETE and not _superseded(change)]
    if not deletes or len(deletes) == allowed:
        return None
    total = Counter(key.kind for key in lives)
    going = Counter(change.key.kind for change in deletes)
    hint = f"check that desired/ is complete; if the deletions are meant, use --allow-deletes {len(deletes)}"
    hint += "" if allowed is None else f", not {allowed}"
    if len(deletes) >= total.total():
        return Diagnostic(MASS_DELETE, f"the plan would delete all {len(deletes)} objects of this site", hint=hint)
    if not any(key in declared for key in lives):
        words = f"nothing that is live is declared any more, and the plan would delete {len(deletes)} objects"
        return Diagnostic(MASS_DELETE, words, hint=hint)
    for kind, count in sorted(going.items()):
        if total[kind] >= SMALL and count * 100 > total[kind] * percent:
            words = f"the plan would delete {count} of {total[kind]} {kind} objects, more than {percent} %"
            return Diagnostic(MASS_DELETE, words, hint=hint)
    return None


def _superseded(change: Change) -> bool:
    return change.diff.reason == SUPERSEDED


SUPERSEDED = "superseded"
"""The reason of a deletion that removes an older generation of an object that stays."""
