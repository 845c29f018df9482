"""Kinds, their fields and the error codes as text: what `kinds` and `explain` print."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from conduit.kind import Kind
from conduit.show.explained import Explained, summary_of
from conduit.show.text import View, columns

WIDEST = 100
"""Columns of sentences: longer lines are hard to read."""


def kinds_lines(kinds: Iterable[Kind[Any]]) -> list[str]:
    """Return a table of all kinds."""
    rows = [[kind.name, f"{kind.plural}:", kind.provider or "composite", summary_of(kind)] for kind in kinds]
    return columns([["KIND", "IN YAML", "PROVIDER", "WHAT IT IS"], *rows])


def explained_lines(found: Explained, view: View) -> Iterator[str]:
    """Yield what something is, in whole sentences, and a table of the fields inside it."""
    yield view.style("bold", f"{found.subject}: {found.title}")
    yield from textwrap.wrap(found.text, min(view.width, WIDEST))
    if found.fields:
        rows = [[each.name, each.type, each.absent, each.text.partition("\n")[0]] for each in found.fields]
        yield from ("", *columns([["FIELD", "TYPE", "DEFAULT", "WHAT IT IS"], *rows]))
        yield f"One field: conduit explain {found.subject}.FIELD"
