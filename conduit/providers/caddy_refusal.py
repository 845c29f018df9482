"""Caddy's words when it refuses a configuration: which of our blocks they point at. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress

from conduit.errors import Code, Diagnostic, Refused
from conduit.model import Key
from conduit.patterns import pattern
from conduit.providers.accounts import hide_hashes
from conduit.providers.caddy_compose import Document
from conduit.providers.caddy_document import SERVERS
from conduit.providers.caddy_marks import Sign, read_mark
from conduit.providers.caddy_paths import listing, servers_of

REFUSED = Code(
    "CND-0608",
    "Caddy refuses the configuration",
    "Caddy checks and loads a whole configuration or none of it. It refused this one and still serves the one before. "
    "Its own words are in the message: a port somebody else listens on, a certificate file it cannot use, or a value "
    "this version does not know. Correct what is named and apply again.",
)

MOVED = Code(
    "CND-0604",
    "Caddy's configuration changed since it was read",
    "Somebody wrote to Caddy after conduit read it and before it wrote. Writing now would undo their change, so "
    "nothing was sent. Run the command again: it will plan against the new state.",
)
NOT_RESTORED = Code(
    "CND-0605",
    "Caddy's earlier configuration could not be restored",
    "Caddy loaded something else than what was sent, and putting back what it had before failed as well. Look at "
    "Caddy's log, correct what it says, then apply again.",
)

_ROUTE = pattern(rf"server ({'|'.join(SERVERS.values())}): .*?\broute ([0-9]{{1,9}}):", re.ASCII | re.DOTALL)
_LONGEST = 800


def explain_refusal(body: bytes, document: Document, sign: Sign) -> Refused:
    """Return the refusal with Caddy's words, no hash in them, and the blocks they name."""
    words = _words(body)
    blamed = list(_blamed(words, document, sign))
    who = f" because of {', '.join(map(str, blamed[:3]))}" if blamed else ""
    summary = f"Caddy refuses the configuration{who}: {words}"
    return Refused(Diagnostic(REFUSED, summary, hint="it still serves the one before; correct this and apply"), blamed)


def _words(body: bytes) -> str:
    text = body.decode(errors="replace")
    with suppress(ValueError, LookupError, TypeError):
        text = str(json.loads(text)["error"])
    cut = hide_hashes(text)[-_LONGEST:]
    return "".join(character if character.isprintable() else " " for character in cut).strip()


def _blamed(words: str, document: Document, sign: Sign) -> Iterable[Key]:
    named = _ROUTE.search(words)
    if named:
        routes = listing(servers_of(document.config).get(named[1]), "routes")
        index = int(named[2])
        mark = read_mark(sign, routes[index].get("@id")) if index < len(routes) else None
        return [mark.key] if mark else []
    return [
        key
        for key, native in document.blocks.items()
        if any(file in words for file in native.get("certificate", {}).get("files", {}).values())
    ]


def moved() -> Diagnostic:
    """Return what to say when somebody else wrote in the meantime."""
    return Diagnostic(MOVED, "someone changed Caddy since it was read; nothing was written", hint="run it again")


def not_restored(why: str) -> Diagnostic:
    """Return what to say when the earlier configuration could not be put back."""
    summary = f"Caddy's earlier configuration could not be restored: {why}"
    return Diagnostic(NOT_RESTORED, summary, hint="look at Caddy's log and at caddy.admin in conduit.yaml")
