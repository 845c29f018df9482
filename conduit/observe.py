"""Read every provider once, side by side; one that fails or hangs is unknown and spoils no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from msgspec.structs import replace

from conduit.decide import EMPTY, Observed
from conduit.errors import Code, ConduitError
from conduit.kind import Context
from conduit.model import Reading
from conduit.providers.base import DocumentProvider, Provider

HANGING = Code(
    "CND-0502",
    "a daemon does not answer in time",
    "Reading a daemon took longer than its limit, so it counts as unknown: nothing of it is changed or pruned, and the "
    "answer is never green. Check whether the daemon runs and whether its socket or address in conduit.yaml is right.",
)
LIMIT = 12.0
"""Seconds one provider may take to be read."""


def observe(providers: Mapping[str, Provider], context: Context) -> dict[str, Observed]:
    """Return what plan needs of each provider, in the order of `providers`, within `LIMIT` seconds."""
    found: dict[str, Observed] = {}

    def read(provider: Provider) -> None:
        try:
            seen = view(provider, provider.read(), "", context)
        except ConduitError as error:
            seen = view(provider, None, error.diagnostics[0].summary, context)
        found[provider.name] = seen

    readers = [threading.Thread(target=read, args=(provider,), daemon=True) for provider in providers.values()]
    for reader in readers:
        reader.start()
    deadline = time.monotonic() + LIMIT
    for reader in readers:
        reader.join(max(0.0, deadline - time.monotonic()))
    answered = dict(found)
    for name, provider in providers.items():
        if name not in answered:
            answered[name] = view(provider, None, f"{name} did not answer within {LIMIT:g} s [{HANGING.id}]", context)
    return {name: answered[name] for name in providers}


def view(provider: Provider, reading: Reading | None, reason: str, context: Context) -> Observed:
    """Return one provider as plan sees it; `reading` is None and `reason` tells why when it could not be read."""
    features = reading.features if reading else frozenset()
    document = provider if isinstance(provider, DocumentProvider) else None
    return Observed(
        name=provider.name,
        order=provider.order,
        context=replace(context, reading=reading, features=features),
        impact=lambda change: provider.impact(change, reading or EMPTY),
        reason=reason,
        frame=document.frame if document else None,
        explain_frame=document.explain_frame if document else None,
    )
