"""One change over HTTP, whole: the edit of the manifest, the pass that makes it true, the audit, and what went wrong.

The answer leaves when the daemons were read back, or at once for `Prefer: respond-async` (RFC 7240) and while the site
is held. A documented create that fails takes its edit back; the native part keeps it, because there a manifest is what
is changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from typing import Any

from litestar import Response
from msgspec import Struct

from conduit.api.auth import Caller
from conduit.api.desk import Desk
from conduit.api.envelopes import applied, refused
from conduit.api.errors import ApiError, as_api_error
from conduit.api.routing import Result
from conduit.api.versions import tag
from conduit.api.writes import Edited
from conduit.errors import ConduitError, Unsafe
from conduit.model import Key
from conduit.reconcile.asks import Apply, Passed, Snapshot


class Change(Struct, frozen=True):
    """What is to be done: the `edit`, the audit's `action`, what to say of it when it worked.

    `named` are roots that are deleted by name. `whole` is a root of which a failure leaves nothing behind. `new` is the
    status of an answer about something that was not declared before.
    """

    edit: Callable[[], Edited]
    action: str
    said: str
    named: tuple[Key, ...] = ()
    whole: Key | None = None
    new: int = 200
    details: Mapping[str, Any] = {}


async def change(desk: Desk, caller: Caller, wanted: Change, prefer: str | None = None) -> Response[Any]:
    """Edit, apply, record. Raises what the edit raises."""
    with desk.passes.trial(wanted.whole) if wanted.whole else nullcontext():
        return await _change(desk, caller, wanted, prefer)


async def _change(desk: Desk, caller: Caller, wanted: Change, prefer: str | None) -> Response[Any]:
    standing, before = desk.passes.standing(wanted.named), desk.passes.snapshot
    try:
        edited = await asyncio.to_thread(wanted.edit)
    except (ApiError, ConduitError) as error:
        desk.record(caller, wanted.action, str(as_api_error(error).detail), ok=False, details=wanted.details)
        raise
    desk.passes.leaving.add(standing)
    headers = {"ETag": tag(edited.saved.version)} if edited.saved.version else {}
    if held := desk.held:
        said = f"{wanted.said}; saved, and not applied: {held}"
        await asyncio.to_thread(_record, desk, caller, wanted, edited, said, ok=True)
        return Response(_saved(said), status_code=202, headers=headers)
    if "respond-async" in (prefer or ""):
        said = f"{wanted.said}; saved, and being applied"
        await asyncio.to_thread(_record, desk, caller, wanted, edited, said, ok=True)
        desk.later(_finish_later(desk, caller, wanted, edited, before))
        return Response(_saved(said), status_code=202, headers=headers)
    result = await _finish(desk, caller, wanted, edited, before)
    return Response(result, status_code=wanted.new if edited.before is None else 200, headers=headers)


def _saved(said: str) -> Result:
    return Result(ok=True, stdout=f"{said}\n", stderr="", exit_code=0, changes=[], run=0)


async def _finish(desk: Desk, caller: Caller, wanted: Change, edited: Edited, before: Snapshot) -> Result:
    """Make an edit true, or take it back, and record how it ended.

    Raises `Unsafe` for an edit that led to a plan no rule allows: it is taken back, else nothing would be applied.
    """
    try:
        result = await _made_true(desk, caller, edited.key, wanted.said, before)
    except Unsafe as error:
        await _take_back(desk, caller, edited)
        await asyncio.to_thread(_record, desk, caller, wanted, edited, str(error), ok=False)
        raise
    if not result["ok"] and wanted.whole:
        await _take_back(desk, caller, edited)
        if result["changes"]:
            await _made_true(desk, caller, edited.key, "", before)
    message = wanted.said if result["ok"] else result["stderr"].strip() or wanted.said
    await asyncio.to_thread(_record, desk, caller, wanted, edited, message, ok=result["ok"], run=result["run"])
    return result


async def _take_back(desk: Desk, caller: Caller, edited: Edited) -> None:
    standing = desk.passes.standing([edited.key])
    await asyncio.to_thread(desk.writes.take_back, edited, caller)
    desk.passes.leaving.add(standing)


async def _finish_later(desk: Desk, caller: Caller, wanted: Change, edited: Edited, before: Snapshot) -> None:
    """Finish after the answer has left; what went wrong is in the audit trail."""
    with suppress(Unsafe):
        await _finish(desk, caller, wanted, edited, before)


def _record(
    desk: Desk, caller: Caller, wanted: Change, edited: Edited, message: str, *, ok: bool, run: int = 0
) -> None:
    details = {"address": str(edited.key), "commit": edited.saved.commit, "run": run, **wanted.details}
    desk.record(caller, wanted.action, message, ok=ok, details=details)


async def _made_true(desk: Desk, caller: Caller, key: Key, said: str, before: Snapshot) -> Result:
    """Apply, and tell what that did; where a pass of the loop did it since the snapshot `before`, what that one did."""
    try:
        own = frozenset((key, *before.desired.children.get(key, ())))
        passed: Passed = await desk.ask(Apply(own=own))
    except Unsafe:
        raise
    except ConduitError as error:
        return refused(str(error), error.exit_code)
    if not passed.changed(key) and not passed.unjudged(key):
        passed = desk.passes.changed_since(before.number, key) or passed
    return applied(desk.sight(caller).passed(passed, key), key, said)
