"""The writing half of dnsmasq's text format: every value is checked on its way out.

The conf file is a Jinja2 template, the hosts file one line for each record. What stands in a file just as it is
wished stays as it was read. The finished text is read back and compared with what was meant. Pure but for loading
the template.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.errors import Code, Diagnostic, Refused
from conduit.model import Key, Native
from conduit.patterns import pattern
from conduit.providers.dnsmasq_files import HEADER, RECORDS, Entry, Record, Sign, is_host, part_of, quote, read_files

UNWRITABLE = Code(
    "CND-0703",
    "a record cannot be written safely",
    "Every value is checked as it is written, and the finished text is read back and compared with what was meant, "
    "because dnsmasq's own check accepts injected lines. This record did not come back as itself. Correct its values.",
)

_WORD: Final = r"[A-Za-z0-9._:*/@+=~-]+"
_TOKEN: Final = pattern(_WORD, re.ASCII)
_HOST_LINE: Final = pattern(f"{_WORD} {_WORD}(?: # {_WORD})?", re.ASCII)
_TEXT: Final = pattern(r'"(?:[ !#-\[\]-~]|\\["\\])*"', re.ASCII)
_LINE: Final = 1024
"""dnsmasq cuts longer lines and reads the rest as a line of its own."""


class Known(Struct, frozen=True):
    """What was read: our records by resource, the frame, and the conf file when dnsmasq serves it and all is ours."""

    entries: Mapping[str, Entry] = MappingProxyType({})
    frame: Native = None
    conf: str | None = None


NOTHING_KNOWN: Final = Known()


class Wish(Struct, frozen=True):
    """What both files are to say: our records by resource, which are protected, others' records, and the frame.

    `places` are the names of both files for people.
    """

    records: Mapping[str, Record]
    protected: Collection[str]
    foreign: tuple[Record, ...]
    frame: Mapping[str, Any]
    known: Known = NOTHING_KNOWN
    places: tuple[str, str] = ("hosts", "conf")


class Written(Struct, frozen=True):
    """The bodies of the hosts and the conf file, and our records as they are read from them."""

    hosts: str
    conf: str
    entries: Collection[Entry]


class Line(Struct, frozen=True):
    """One record on its way out; `owner` is empty for a record of nobody's that is kept."""

    owner: str
    mark: str
    local_mark: str
    record: Record
    protected: bool = False


def write_files(wish: Wish, sign: Sign) -> Written:
    """Return the bodies of both files, records sorted by resource, strangers last.

    Raises `Refused`, blaming each record that cannot be written or does not come back as it was meant.
    """
    try:
        return _proven(wish, sign)
    except ValueError as error:
        alone = {owner: replace(wish, records={owner: record}, foreign=()) for owner, record in wish.records.items()}
        keys = [Key(RECORDS, owner) for owner in alone if not _writable(alone[owner], sign)]
        summary = f"{keys[0] if keys else 'dnsmasq'} cannot be written: {error}"
        raise Refused(Diagnostic(UNWRITABLE, summary, hint="correct its values"), keys) from error


def _writable(wish: Wish, sign: Sign) -> bool:
    try:
        return bool(_proven(wish, sign))
    except ValueError:
        return False


def _proven(wish: Wish, sign: Sign) -> Written:
    """Render, read back, compare. Raises ValueError when the text does not say what is meant."""
    sign = cache(sign)
    bodies = _render(wish, sign)
    contents = read_files(*bodies, wish.places, sign, wish.known.entries.values())
    found = {owner: entry.record for owner, entry in contents.owned.items()}
    protected = {owner for owner, entry in contents.owned.items() if entry.protected}
    strangers = len(contents.foreign) == len(wish.foreign)
    as_meant = found == wish.records and protected == wish.records.keys() & set(wish.protected)
    if not (as_meant and strangers and contents.frame() == wish.frame):
        raise ValueError("it does not come back as it was written")
    if any(len(line) >= _LINE for line in bodies[1].split("\n")):
        raise ValueError(f"its line is longer than the {_LINE - 1} characters dnsmasq reads")
    return Written(*bodies, contents.owned.values())


def _render(wish: Wish, sign: Sign) -> tuple[str, str]:
    owners = sorted(wish.records)
    hosts = [_host_line(wish, owner, sign) for owner in owners if is_host(wish.records[owner])]
    hosts += [f"{_host(record)}\n" for record in wish.foreign if is_host(record)]
    conf = wish.known.conf
    if conf is None or not _same_conf(wish):
        conf = _render_conf(wish, [owner for owner in owners if _is_in_conf(wish.records[owner])], sign)
    return f"{HEADER}\n{''.join(hosts)}", conf


def _host_line(wish: Wish, owner: str, sign: Sign) -> str:
    record, protected = wish.records[owner], owner in wish.protected
    known = wish.known.entries.get(owner)
    if known and known.record is record and known.protected == protected and known.line:
        return f"{known.line}\n"
    mark = sign(owner, part_of(record, protected), record["name"])
    return f"{_host(record, f' # {owner}')} {mark}{' protected' * protected}\n"


def _host(record: Record, behind: str = "") -> str:
    """Return what a line of the hosts file says, with what stands `behind` it; each of its words is one."""
    line = f"{record['value']} {record['name']}{behind}"
    if not _HOST_LINE.fullmatch(line):
        raise ValueError(f"{line[:120]!r} is no line of a hosts file")
    return line


def _same_conf(wish: Wish) -> bool:
    """Return whether the conf file says already all that is wished of it."""
    known = {owner: (entry.record, entry.protected) for owner, entry in wish.known.entries.items()}
    wished = {owner: (record, owner in wish.protected) for owner, record in wish.records.items()}
    return wish.known.frame == wish.frame and not wish.foreign and _in_conf(known) == _in_conf(wished)


def _in_conf(records: Mapping[str, tuple[Record, bool]]) -> dict[str, tuple[Record, bool]]:
    """Return the records the conf file has a line for."""
    return {owner: each for owner, each in records.items() if _is_in_conf(each[0])}


def _is_in_conf(record: Record) -> bool:
    """Return whether the conf file has a line for a record; a plain address has one when its name is not forwarded."""
    return bool(record["local"]) or not is_host(record)


def _render_conf(wish: Wish, owners: Iterable[str], sign: Sign) -> str:
    lines = [_line(owner, wish.records[owner], owner in wish.protected, sign) for owner in owners]
    lines += [Line("", "", "", record) for record in wish.foreign]
    others = [line for line in lines if not is_host(line.record)]
    kept_local = [line for line in lines if line.local_mark]
    rendered: str = _template().render(header=HEADER, lines=others, kept_local=kept_local, **wish.frame)
    return rendered


def _line(owner: str, record: Record, protected: bool, sign: Sign) -> Line:
    name = record["name"]
    local_mark = sign(owner, "local", name) if record["local"] else ""
    return Line(owner, sign(owner, part_of(record, protected), name), local_mark, record, protected)


def _checked(value: Any) -> str:
    """Pass a value that is one token or a quoted text; nothing else leaves a template."""
    text = str(value)
    if not (_TOKEN.fullmatch(text) or _TEXT.fullmatch(text) or text == HEADER):
        raise ValueError(f"{text[:60]!r} is not one word of dnsmasq's files")
    return text


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Path(__file__).parents[1] / "templates"
    environment = Environment(  # noqa: S701 - no HTML; `finalize` refuses whatever is not one token
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        finalize=_checked,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quote"] = quote
    return environment.get_template("dnsmasq.conf.j2")
