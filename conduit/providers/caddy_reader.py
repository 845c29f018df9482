"""What Caddy has: its whole configuration by one GET, with what of it is ours.

A configuration may be megabytes of JSON; that of pydantic is several times as fast as Python's own.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from msgspec import Struct
from pydantic_core import from_json

from conduit.dialect.collector import collector_paused
from conduit.errors import Code, Diagnostic, Unreadable
from conduit.providers import caddy_checks
from conduit.providers.base import Reading
from conduit.providers.caddy_admin import Admin, AdminError, Reply
from conduit.providers.caddy_compose import Document
from conduit.providers.caddy_document import Content, Keyring, split

NOT_READABLE = Code(
    "CND-0603",
    "Caddy's configuration cannot be read",
    "conduit asks Caddy's admin API for its whole configuration before it plans anything. It got no whole answer, so "
    "what Caddy serves is unknown: nothing of it is changed or deleted. Start Caddy, or correct `caddy: {admin: ...}` "
    "in conduit.yaml; `conduit doctor` tells which.",
)


class Snapshot(Struct, frozen=True):
    """The configuration as read, its tag, and what it holds."""

    config: Any
    etag: str
    content: Content


class Reader(Struct, frozen=True):
    """Reads one Caddy; `version` tells that of its binary, as far as it is known."""

    admin: Admin
    keys: Keyring
    version: Callable[[], caddy_checks.Version]

    def read(self, sent: Document | None = None) -> Reading:
        """Read the whole configuration with one GET. Raises `Unreadable`.

        When that gives what was just sent, the parts found in it before sending are the parts there are.
        """
        reply = self._get()
        config, content = self._parsed(reply.body, sent)
        version = self.version()
        return Reading(
            objects=content.objects,
            version=sha256(reply.body).hexdigest(),
            features=caddy_checks.features(version),
            frame=content.frame,
            raw=Snapshot(config, reply.etag, content),
            warnings=caddy_checks.version_warnings(version),
        )

    def _parsed(self, body: bytes, sent: Document | None) -> tuple[Any, Content]:
        """Return a configuration and what it holds; the very bytes that were sent need not be parsed to be the same."""
        if sent and body.removesuffix(b"\n") == sent.body:
            return sent.config, sent.content
        with collector_paused():
            try:
                config = from_json(body)
            except ValueError as error:
                raise self.unreadable(f"its answer is not JSON: {error}") from None
            if not isinstance(config, dict | None):
                raise self.unreadable("its answer is not a configuration")
            return config, sent.content if sent and config == sent.config else split(config, self.keys)

    def _get(self) -> Reply:
        try:
            reply = self.admin.get()
        except AdminError as error:
            raise self.unreadable(str(error)) from None
        if reply.status != 200:
            raise self.unreadable(f"it answers {reply.status}: {reply.body[:200].decode(errors='replace').strip()}")
        return reply

    def unreadable(self, why: str) -> Unreadable:
        """Return what to say when Caddy's configuration is not known."""
        summary = f"Caddy's admin API at {self.admin.address} cannot be read: {why}"
        return Unreadable(Diagnostic(NOT_READABLE, summary, hint="start Caddy, or correct caddy.admin in conduit.yaml"))
