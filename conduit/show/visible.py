"""What of a change may be seen: fields in spec terms, write-only values masked, references as what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from enum import Enum
from typing import Any, Final

from conduit.change import Change, FieldChange
from conduit.model import FRAME, UNRESOLVED, Fingerprint, Late, Ref, Secret
from conduit.patterns import pattern
from conduit.spec import Marker, Spec


class Hidden(Enum):
    """Stands for a write-only value that was written out instead of stored as a secret."""

    HIDDEN = "(secret)"


HIDDEN: Final = Hidden.HIDDEN

LOOKS_SECRET = pattern(
    r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*-----|\Z)"
)
"""bcrypt hashes and private keys, wherever a daemon's own form shows them."""


def visible(value: Any) -> Any:
    """Return a value as JSON-like data that may hold `Secret`, `Late`, `UNRESOLVED` and `HIDDEN` leaves."""
    if isinstance(value, Spec):
        fields = type(value).model_fields
        shown = sorted(value.model_fields_set, key=list(fields).index)
        return {name: _hide(fields[name].metadata, visible(getattr(value, name))) for name in shown}
    if isinstance(value, Ref):
        return value.key.name if value.value is UNRESOLVED else visible(value.value)
    if isinstance(value, Mapping):
        return {str(name): visible(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [visible(item) for item in value]
    if isinstance(value, Set):
        return sorted((visible(item) for item in value), key=str)
    if isinstance(value, (Secret, Late, Hidden)) or value is UNRESOLVED:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Fingerprint):
        return Fingerprint(value.short)
    if isinstance(value, str):
        return HIDDEN if LOOKS_SECRET.search(value) else str(value)
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def fields_of(change: Change) -> list[FieldChange]:
    """Return the fields a change touches, in spec terms and fit to be seen; a creation shows what was written."""
    spec = change.want.spec if change.want else None
    if spec is not None and not change.diff and change.live is None:
        return [FieldChange(name, UNRESOLVED, value) for name, value in visible(spec).items()]
    return [
        FieldChange(field.path, _masked(spec, field.path, field.old), _masked(spec, field.path, field.new))
        for field in change.diff.fields
    ]


def raw_of(change: Change) -> list[str]:
    """Return the lines of a change's raw diff with every known secret value masked."""
    text = LOOKS_SECRET.sub(HIDDEN.value, change.diff.raw)
    for value in written_secrets(change.want.spec) if change.want else ():
        text = text.replace(value, HIDDEN.value)
    return text.splitlines()


def written_secrets(value: Any, secret: bool = False) -> Iterable[str]:
    """Yield the write-only texts a spec holds in the open."""
    if isinstance(value, Spec):
        for name, field in type(value).model_fields.items():
            yield from written_secrets(getattr(value, name), secret or Marker.WRITE_ONLY in field.metadata)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from written_secrets(item, secret)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from written_secrets(item, secret)
    elif secret and isinstance(value, str) and value:
        yield value


def immutable_fields(change: Change) -> list[str]:
    """Return the changed fields that cannot change in place."""
    fields = type(change.want.spec).model_fields if change.want and change.key.kind != FRAME else {}
    heads = dict.fromkeys(field.path.split(".")[0] for field in change.diff.fields)
    return [head for head in heads if head in fields and Marker.IMMUTABLE in fields[head].metadata]


def _masked(spec: Spec | None, path: str, value: Any) -> Any:
    found = visible(value)
    at: Any = spec
    for part in path.split("."):
        if isinstance(at, Spec) and part in type(at).model_fields:
            found = _hide(type(at).model_fields[part].metadata, found)
            at = getattr(at, part)
        elif isinstance(at, Mapping):
            at = at.get(part)
        elif isinstance(at, (list, tuple)) and part.isdecimal() and int(part) < len(at):
            at = at[int(part)]
        else:
            break
    return found


def _hide(metadata: Iterable[Any], value: Any) -> Any:
    """Mask the texts of a write-only value; that there is none, which secret it is, or its fingerprint may be seen."""
    if Marker.WRITE_ONLY not in metadata or isinstance(value, Fingerprint):
        return value
    if isinstance(value, Mapping):
        return {name: _hide(metadata, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_hide(metadata, item) for item in value]
    return HIDDEN if isinstance(value, (str, int, float)) and not isinstance(value, bool) else value
