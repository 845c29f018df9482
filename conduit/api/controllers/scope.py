"""What of the native part a caller reaches beside permissions: deployments that were granted, and people for admins.

What is not within reach does not exist for the caller: 404, and an entry `denied` in the audit trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conduit.api.auth import Caller
from conduit.api.controllers.accounts import put_grant, remove_grant
from conduit.api.desk import Desk
from conduit.api.errors import ApiError
from conduit.identity.acting import hindrance
from conduit.identity.reach import PEOPLE, within
from conduit.model import FRAME, Key
from conduit.operate import permission_of
from conduit.providers.self_rows import Grant, User

DANGEROUS: Final = "docker:dangerous"


def require(desk: Desk, caller: Caller, key: Key, level: str) -> None:
    """Raise `ApiError` unless a caller reaches a resource: 403 when it may look but not go so far, else 404."""
    if level != "read" and key.kind in PEOPLE and not caller.admin:
        raise _denied(desk, caller, key, ApiError(403, f"only an admin changes {key} here"))
    if level != "read" and key.kind == "task" and not caller.admin and (stored := desk.writes.found(key)):
        _require_name(desk, caller, key, stored.data)
    if not within(caller, key, level):
        seen = within(caller, key)
        refusal = ApiError(403, f"{level} access to {key} is required") if seen else _absent(key)
        raise _denied(desk, caller, key, refusal)


def require_wish(desk: Desk, caller: Caller, key: Key, fields: Any) -> None:
    """Raise `ApiError` unless a caller may declare these fields: 403, 404 for a deployment that is not within reach.

    A deployment that nothing declares may be made by whoever may write deployments.
    """
    if not makes(desk, caller, key):
        require(desk, caller, key, "write")
    if not isinstance(fields, Mapping):
        return
    if fields.get("dangerous") and not caller.may(DANGEROUS):
        raise _denied(desk, caller, key, ApiError(403, f"{DANGEROUS} is required for dangerous: true"))
    if key.kind == "task" and not caller.admin:
        _require_own(desk, caller, key, fields)
    if isinstance(behind := fields.get("deployment"), str):
        require(desk, caller, Key("deployment", behind), "write")


def _require_own(desk: Desk, caller: Caller, key: Key, fields: Mapping[str, Any]) -> None:
    """Raise `ApiError` 403 for a task that runs as somebody else, or does what its writer may not do now.

    What names nothing that is known passes: it does not load.
    """
    _require_name(desk, caller, key, fields)
    try:
        subject = Key.parse(str(fields.get("subject")))
    except ValueError:
        return
    kinds, roots = desk.passes.engine.kinds, desk.desired.sharers((subject,)) or {subject}
    known = subject.kind in kinds or subject.kind == FRAME
    why = hindrance(caller, subject, permission_of(subject, kinds), roots) if known else ""
    if why or "{{" in str(subject):
        raise _denied(desk, caller, key, ApiError(403, f"{subject}: {why or 'a task names its subject itself'}"))


def _require_name(desk: Desk, caller: Caller, key: Key, fields: Any) -> None:
    """Raise `ApiError` 403 unless a task runs as the one who writes it."""
    if not isinstance(fields, Mapping) or fields.get("run_as") != caller.user:
        raise _denied(desk, caller, key, ApiError(403, f"only an admin changes {key} to run as somebody else"))


def makes(desk: Desk, caller: Caller, key: Key) -> bool:
    """Return whether a caller who reaches only some deployments would make a new one."""
    limited = caller.deployments is not None and bool(caller.user)
    return limited and key.kind == "deployment" and desk.writes.found(key) is None


async def own(desk: Desk, caller: Caller, key: Key) -> None:
    """Make the one who made a deployment its admin."""
    user = desk.door.store.find(User, name=caller.user)
    if user:
        await put_grant(desk, caller, user, key.name, "admin")


async def disown(desk: Desk, caller: Caller, key: Key) -> None:
    """Take back what was granted of a deployment that is gone: the next one of its name is another."""
    users = {user.name: user for user in desk.door.store.rows(User)}
    for grant in desk.door.store.rows(Grant, deployment=key.name) if key.kind == "deployment" else ():
        if grant.user in users:
            await remove_grant(desk, caller, users[grant.user], key.name)


def _absent(key: Key) -> ApiError:
    return ApiError(404, f"{key} is not declared")


def _denied(desk: Desk, caller: Caller, key: Key, refusal: ApiError) -> ApiError:
    desk.deny(caller, f"{key}: {refusal.detail}")
    return refusal
