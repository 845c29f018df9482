"""Any edit of a trail is found, and the first bad entry is named."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from conduit import chain_writer
from conduit.audit.key import PublicKey
from conduit.audit.verify import Verdict, Witness, verify
from conduit.settings import Settings
from tests.audit.conftest import fill

Lines = list[bytes]


def flip(lines: Lines, random: Random) -> tuple[Lines, int]:
    number = random.randrange(len(lines))
    line = bytearray(lines[number])
    line[random.randrange(len(line) - 1)] ^= 1 << random.randrange(8)
    return [*lines[:number], bytes(line), *lines[number + 1 :]], number


def drop(lines: Lines, random: Random) -> tuple[Lines, int]:
    number = random.randrange(len(lines))
    return [*lines[:number], *lines[number + random.randint(1, 3) :]], number


def swap(lines: Lines, random: Random) -> tuple[Lines, int]:
    first, second = sorted(random.sample(range(len(lines)), 2))
    changed = list(lines)
    changed[first], changed[second] = lines[second], lines[first]
    return changed, first


def insert(lines: Lines, random: Random) -> tuple[Lines, int]:
    number = random.randrange(len(lines) + 1)
    return [*lines[:number], random.choice([*lines, b"\n", b"{}\n"]), *lines[number:]], number


def cut(lines: Lines, random: Random) -> tuple[Lines, int]:
    number = random.randrange(len(lines))
    return lines[:number], number


EDITS = (flip, drop, swap, insert, cut)


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.soak)])
def test_any_edit_is_found_and_the_first_bad_entry_named(
    place: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(chain_writer, "SEGMENT_SIZE", 20_000)
    trail = fill(place, 130)
    segments = trail.chain.segments()
    whole = [line for segment in segments for line in segment.read_bytes().splitlines(keepends=True)]
    sizes = [segment.read_bytes().count(b"\n") for segment in segments]
    assert len(segments) > 2
    copy = tmp_path / "copy"
    shutil.copytree(trail.directory, copy)
    head = trail.head.read()
    assert head
    for seed in range(count):
        random = Random(seed)
        edit = EDITS[seed % len(EDITS)]
        lines, first = edit(whole, random)
        spread(copy, segments, sizes, lines)
        verdict = verify(copy, trail.key.public, trail.key.mac, [Witness("the head", *head)])
        assert verdict.bad is not None, (edit.__name__, seed)
        same = lines[: first + 1] == whole[: first + 1]  # an inserted twin: the one after it is the first that is wrong
        assert verdict.bad.seq == first + 1 + same, (edit.__name__, seed, verdict.bad)


def spread(directory: Path, segments: list[Path], sizes: list[int], lines: Lines) -> None:
    """Write lines over the segments as they were; the last takes what is left."""
    for number, (segment, size) in enumerate(zip(segments, sizes, strict=True)):
        part, lines = (lines[:size], lines[size:]) if number < len(sizes) - 1 else (lines, [])
        (directory / segment.name).write_bytes(b"".join(part))


def test_the_public_key_alone_proves_it_on_another_machine(place: Settings, tmp_path: Path) -> None:
    trail = fill(place, 205)
    pem = tmp_path / "conduit.pem"
    pem.write_text(trail.key.public.pem())
    copy = tmp_path / "copy"
    shutil.copytree(trail.directory, copy)
    shutil.rmtree(place.keys_dir)
    public = PublicKey.read(pem)
    assert verify(copy, public) == Verdict(1, 205, 200, None)
    shown = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", str(pem), "-noout", "-text"], capture_output=True, check=True
    )
    assert b"ED25519" in shown.stdout
    (segment,) = trail.chain.segments()
    lines = segment.read_bytes().splitlines(keepends=True)
    (copy / segment.name).write_bytes(b"".join(lines[:150]))
    bad = verify(copy, public).bad
    assert bad
    assert (bad.seq, "a checkpoint knows entry 200" in bad.reason) == (151, True)


def test_a_rewrite_without_the_key_is_found_by_the_public_key(place: Settings, tmp_path: Path) -> None:
    public = fill(place, 105).key.public
    forger = Settings(state_dir=tmp_path / "forged", keys_dir=tmp_path / "forged keys")
    forged = fill(forger, 105)
    bad = verify(forged.directory, public).bad
    assert bad
    assert "a checkpoint this site did not sign" in bad.reason
    shutil.rmtree(forged.directory / "checkpoints")
    bad = verify(forged.directory, public).bad
    assert bad
    assert "covered by no checkpoint" in bad.reason


def test_any_flip_of_a_checkpoint_is_found(place: Settings) -> None:
    trail: Any = fill(place, 100)
    (segment,) = trail.checkpoints.chain.segments()
    whole = segment.read_bytes()
    for offset in range(0, len(whole) - 1, 3):
        segment.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        assert verify(trail.directory, trail.key.public).bad, offset
