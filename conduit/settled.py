"""The quick answer of `diff`: an empty plan stays empty for as long as everything it was drawn from stays the same.

When a plan had nothing to say but how much is unmanaged, its evidence is kept in the state directory. The next `diff`
looks at just that evidence again, with the standard library only; any difference, doubt or error means the ordinary
way. It is a cache: deletable, checked against its own checksum, and never a reason to change anything.
See docs/decisions/0009-evidence-of-a-settled-site.md.
"""

from __future__ import annotations

import json
import os
import re
import site
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

from conduit import __version__
from conduit.evidence import Evidence, hash_of, inode, inode_of, side_of
from conduit.patterns import pattern
from conduit.providers.files import read_regular, write_cache
from conduit.second_look import LOOKS, MAX_BYTES, Again
from conduit.variables import given

NAME: Final = "settled.json"
FORMAT: Final = 2
"""Raise it when what a sort of evidence means changes."""
STATE_DIR: Final = "/var/lib/conduit"
"""The default of `state_dir`, which `conduit.settings` would take too long to tell."""
STATE_LINE: Final = pattern(rb"^state_dir: *([\w./-]+) *$", re.MULTILINE)
"""Where to look for kept evidence. It must name this very settings file, so a wrong guess does no harm."""
FRESH: Final = 2.0
"""Seconds in which a source file may have changed after it was imported."""


class Settled(Struct, frozen=True):
    """What an empty plan says: the commit it was drawn from, "" outside git, and how many objects are unmanaged."""

    commit: str
    unmanaged: int


def settled(settings_file: Path, now: Callable[[], float] = time.time) -> Settled | None:
    """Return what a diff says of a site where nothing changed since its plan was empty, None in any doubt.

    `settings_file` is the conduit.yaml in force, `now` the clock in seconds since the epoch. Takes a few seconds at
    most, changes nothing and never raises.
    """
    if os.environ.get("CONDUIT_FAILPOINT") or given(os.environ):
        return None
    try:
        kept = _kept(settings_file.absolute())
        looks: Mapping[str, Again] = {**LOOKS, "clock": partial(_clock, now)}
        same = all(looks[sort](subject) == seen for sort, subject, seen in kept)
        seen = {sort: seen for sort, _, seen in kept}
        return Settled(seen["head"], int(seen["unmanaged"])) if same else None
    except Exception:  # noqa: BLE001 - whatever is wrong, the ordinary way tells it
        return None


def keep(state: Path, evidence: Iterable[Evidence]) -> None:
    """Keep the evidence of an empty plan, its settings file first. Never fails: without it the next diff is slower."""
    keep_cache(state, NAME, json.dumps(list(evidence), separators=(",", ":")).encode())


def forget(state: Path) -> None:
    """Drop the kept evidence: the site is about to be changed. Raises OSError."""
    (state / "cache" / NAME).unlink(missing_ok=True)


def _kept(settings_file: Path) -> list[Evidence]:
    """Return the evidence kept for a settings file. Raises OSError or ValueError when there is none to be trusted."""
    content = read_regular(settings_file, MAX_BYTES)
    found = STATE_LINE.findall(content) or ([] if b"state_dir" in content else [STATE_DIR.encode()])
    (state,) = map(os.fsdecode, found)
    evidence = [Evidence(*each) for each in json.loads(read_cache(settings_file.parent / state, NAME))]
    if evidence[0][:2] != ("bytes", str(settings_file)):
        raise ValueError("it belongs to another settings file")
    return evidence


def read_cache(state: Path, name: str) -> bytes:
    """Return what this conduit and user kept under a name. Raises OSError, ValueError when it is not to be trusted."""
    head, _, body = read_regular(state / "cache" / name, MAX_BYTES).partition(b"\n")
    if not CODE or head != _header(body):
        raise ValueError("it is damaged, or of another conduit or user")
    return body


def keep_cache(state: Path, name: str, body: bytes | bytearray) -> None:
    """Keep something under a name for `read_cache`. Never fails."""
    path, content = state / "cache" / name, _header(body) + b"\n" + body
    with suppress(OSError):
        if CODE and not (path.exists() and read_regular(path, MAX_BYTES) == content):
            write_cache(path, content)


def _header(body: bytes | bytearray) -> bytes:
    words = f"conduit settled {FORMAT} {__version__} {os.geteuid()} {CODE} {sha256(body).hexdigest()}"
    return words.encode()


def _code() -> str:
    """Tell which code this process runs: its sources and templates, the interpreter and the packages beside it.

    Empty when that cannot be told, or while a file is so fresh that it may not be the one that was imported.
    """
    sources = {entry.path: entry.stat() for entry in _sources(str(Path(__file__).parent))}
    newest = max((found.st_ctime for found in sources.values()), default=time.time())
    if newest > time.time() - FRESH:
        return ""
    seen = [f"{path} {inode_of(sources[path])}" for path in sorted(sources)]
    return hash_of([sys.version, *seen, *(f"{each} {inode(each)}" for each in site.getsitepackages())])


def _sources(directory: str) -> Iterator[os.DirEntry[str]]:
    """Yield all files below a directory but compiled ones, which other processes may be writing now."""
    for entry in os.scandir(directory):
        if not entry.is_dir():
            yield entry
        elif entry.name != "__pycache__":
            yield from _sources(entry.path)


CODE: Final = _code()
"""Looked at when this module is imported, before most of the code that plans."""


def _clock(now: Callable[[], float], instant: str) -> str:
    return side_of(now(), float(instant))
