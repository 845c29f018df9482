"""Check what conduit depends on before it matters: directories, keys, clock, disk, and what each provider finds."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from conduit.errors import ConduitError
from conduit.providers.base import Provider
from conduit.settings import Settings

FREE_BYTES = 100 * 2**20
"""Less free space than this in the state directory is a finding."""
EARLIEST = 1_704_067_200.0
"""2024-01-01: a clock before it is certainly wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is well, what was seen, and the fix when it is not."""

    subject: str
    ok: bool
    text: str
    fix: str = ""


def doctor(settings: Settings, providers: Mapping[str, Provider]) -> list[Finding]:
    """Return every finding, the well ones too; nothing is changed."""
    return [
        *_directories(settings),
        _clock(),
        *(finding for name, provider in providers.items() for finding in _provider(name, provider)),
    ]


def _directories(settings: Settings) -> Iterator[Finding]:
    desired = settings.path(settings.desired)
    found = desired.is_dir()
    yield Finding("desired", found, str(desired), "" if found else f"create {desired}, or set desired: in conduit.yaml")
    keys = settings.path(settings.keys_dir)
    private = not keys.exists() or stat.S_IMODE(keys.stat().st_mode) & 0o077 == 0
    yield Finding("keys", private, str(keys), "" if private else f"chmod 700 {keys}")
    yield _space(settings.path(settings.state_dir))


def _space(state: Path) -> Finding:
    place = next(each for each in (state, *state.parents) if each.exists())
    if not os.access(place, os.W_OK):
        return Finding("state", False, f"{place} is not writable", "run conduit as root, or set state_dir")
    free = shutil.disk_usage(place).free
    words = f"{free // 2**20} MiB free in {place}"
    return Finding("state", free >= FREE_BYTES, words, "" if free >= FREE_BYTES else f"free space in {place}")


def _clock() -> Finding:
    right = time.time() >= EARLIEST
    words = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return Finding("clock", right, words, "" if right else "set the clock; certificates depend on it")


def _provider(name: str, provider: Provider) -> Iterator[Finding]:
    try:
        reading = provider.read()
    except ConduitError as error:
        found = error.diagnostics[0]
        yield Finding(
            name, False, found.summary, found.hint or "check that it runs and that conduit.yaml names it right"
        )
        return
    problems = [*reading.warnings, *provider.check()]
    if not problems:
        yield Finding(name, True, "answers")
    for problem in problems:
        text, _, fix = problem.partition("; ")
        yield Finding(name, False, text, fix)
