"""The keys every spec may hold beside its own: needs, protect, ignore, hosts."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import Field, PlainValidator

from conduit import measures
from conduit.dialect.complaints import WRONG_VALUE, Complaint
from conduit.dialect.words import did_you_mean, shown
from conduit.errors import Code
from conduit.kind import Kind
from conduit.model import Key
from conduit.spec import Ignore, Spec
from conduit.validators import After

EXPIRED = Code(
    "CND-0120",
    "an ignore entry that has expired",
    "The entry's `until` has passed, so the difference it covered counts again. Remove the entry, or give it a later "
    "date if the difference is still meant to be left alone.",
)


def _key(value: object) -> Key:
    if isinstance(value, str):
        return Key.parse(value)
    raise ValueError("write kind/name, for example service/wiki")


def _host(value: str) -> str:
    if value != "local":
        raise ValueError(f'{shown(value)} is not a host of this site; only "local" is')
    return value


class Common(Spec):
    """The reserved keys of a declared name."""

    needs: tuple[Annotated[Key, PlainValidator(_key)], ...] = Field((), strict=False)
    """Other resources, as kind/name, that have to be there first."""
    protect: bool = False
    """Keep the live object even when nothing declares it any more."""
    ignore: tuple[Ignore, ...] = Field((), strict=False)
    """Known differences to leave alone."""
    hosts: tuple[Annotated[str, After(_host)], ...] = Field(("local",), strict=False)
    """Where it is wanted; this version knows `local` only."""


NOTHING: Final = Common.model_construct()


def unknown_needs(common: Common, kinds: Mapping[str, Kind[Any]]) -> Iterator[Complaint]:
    """Yield the needs whose kind does not exist; whether the name does is for the graph to say."""
    for index, key in enumerate(common.needs):
        if key.kind not in kinds:
            summary = f"{shown(str(key))} names the kind {shown(key.kind)}, which does not exist"
            yield Complaint(WRONG_VALUE, summary, ("needs", index), did_you_mean(key.kind, kinds))


def current(ignore: Iterable[Ignore], now: float) -> tuple[tuple[Ignore, ...], list[Complaint], list[Complaint]]:
    """Split ignore entries: those that hold at `now`, complaints about wrong dates, and notes on expired ones."""
    holding, wrong, expired = [], [], []
    for index, entry in enumerate(ignore):
        path = ("ignore", index, "until")
        try:
            over = entry.until is not None and measures.instant(entry.until) <= now
        except ValueError as error:
            wrong.append(Complaint(WRONG_VALUE, f'wrong value for "ignore.{index}.until": {error}', path))
            continue
        if over:
            summary = f"ignoring {shown(entry.path)} ended on {entry.until}: it counts as drift again"
            expired.append(Complaint(EXPIRED, summary, path, "remove the entry, or give it a later date"))
        else:
            holding.append(entry)
    return tuple(holding), wrong, expired
