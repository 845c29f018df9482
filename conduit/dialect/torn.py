"""How far a text with a break of syntax can be believed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import yaml
from yaml._yaml import CParser
from yaml.events import MappingEndEvent, MappingStartEvent, SequenceEndEvent, SequenceStartEvent


def whole_part(text: str) -> str:
    """Return the text up to the last section or name that begins before the break.

    What stands before another one has ended; the last one may be what is broken, wherever the break was noticed. No
    section loses its first name alone: it would look like one that holds nothing.
    """
    end = 0
    with suppress(yaml.YAMLError):
        for begin in _beginnings(CParser(text.encode()).get_event):
            end = begin
    return text[:end]


def _beginnings(take: Callable[[], Any]) -> Iterator[int]:
    """Yield where each section begins, and each name that is not the first of its section."""
    take(), take()
    if type(take()) is not MappingStartEvent:
        return
    while type(section := take()) is not MappingEndEvent:
        yield section.start_mark.index
        value = take()
        if type(value) is not MappingStartEvent:
            _pass(value, take)
            continue
        first = True
        while type(name := take()) is not MappingEndEvent:
            if not first:
                yield name.start_mark.index
            first = False
            _pass(take(), take)


def _pass(event: Any, take: Callable[[], Any]) -> None:
    """Go to the end of the value that begins with `event`."""
    depth = 0
    while True:
        depth += isinstance(event, MappingStartEvent | SequenceStartEvent)
        depth -= isinstance(event, MappingEndEvent | SequenceEndEvent)
        if depth == 0:
            return
        event = take()
