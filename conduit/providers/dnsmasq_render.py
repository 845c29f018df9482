"""The writing half of dnsmasq's text format: Jinja2 templates whose every value is checked on its way out.

The finished text is read back and compared with what was meant. Pure but for loading the templates.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from conduit.errors import Code, Diagnostic, Refused
from conduit.model import Key
from conduit.providers.dnsmasq_files import HEADER, RECORDS, Record, Sign, is_host, part_of, quote, read_files

UNWRITABLE = Code(
    "CND-0703",
    "a record cannot be written safely",
    "Every value is checked as it is written, and the finished text is read back and compared with what was meant, "
    "because dnsmasq's own check accepts injected lines. This record did not come back as itself. Correct its values.",
)

_TOKEN: Final = re.compile(r"[A-Za-z0-9._:*/@+=~-]+", re.ASCII)
_TEXT: Final = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])*"', re.ASCII)
_LINE: Final = 1024
"""dnsmasq cuts longer lines and reads the rest as a line of its own."""


class Wish(NamedTuple):
    """What both files are to say: our records by resource, which are protected, others' records, and the frame."""

    records: Mapping[str, Record]
    protected: Collection[str]
    foreign: tuple[Record, ...]
    frame: Mapping[str, Any]


class Line(NamedTuple):
    """One record on its way out; `owner` is empty for a record of nobody's that is kept."""

    owner: str
    mark: str
    local_mark: str
    record: Record
    protected: bool = False


def write_files(wish: Wish, sign: Sign) -> tuple[str, str]:
    """Return the bodies of the hosts and the conf file, records sorted by resource, strangers last.

    Raises `Refused`, blaming each record that cannot be written or does not come back as it was meant.
    """
    try:
        return _proven(wish, sign)
    except ValueError as error:
        alone = {owner: wish._replace(records={owner: record}, foreign=()) for owner, record in wish.records.items()}
        keys = [Key(RECORDS, owner) for owner in alone if not _writable(alone[owner], sign)]
        summary = f"{keys[0] if keys else 'dnsmasq'} cannot be written: {error}"
        raise Refused(Diagnostic(UNWRITABLE, summary, hint="correct its values"), keys) from error


def _writable(wish: Wish, sign: Sign) -> bool:
    try:
        return bool(_proven(wish, sign))
    except ValueError:
        return False


def _proven(wish: Wish, sign: Sign) -> tuple[str, str]:
    """Render, read back, compare. Raises ValueError when the text does not say what is meant."""
    bodies = _render(wish, sign)
    contents = read_files(*bodies, ("hosts", "conf"), sign)
    found = {owner: (entry.record, entry.protected) for owner, entry in contents.owned.items()}
    meant = {owner: (record, owner in wish.protected) for owner, record in wish.records.items()}
    strangers = len(contents.foreign) == len(wish.foreign)
    if not (found == meant and strangers and contents.frame() == wish.frame):
        raise ValueError("it does not come back as it was written")
    if any(len(line) >= _LINE for line in bodies[1].split("\n")):
        raise ValueError(f"its line is longer than the {_LINE - 1} characters dnsmasq reads")
    return bodies


def _render(wish: Wish, sign: Sign) -> tuple[str, str]:
    lines = [_line(owner, record, owner in wish.protected, sign) for owner, record in sorted(wish.records.items())]
    lines += [Line("", "", "", record) for record in wish.foreign]
    hosts = [line for line in lines if is_host(line.record)]
    others = [line for line in lines if not is_host(line.record)]
    kept_local = [line for line in lines if line.local_mark]
    return (
        _template("dnsmasq.hosts.j2").render(header=HEADER, lines=hosts),
        _template("dnsmasq.conf.j2").render(header=HEADER, lines=others, kept_local=kept_local, **wish.frame),
    )


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
def _template(name: str) -> Any:
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
    return environment.get_template(name)
