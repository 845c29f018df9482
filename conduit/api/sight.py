"""What of plans, runs and events a caller sees: what is about resources the caller may read, and nothing else.

An admin sees the whole site. For anybody else rows about other resources are left out, and so are words that may name
anything: warnings, why a daemon cannot be read, and messages of errors, of which the codes stay. A list that is not
known here is left out whole. Counts are of the whole site.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from msgspec.structs import replace

from conduit.api.auth import Caller
from conduit.expand import Desired
from conduit.identity.reach import within
from conduit.kind import Kind
from conduit.model import Key
from conduit.reconcile.asks import Passed

ROWS: Final = ("resource_changes", "ignored", "unmanaged", "unjudged", "outcomes", "proofs", "held")
"""The lists of a document whose items have an address."""
ADDRESSES: Final = ("drift", "targets", "excludes")
"""The lists of addresses."""
PROBLEMS: Final = ("errors", "unsafe", "problems")
UNTOLD: Final = "the reason is told to admins"
Document = dict[str, Any]


class Sight:
    """What one caller sees of a site. `desired` tells which root a leaf belongs to."""

    def __init__(self, caller: Caller, kinds: Mapping[str, Kind[Any]], desired: Desired) -> None:
        self.whole = caller.admin or caller.by == "anonymous"
        """Whether nothing is left out."""
        self._caller, self._kinds, self._desired = caller, kinds, desired

    @cached_property
    def _roots(self) -> Mapping[Key, list[Key]]:
        """The roots of each leaf; an admin, and a stream in which nothing happens, never ask for them."""
        roots: dict[Key, list[Key]] = {}
        for root, leaves in self._desired.children.items():
            for leaf in leaves:
                roots.setdefault(leaf, []).append(root)
        return roots

    def sees(self, key: Key) -> bool:
        """Return whether a resource may be told of: a leaf as part of any of its roots."""
        return self.whole or any(self._may(root) for root in self._roots.get(key, (key,)))

    def row(self, row: Mapping[str, Any]) -> bool:
        """Return whether an item with an address, and perhaps its root, may be told."""
        return self.sees(Key.parse(row["address"])) or ("root" in row and self.sees(Key.parse(row["root"])))

    def document(self, told: Document) -> Document:
        """Return what is left of a plan, a report, a run, errors or the state of the loop."""
        return told if self.whole else {name: self._left(name, value) for name, value in told.items()}

    def why(self, reason: str) -> str:
        """Return why a daemon cannot be read, as far as it is told."""
        return reason if self.whole else UNTOLD

    def passed(self, passed: Passed, own: Key | None = None) -> Passed:
        """Return what is left of a pass; `own` is the root the caller has just changed."""
        if self.whole:
            return passed

        def seen(key: Key) -> bool:
            return self.sees(key) or (root := passed.root_of(key)) == own or self.sees(root)

        plan = replace(passed.plan, unjudged={key: why for key, why in passed.plan.unjudged.items() if seen(key)})
        report = passed.report and replace(
            passed.report,
            outcomes=tuple(each for each in passed.report.outcomes if seen(each.key)),
            proofs={key: proof for key, proof in passed.report.proofs.items() if seen(key)},
            warnings=(),
            recovered=(),
        )
        return replace(passed, plan=plan, report=report)

    def event(self, told: Document) -> Document | None:
        """Return what is left of an event's content, None when it is about something else."""
        if "address" not in told:
            return self.document(told)
        return told if told["address"] is None or self.row(told) else None

    def entry(self, told: Document) -> Document:
        """Return what is left of an entry of the journal."""
        if self.whole:
            return told
        data = dict(told["data"])
        if "changes" in data:
            data["changes"] = [each for each in data["changes"] if self.sees(Key.parse(each[0]))]
        if "outcomes" in data:
            data["outcomes"] = [each for each in data["outcomes"] if self.sees(Key.parse(each["key"]))]
        return {**told, "data": data}

    def _left(self, name: str, value: Any) -> Any:
        """Return what is left of one part of a document."""
        if name == "selection":
            return self.document(value)
        if not isinstance(value, list):
            return value
        if name in ROWS:
            return list(filter(self.row, value))
        if name in ADDRESSES:
            return [address for address in value if self.sees(Key.parse(address))]
        if name in PROBLEMS:
            return [_bare(each) for each in value]
        return [{**each, "reason": self.why(each["reason"])} for each in value] if name == "unknown" else []

    def _may(self, root: Key) -> bool:
        """Whether a root may be read; the frame of a document is about all that stands in it."""
        kind = self._kinds.get(root.kind)
        if kind is None:
            return self._caller.deployments is None
        return self._caller.may(f"{kind.permission or 'system'}:read") and within(self._caller, root)


def _bare(problem: Mapping[str, Any]) -> Document:
    return {name: problem[name] for name in ("code", "severity")}
