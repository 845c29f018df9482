"""Users and grants as they are changed over HTTP: edits of manifests that are made true, and passwords, which are none.

What is asked for is in self.db when these return, or an `ApiError` says why not and nothing of it is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from litestar import Response

from conduit.api.auth import Caller
from conduit.api.change import Change, change
from conduit.api.desk import Desk
from conduit.api.errors import ApiError
from conduit.change import Outcome, Result
from conduit.identity.numbers import number_of
from conduit.identity.permissions import ADMIN, rights
from conduit.identity.rights import of_user
from conduit.manifests.store import ABSENT
from conduit.model import Key
from conduit.providers.self_rows import Grant, Role, User
from conduit.reconcile.asks import Operate
from conduit.resources.user import LAST_ADMIN

DEFAULTS: Mapping[str, Any] = {"email": "", "permissions": (), "active": True}
"""What a manifest need not say."""

Waits = Response[Any] | None
"""The answer of an edit that is saved and not applied now, because the site is held; None for one that was."""


async def make_user(
    desk: Desk, caller: Caller, name: str, fields: Mapping[str, Any], password: str, act: str = "user_create"
) -> None:
    """Declare a user, make that true, and set the password. Raises `ApiError`, `ConduitError`.

    `act` is what the audit trail calls it. A site that is held would make the user later and without the password: that
    is refused (409).
    """
    if desk.held:
        raise ApiError(409, f"a user cannot be made now: {desk.held}", hint="resume first")
    hashed = await asyncio.wrap_future(desk.door.passwords.hash(password))
    key = Key("user", name)
    edit = partial(desk.writes.put, key, written(fields), caller, ABSENT)
    await _made_true(desk, caller, Change(edit, act, f"created the user {name}", whole=key))
    await set_password(desk, name, hashed)


async def edit_user(
    desk: Desk, caller: Caller, user: User, changed: Mapping[str, Any], expect: str | None = None
) -> Waits:
    """Change what is declared of a user; one whom nothing declares yet is declared. Raises `ApiError`.

    `expect` is the version the caller saw, here and below; None for whichever there is.
    """
    key = Key("user", user.name)
    stored = await asyncio.to_thread(desk.writes.found, key)
    present = dict(stored.data) if stored else {field: getattr(user, field) for field in ("role", *DEFAULTS)}
    edit = partial(desk.writes.put, key, written({**present, **changed}), caller, expect)
    wanted = Change(edit, "user_update", f"changed the user {user.name}", whole=key, details=dict(changed))
    return await _made_true(desk, caller, wanted)


async def remove_user(desk: Desk, caller: Caller, user: User, expect: str | None = None) -> Waits:
    """Remove a user with all that was granted. Raises `ApiError`."""
    key = Key("user", user.name)
    await asyncio.to_thread(desk.writes.read, key, expect)
    async with removing(desk, key):
        return await _removed(desk, caller, user, key)


@asynccontextmanager
async def removing(desk: Desk, key: Key) -> AsyncIterator[None]:
    """Let one user at a time be removed in a `with` block, and never the last active admin. Raises `ApiError` 409.

    A plan lets that one go with all other users, when the files say so; over the API nobody means that.
    """
    async with desk.removals:
        admins = await asyncio.to_thread(desk.door.store.rows, User, role=ADMIN, active=True)
        if [admin.name for admin in admins] == [key.name]:
            raise ApiError(409, f"{key} is the last active admin and has to stay", code=LAST_ADMIN)
        yield


async def _removed(desk: Desk, caller: Caller, user: User, key: Key) -> Waits:
    grants = [Key("grant", each.name) for each in desk.door.store.rows(Grant, user=user.name)]
    for grant in grants:
        await asyncio.to_thread(desk.writes.remove, grant, caller)
    edit = partial(desk.writes.remove, key, caller)
    wanted = Change(edit, "user_delete", f"removed the user {user.name}", named=(key, *grants), whole=key)
    return await _made_true(desk, caller, wanted)


async def put_grant(
    desk: Desk, caller: Caller, user: User, deployment: str, level: str, expect: str | None = None
) -> Waits:
    """Grant a deployment to a user, or change how far. Raises `ApiError`."""
    key = _key_of(desk, user.name, deployment)
    fields = {"user": user.name, "deployment": deployment, "level": level, "granted_by": caller.name}
    edit = partial(desk.writes.put, key, fields, caller, expect)
    said = f"granted {level} on {deployment} to {user.name}"
    return await _made_true(desk, caller, Change(edit, "grant_set", said, whole=key))


async def remove_grant(desk: Desk, caller: Caller, user: User, deployment: str, expect: str | None = None) -> Waits:
    """Take a deployment from a user. Raises `ApiError` 404 when it was not granted."""
    found = desk.door.store.find(Grant, user=user.name, deployment=deployment)
    if found is None:
        raise ApiError(404, f"{deployment} is not granted to {user.name}")
    key = Key("grant", found.name)
    edit = partial(desk.writes.remove, key, caller, expect)
    said = f"took {deployment} from {user.name}"
    return await _made_true(desk, caller, Change(edit, "grant_delete", said, named=(key,), whole=key))


async def set_password(desk: Desk, name: str, hashed: str) -> None:
    """Set a password by its hash; every session of before ends. Raises `ApiError` 409 for one that is a secret."""
    outcome: Outcome = await desk.ask(Operate(Key("user", name), "password", {"hash": hashed}))
    if outcome.result is not Result.OK:
        raise ApiError(409, outcome.reason)


def require_no_more(desk: Desk, caller: Caller, user: User | None, role: str, permissions: tuple[str, ...]) -> None:
    """Raise `ApiError` 403 when a caller who is no admin would give, or change somebody who has, more than it has."""
    if caller.admin:
        return
    with desk.door.store.reading() as tables:
        declared = {each.name: each.permissions for each in tables.rows(Role)} if tables else {}
        held = of_user(tables, user).permissions if tables and user else frozenset()
    more = (rights(role, permissions, declared) | held) - caller.permissions
    if role == ADMIN:
        raise ApiError(403, "only an admin makes admins, and changes them")
    if more:
        raise ApiError(403, f"nobody gives or takes more than they have: {', '.join(sorted(more)[:5])}")


def written(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a user as a manifest says them: without what it need not say."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    return {name: value for name, value in plain.items() if name not in DEFAULTS or value not in (DEFAULTS[name], [])}


def _key_of(desk: Desk, user: str, deployment: str) -> Key:
    """Return the key of a grant: the one that says it already, else one named after both."""
    found = desk.door.store.find(Grant, user=user, deployment=deployment)
    if found:
        return Key("grant", found.name)
    name = f"{user}-{deployment}"
    free = len(name) <= 63 and desk.door.store.find(Grant, name=name) is None
    return Key("grant", name if free else f"grant-{number_of('grant', f'{user}/{deployment}'):x}")


async def _made_true(desk: Desk, caller: Caller, wanted: Change) -> Waits:
    """Make an edit true. Raises `ApiError` 503 with the reason when that failed."""
    answer = await change(desk, caller, wanted)
    if answer.status_code == 202:
        return answer
    if not answer.content["ok"]:
        raise ApiError(503, answer.content["stderr"].strip() or "it could not be applied")
    return None
