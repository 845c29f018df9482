"""Lets each change over HTTP be one entry of the audit trail, on disk before its answer leaves.

What a handler says it did, what the guard refused, and what was asked and answered become one entry. A change that says
nothing of itself is recorded as the documented API would call it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final

from litestar import Request
from msgspec.structs import replace

from conduit.api.auth import PUBLIC, READ, Caller
from conduit.api.errors import as_api_error
from conduit.api.gate import SAFE, App, Message, Receive, Scope, Send, refuse
from conduit.api.naming import action_of, subject_of
from conduit.audit.act import FAILURE, LONGEST_WORD, SUCCESS, Act, Asked, Sort
from conduit.audit.redaction import redacted_body
from conduit.audit.trail import Trail
from conduit.errors import ConduitError

KEPT_BYTES: Final = 128 * 1024
"""Of a longer body only the size is told."""
ANONYMOUS: Final = "anonymous"
SORTS: Final[Mapping[str, Sort]] = {"key": "api_key", ANONYMOUS: ANONYMOUS}
"""What the trail calls somebody who was recognised that way; everyone else is a user."""
PRESENT: ContextVar[Recording | None] = ContextVar("recording", default=None)
"""The recording of the request this task or thread works for."""


class Recording:
    """What one request asked and did, until its answer leaves."""

    def __init__(self, scope: Scope) -> None:
        self.scope, self.acts, self.open, self.changes = scope, list[Act](), True, False
        self._started, self._body, self._size = time.monotonic(), bytearray(), 0

    def hear(self, message: Message) -> None:
        """Keep a part of the body."""
        part = message.get("body", b"")
        self._size += len(part)
        if self._size <= KEPT_BYTES:
            self._body += part

    def result(self, status: int) -> list[Act]:
        """Return the entries for an answer of this status: none when nothing was to be changed and nothing refused."""
        self.open = False
        if not self.acts and self.changes:
            self.acts.append(self._unsaid(status))
        return [replace(act, action=action_of(self.scope), asked=self._asked(status)) for act in self.acts]

    def _unsaid(self, status: int) -> Act:
        """Return the act of a handler that said nothing: it failed, or it is one that says nothing of itself."""
        caller: Caller = self.scope["state"]["caller"]
        message = self.scope["state"].get("failure") or f"{self.scope['method']} {self.scope['path']}"
        named = self.scope["route_handler"].opt.get("act") or action_of(self.scope)
        return act_of(caller, named, message, ok=0 < status < 400)

    def _asked(self, status: int) -> Asked:
        resource, name = subject_of(self.scope)
        whole = self._size == len(self._body)
        return Asked(
            method=self.scope["method"],
            path=self.scope["path"][:LONGEST_WORD],
            resource=resource,
            name=name,
            request=self.scope["state"].get("request_id", ""),
            agent=_agent(self.scope),
            body=redacted_body(bytes(self._body)) if whole else f"[{self._size} bytes]",
            status=status,
            milliseconds=round((time.monotonic() - self._started) * 1000, 1),
        )


class Recorder:
    """Stands between the gate and the application; what cannot be written down is answered 503."""

    def __init__(self, app: App, trail: Trail) -> None:
        self.app, self._trail = app, trail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and record it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        recording = Recording(scope)
        answering = _Answer(recording, self._trail, send)
        token = PRESENT.set(recording)
        try:
            await self.app(scope, receive if scope["method"] in SAFE else _heard(recording, receive), answering.send)
        finally:
            PRESENT.reset(token)
            if recording.open:
                self._never_answered(recording)

    def _never_answered(self, recording: Recording) -> None:
        """Record what was begun and not answered, because the server goes down."""
        for act in recording.result(0):
            with suppress(ConduitError):
                self._trail.append(act)


class _Answer:
    """The answer to one request, held back until its entry is on disk."""

    def __init__(self, recording: Recording, trail: Trail, send: Send) -> None:
        self._recording, self._trail, self._send = recording, trail, send
        self._refused = False

    async def send(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start" and (acts := self._recording.result(message["status"])):
            await self._record(acts, failed=message["status"] >= 400)
        if not self._refused:
            await self._send(message)

    async def _record(self, acts: list[Act], *, failed: bool) -> None:
        try:
            for act in acts:
                await asyncio.to_thread(self._trail.append, act)
        except ConduitError as error:
            if not failed:
                self._refused = True
                await refuse(as_api_error(error), acts[0].asked.request if acts[0].asked else "", self._send)


def act_of(
    caller: Caller, event: str, message: str, *, ok: bool, details: Mapping[str, Any] = MappingProxyType({})
) -> Act:
    """Return what a caller did as an act."""
    status, sort = SUCCESS if ok else FAILURE, SORTS.get(caller.by, "user")
    return Act(event, status, message, caller.name or ANONYMOUS, caller.address, sort, caller.key, details=details)


def add(act: Act) -> bool:
    """Let an act be recorded with the request this task or thread works for; False when there is none, or it left."""
    recording = PRESENT.get()
    if recording is None or not recording.open:
        return False
    recording.acts.append(act)
    return True


async def announce(request: Request[Any, Any, Any]) -> None:
    """Before a handler that may change something: see that it can be written down. Raises `Unreadable`."""
    recording = PRESENT.get()
    if recording is None or request.method in SAFE:
        return
    declared = request.scope["route_handler"].opt.get("permission", PUBLIC)
    permission = declared(request) if callable(declared) else declared
    if permission == PUBLIC or permission.endswith(READ):
        return
    await asyncio.to_thread(request.app.state.desk.audit.require)
    recording.changes = True


def _heard(recording: Recording, receive: Receive) -> Receive:
    async def hear() -> Message:
        message = await receive()
        recording.hear(message)
        return message

    return hear


def _agent(scope: Scope) -> str:
    found = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    return str(found.decode("latin-1"))[:LONGEST_WORD]
