"""One change over HTTP, whole: the edit of the manifest, the pass that makes it true, the audit, and what went wrong.

The answer leaves when the daemons were read back. A documented create that fails takes its edit back; the native part
keeps it, because there a manifest is what is changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from conduit.api.auth import Caller
from conduit.api.desk import Desk
from conduit.api.envelopes import applied, refused
from conduit.api.routing import Result
from conduit.api.worker import Apply, Passed
from conduit.api.writes import Edited
from conduit.errors import ConduitError
from conduit.model import Key


async def change(
    desk: Desk,
    caller: Caller,
    action: str,
    edit: Callable[[], Edited],
    *,
    said: str,
    named: tuple[Key, ...] = (),
    keep: bool = True,
    details: Mapping[str, Any] | None = None,
) -> Result:
    """Edit, apply, record. With `keep` off a change that fails leaves nothing behind. Raises what the edit raises."""
    desk.audit.require()
    edited = await asyncio.to_thread(edit)
    result = await _made_true(desk, edited, Apply(named=named, whole=() if keep else (edited.key,)), said)
    if not result["ok"] and not keep:
        await asyncio.to_thread(desk.writes.take_back, edited)
        await _made_true(desk, edited, Apply(named=(edited.key,)), "")
    message = said if result["ok"] else result["stderr"].strip() or said
    await asyncio.to_thread(_record, desk, caller, action, message, result["ok"], details)
    return result


async def _made_true(desk: Desk, edited: Edited, ask: Apply, said: str) -> Result:
    try:
        passed: Passed = await desk.ask(ask)
    except ConduitError as error:
        return refused(str(error), error.exit_code)
    return applied(passed, edited.key, said)


def _record(desk: Desk, caller: Caller, action: str, message: str, ok: bool, details: Mapping[str, Any] | None) -> None:
    desk.record(caller, action, message, ok=ok, details=details)
