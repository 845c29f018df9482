"""Rewriting a manifest to a wish: the text changes where it differs from the wish, and every other byte stays. Pure.

The result is read again: it says exactly the wish, or the edit is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from conduit.canonical import canonical
from conduit.dialect.compose_profile import FIELD
from conduit.dialect.document import Document, parse
from conduit.dialect.model_types import FieldPath
from conduit.dialect.scalars import TEMPLATE
from conduit.dialect.spans import Span, Style, spans
from conduit.dialect.words import shown
from conduit.errors import Code, ConduitError, LoadError
from conduit.manifests.layout import Layout, NotInPlace, Slot, Splice, spliced
from conduit.model import walk

SHARED = Code(
    "CND-0132",
    "a shared value is not edited",
    "The value has an anchor, an alias or a merge key. Changing it would change other places too, or only seem to. "
    "Edit the file by hand, or write the value out.",
)
VARIABLE = Code(
    "CND-0133",
    "a value written with a variable is not edited",
    "The field is written with {{ }}: its value comes from `vars:` and may be meant for many places. Change the "
    "variable, or write the value out. Text with {{ }} is not written by an edit either, because it would be read as "
    "a template.",
)
NOT_IN_PLACE = Code(
    "CND-0134",
    "the text cannot be edited in place",
    "The manifest is laid out in a way in which this edit would take comments with it that belong elsewhere, or would "
    "not be read back as what was asked for. Nothing was written. Edit the file by hand.",
)

NAME_DEPTH: Final = 2
"""Parts of a path that name a resource, by its plural and its name; what follows is the field."""


def rewritten(document: Document, wish: dict[str, Any]) -> bytes:
    """Return the text of a manifest, changed where it differs from `wish` and nowhere else. Raises `ConduitError`."""
    source = document.source
    try:
        root = spans(source.text) if document.data is not None else None
        layout = Layout(source.text, root)
        text = spliced(source.text, _Edits(document, layout).document(root, document.data or {}, wish))
        content = text.encode()
        again = parse(source.file, content).data
    except NotInPlace as error:
        raise _refusal(document, NOT_IN_PLACE, str(error), error.at) from None
    except ValueError as error:
        raise _refusal(document, NOT_IN_PLACE, str(error)) from None
    except LoadError as error:
        summary = f"the edited text would not load: {error.diagnostics[0].summary}"
        raise _refusal(document, NOT_IN_PLACE, summary) from None
    if canonical(again or {}) != canonical(wish):
        raise _refusal(document, NOT_IN_PLACE, "the edited text would not be read back as what was asked for")
    return content


class _Edits:
    """Walks over the text and the wish side by side and yields what has to change."""

    def __init__(self, document: Document, layout: Layout) -> None:
        self._document, self._layout = document, layout

    def document(self, root: Span | None, old: dict[str, Any], wish: dict[str, Any]) -> Iterator[Splice]:
        """Yield the changes of a whole manifest, of which nothing may be left."""
        if canonical(old) == canonical(wish):
            return
        if root and old.keys() & wish.keys():
            yield from self._mapping(root, old, wish, ())
            return
        if root:
            self._check_gone(root, old, ())
        self._check_new(wish, (), 0)
        if wish or not root or root.style is Style.FLOW:
            yield self._layout.begin(root, wish)
        else:
            yield from self._layout.remove(root, range(len(root.members)))

    def _value(self, span: Span, slot: Slot, old: Any, new: Any, path: FieldPath) -> Iterator[Splice]:
        """Yield the changes of one value."""
        if canonical(old) == canonical(new):
            return
        if span.shared:
            raise _refusal(self._document, SHARED, f"{dotted(path)} is shared by an anchor or alias", span.start, path)
        if isinstance(old, dict) and isinstance(new, dict) and old.keys() & new.keys():
            yield from self._mapping(span, old, new, path)
        elif isinstance(old, list) and isinstance(new, (list, tuple)) and old and new:
            yield from self._list(span, old, list(new), path)
        else:
            self._check_gone(span, old, path)
            self._check_new(new, path, span.start)
            yield from self._layout.replace(span, slot, new)

    def _mapping(self, span: Span, old: dict[str, Any], new: dict[str, Any], path: FieldPath) -> Iterator[Splice]:
        gone = []
        for index, member in enumerate(span.members):
            name, inside = member.name, (*path, member.name)
            if name in new:
                yield from self._value(member.value, self._layout.slot(span, index), old[name], new[name], inside)
            else:
                self._check_gone(member.value, old[name], inside)
                gone.append(index)
        yield from self._layout.remove(span, gone)
        added = {key: value for key, value in new.items() if key not in old}
        for key, value in added.items():
            self._check_new(value, (*path, key), span.start)
        kept = [index for index in range(len(span.members)) if index not in gone]
        yield from self._layout.add_members(span, kept, added, len(path))

    def _list(self, span: Span, old: list[Any], new: list[Any], path: FieldPath) -> Iterator[Splice]:
        """Keep the equal items at both ends; pair those between, then remove or add what has no partner."""
        first = _common(old, new)
        last = _common(old[first:][::-1], new[first:][::-1])
        paired = min(len(old), len(new)) - last
        for index in range(first, paired):
            member, slot = span.members[index], self._layout.slot(span, index)
            yield from self._value(member.value, slot, old[index], new[index], (*path, index))
        gone = list(range(paired, len(old) - last))
        for index in gone:
            self._check_gone(span.members[index].value, old[index], (*path, index))
        yield from self._layout.remove(span, gone)
        added = new[paired : len(new) - last]
        self._check_new(added, path, span.start)
        yield from self._layout.add_items(span, paired, added)

    def _check_gone(self, span: Span, old: Any, path: FieldPath) -> None:
        if span.any_shared:
            raise _refusal(self._document, SHARED, f"{dotted(path)} is shared by an anchor or alias", span.start, path)
        if _templated(old, path):
            raise _refusal(self._document, VARIABLE, f"{dotted(path)} is written with a variable", span.start, path)

    def _check_new(self, new: Any, path: FieldPath, at: int) -> None:
        if _templated(new, path):
            raise _refusal(self._document, VARIABLE, f"the new {dotted(path)} would be read as a template", at, path)


def _refusal(document: Document, code: Code, summary: str, at: int = 0, path: FieldPath = ()) -> ConduitError:
    """Return a refusal of what is at an offset, of the field at a path in the whole manifest if there is one."""
    hint = "nothing was written; edit the file by hand"
    told = document.source.problem(code, summary, *document.source.place(at), hint)
    return ConduitError(replace(told, field=".".join(map(str, path[NAME_DEPTH:]))))


def _common(one: list[Any], two: list[Any]) -> int:
    """Return how many items at the beginning of two lists are equal."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((at for at, (a, b) in pairs if canonical(a) != canonical(b)), min(len(one), len(two)))


def _templated(value: Any, path: FieldPath) -> bool:
    """Tell whether any text in a value looks like a template; inside an application braces are none."""
    if path[NAME_DEPTH : NAME_DEPTH + 1] == (FIELD,):
        return False
    if isinstance(value, dict):
        return any(_templated(inside, (*path, key)) for key, inside in value.items())
    return any(isinstance(leaf, str) and TEMPLATE.search(leaf) for leaf in walk(value))


def dotted(path: FieldPath) -> str:
    """Return a path as messages show it."""
    return shown(".".join(map(str, path)))
