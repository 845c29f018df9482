"""Saved plans: `conduit diff --out FILE` writes one, `conduit apply FILE` does exactly that one or refuses.

A saved plan holds no step to carry out. It says which plan was looked at; apply makes the plan again and compares.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from conduit.errors import Code, ConduitError, Diagnostic, Stale
from conduit.model import Key
from conduit.plan import Plan, Selection
from conduit.plan_json import FORMAT, change_digest, plan_document
from conduit.providers.files import read_regular, write_file

SIZE_LIMIT: Final = 64 * 2**20
"""Bytes of the largest plan file that is read."""
NAMED: Final = 10
"""Differences a refusal names before it counts the rest."""

NOT_A_PLAN = Code(
    "CND-0451",
    "not a plan file",
    "The file given to `conduit apply` is not a plan that `conduit diff --out FILE` wrote, or a newer conduit wrote it "
    "in a format this one does not know. Make it again with `conduit diff --out FILE`.",
)
STALE_PLAN = Code(
    "CND-0452",
    "the saved plan is stale",
    "The live systems or the manifests moved since the plan was saved, so applying it could do something nobody has "
    "looked at. Nothing was changed. Run `conduit diff --out FILE` again, look at the new plan, and apply that.",
)


class SavedPlan(Struct, frozen=True):
    """A plan file: enough to make the plan again and to tell what differs."""

    digest: str
    selection: Selection
    versions: Mapping[str, str]
    changes: Mapping[str, str]
    """The digest of each change by its address."""

    def require(self, fresh: Plan) -> None:
        """Raise `Stale` unless the fresh plan is this one, naming what changed."""
        if fresh.digest == self.digest:
            return
        moved = self.differences(fresh)
        words = "; ".join(moved[:NAMED]) + (f"; and {len(moved) - NAMED} more" if len(moved) > NAMED else "")
        hint = "look at the new plan with `conduit diff --out FILE`, then apply that"
        raise Stale(Diagnostic(STALE_PLAN, f"stale: {words or 'the live state moved'}", hint=hint))

    def differences(self, fresh: Plan) -> list[str]:
        """Return in words how the fresh plan differs from this one."""
        now = {str(change.key): change_digest(change) for change in fresh.changes}
        names = dict.fromkeys((*self.versions, *fresh.versions))
        return [
            *(f"{key} is a new change" for key in now if key not in self.changes),
            *(f"{key} needs no change any more" for key in self.changes if key not in now),
            *(f"{key} would change differently" for key in now if self.changes.get(key, now[key]) != now[key]),
            *(f"{name} has moved" for name in names if self.versions.get(name) != fresh.versions.get(name)),
        ]


def save_plan(path: Path, plan: Plan) -> None:
    """Write a plan file, readable by its owner only. Raises OSError."""
    write_file(path, json.dumps(plan_document(plan), indent=1).encode() + b"\n")


def read_plan(path: Path) -> SavedPlan:
    """Read a plan file. Raises `ConduitError` when it is none."""
    try:
        return _saved(json.loads(read_regular(path, SIZE_LIMIT)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else "it does not hold a plan"
        hint = "make one with `conduit diff --out FILE`"
        raise ConduitError(Diagnostic(NOT_A_PLAN, f"cannot read the plan {path}: {words}", hint=hint)) from error


def _saved(data: Any) -> SavedPlan:
    if data["type"] != "plan" or data["format_version"].partition(".")[0] != FORMAT.partition(".")[0]:
        raise ValueError("not a plan of this format")
    selection = data["selection"]
    return SavedPlan(
        digest=data["plan_digest"],
        selection=Selection(
            tuple(map(Key.parse, selection["targets"])),
            tuple(map(Key.parse, selection["excludes"])),
            selection["allow_deletes"],
        ),
        versions=dict(data["versions"]),
        changes={change["address"]: change["digest"] for change in data["resource_changes"]},
    )
