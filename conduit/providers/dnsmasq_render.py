"""The writing half of dnsmasq's text format: Jinja2 templates whose every value is checked on its way out. Pure.

Loading a template is the only effect. What is written is read back and compared by the provider: dnsmasq's own checker
accepts injected lines, so it proves nothing about intent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from conduit.providers.dnsmasq_files import HEADER, Record, is_host, part_of, quote

_TOKEN: Final = re.compile(r"[A-Za-z0-9._:*/@+=~-]+", re.ASCII)
_TEXT: Final = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])*"', re.ASCII)
_LINE: Final = 1024
"""dnsmasq cuts longer lines and reads the rest as a line of its own."""

Mark = Callable[[str, str, str], str]
"""(resource name, part, object's name) -> its mark."""


class Line(NamedTuple):
    """One record on its way out; `owner` is empty for a record of nobody's that is kept."""

    owner: str
    mark: str
    local_mark: str
    record: Record
    protected: bool = False


def render(
    blocks: Mapping[str, Record],
    protected: Collection[str],
    foreign: Iterable[Record],
    frame: Mapping[str, Any],
    mark: Mark,
) -> list[str]:
    """Return the bodies of the hosts and the conf file, records sorted by owner, strangers last.

    Raises ValueError for a value that cannot be written as one token.
    """
    lines = [_line(owner, blocks[owner], owner in protected, mark) for owner in sorted(blocks)]
    lines += [Line("", "", "", record) for record in foreign]
    hosts = [line for line in lines if is_host(line.record)]
    others = [line for line in lines if not is_host(line.record)]
    kept_local = [line for line in lines if line.local_mark]
    bodies = [
        _template("dnsmasq.hosts.j2").render(header=HEADER, lines=hosts),
        _template("dnsmasq.conf.j2").render(header=HEADER, lines=others, kept_local=kept_local, **frame),
    ]
    if any(len(line) >= _LINE for line in bodies[1].split("\n")):
        raise ValueError(f"a line is longer than the {_LINE - 1} characters dnsmasq reads")
    return bodies


def _line(owner: str, record: Record, protected: bool, mark: Mark) -> Line:
    name = record["name"]
    local_mark = mark(owner, "local", name) if record["local"] else ""
    return Line(owner, mark(owner, part_of(record, protected), name), local_mark, record, protected)


def _checked(value: Any) -> str:
    """Pass a value that is one token or a quoted text; nothing else leaves a template."""
    text = str(value)
    if not (_TOKEN.fullmatch(text) or _TEXT.fullmatch(text) or text == HEADER):
        raise ValueError(f"{text[:60]!r} cannot be written into dnsmasq's files")
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
