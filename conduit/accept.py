"""Accept drift: write what the host has into the manifests, so that the wish is what is there.

Where a field came from is told by `Resource.from_`; that the edit is the right one is tried before it is made: in the
plan of the edited manifests the difference is gone, and no other has come up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

from msgspec import Struct

from conduit.change import Change, FieldChange, Origin
from conduit.engine import Engine
from conduit.errors import Code, ConduitError, Diagnostic, LoadError
from conduit.manifests.edit import NO_PLACE
from conduit.manifests.rewrite import NOT_IN_PLACE
from conduit.manifests.saving import Saved
from conduit.manifests.store import RemoveField, SetField
from conduit.model import FRAME, UNRESOLVED, Key, Ref
from conduit.plan import Plan
from conduit.providers.git import Author
from conduit.spec import Spec

NOTHING_THERE = Code(
    "CND-2211",
    "nothing to accept",
    "`accept` writes a value that was changed on the host into the manifest. The resource or field named has no such "
    "difference now: it is in sync, only git moved, or its daemon cannot be read. `conduit drift` lists what there is.",
)
NO_WAY_BACK = Code(
    "CND-2212",
    "a difference no manifest can say",
    "The live value cannot be written into the manifest so that exactly this difference goes away: the field is "
    "derived from several others, the live object is gone or says more than a manifest can, or other resources follow "
    "from the same field. Change the manifest by hand, or put the host back with `conduit apply`.",
)

HOST_MOVED: Final = (Origin.DRIFT, Origin.BOTH, Origin.UNKNOWN)
Edit = SetField | RemoveField
Difference = tuple[Key, str]


class WayBack(Struct, frozen=True):
    """Edits of one declared name that make live values the declared ones.

    `left` are the frames of their daemons that the next apply still writes. What was written there by hand is what is
    wished for then, but it does not say that it is whole and loaded.
    """

    root: Key
    edits: tuple[Edit, ...]
    left: tuple[Key, ...]


class Accepted(NamedTuple):
    """An edit that took live values over, and the frames the next apply still writes."""

    saved: Saved
    left: tuple[Key, ...]


def way_back(engine: Engine, subject: str) -> WayBack:
    """Return how the live values of `kind/name[.field]` get into its manifest; nothing is written.

    Raises `ConduitError` when there is nothing to accept or no way back.
    """
    plan = engine.plan()
    found = list(_named(plan, subject))
    if not found:
        summary = f"the host changed nothing at {subject!a}"
        raise ConduitError(Diagnostic(NOTHING_THERE, summary, hint="conduit drift lists what there is"))
    root = found[0][0].root
    trial = Trial(engine, plan, root)
    edits: list[Edit] = []
    for change, field in found:
        edits.append(trial.way_back(change, field, edits))
    frames = {Key(FRAME, change.provider) for change, _ in found}
    return WayBack(root, tuple(edits), tuple(sorted(frames & {key for key, _ in trial.left})))


def accept(engine: Engine, found: WayBack, author: Author) -> Accepted:
    """Write live values into their manifest, in one edit. Raises what an edit raises."""
    paths = ", ".join(sorted({edit.field for edit in found.edits}))
    saved = engine.store.edit(found.root, found.edits, f"Accept {paths} of {found.root} as it is live", author)
    return Accepted(saved, found.left)


class Trial:
    """Looks for the edit of one root that makes a difference go away, and touches nothing else."""

    def __init__(self, engine: Engine, plan: Plan, root: Key) -> None:
        self._engine, self._root = engine, root
        self._observed = engine.observe()
        self._before = set(_differences(plan))
        self.left = self._before
        """What differs after all edits that were found."""

    def way_back(self, change: Change, field: FieldChange, made: Iterable[Edit]) -> Edit:
        """Return the edit that writes a live value, after the edits `made` already. Raises `ConduitError`."""
        reason = "no field of the manifest stands for it"
        for path in _candidates(change, field.path):
            try:
                edit = RemoveField(path) if field.old is UNRESOLVED else SetField(path, _written(field.old))
                left = self._differences([*made, edit])
            except ValueError as error:
                reason = str(error)
            except LoadError as error:
                reason = error.diagnostics[0].summary
            except ConduitError as error:
                if error.diagnostics[0].code not in (NO_PLACE, NOT_IN_PLACE):
                    raise
            else:
                if (change.key, field.path) not in left and left <= self._before:
                    self.left = left
                    return edit
                others = sorted({str(key) for key, _ in left - self._before})
                reason = f"{', '.join(others)} would change as well" if others else reason
        raise _no_way_back(change, field.path, reason)

    def _differences(self, edits: list[Edit]) -> set[Difference]:
        wish: Any = self._engine.store.preview(self._root, edits)
        return set(_differences(self._engine.plan_for(wish.desired, self._observed)))


def _named(plan: Plan, subject: str) -> Iterator[tuple[Change, FieldChange]]:
    """Yield the differences that `kind/name[.field]` stands for. Raises `ConduitError` for one that has no fields."""
    for change in plan.changes:
        for key in {change.key, change.root}:
            rest = subject.removeprefix(str(key))
            if change.origin not in HOST_MOVED or rest == subject or rest[:1] not in ("", "."):
                continue
            if not change.diff.fields:
                raise _no_way_back(change, rest[1:], change.diff.reason or "the live object is not there to be read")
            yield from ((change, field) for field in change.diff.fields if _is_of(change, field.path, rest[1:]))


def _is_of(change: Change, path: str, named: str) -> bool:
    """Return whether a field is the named one, or inside it, by its path in the leaf or as it was declared."""
    return not named or any(f"{each}.".startswith(f"{named}.") for each in (path, *_candidates(change, path)))


def _differences(plan: Plan) -> Iterator[Difference]:
    for change in plan.changes:
        yield from ((change.key, field.path) for field in change.diff.fields)
        if not change.diff.fields:
            yield change.key, ""


def _candidates(change: Change, path: str) -> list[str]:
    """Return where in the root's terms a leaf's field may have come from, the most exact place first."""
    head, *rest = path.split(".")
    origin = change.want.from_.get(head, head) if change.want else head
    parts = [*origin.split("."), *rest]
    return [".".join(parts[:length]) for length in range(len(parts), len(origin.split(".")) - 1, -1)]


def _written(value: Any) -> Any:
    """Return a value of a spec as a manifest writes it. Raises ValueError for one that no manifest holds."""
    if isinstance(value, Spec):
        return {name: _written(getattr(value, name)) for name in sorted(value.model_fields_set)}
    if isinstance(value, Ref):
        return value.key.name
    if isinstance(value, Mapping):
        return {str(name): _written(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ValueError("its live value is a secret, or not known as a value")


def _no_way_back(change: Change, path: str, reason: str) -> ConduitError:
    what = f"{change.key}.{path}" if path else str(change.key)
    hint = "edit the manifest by hand, or put the host back: conduit apply"
    return ConduitError(Diagnostic(NO_WAY_BACK, f"{what} cannot be accepted: {reason}", change.source, hint))
