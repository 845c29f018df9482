"""The hash chain on disk: torn at every byte, flipped at every byte, cut, swapped, rotated, starved of space."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conduit import chain
from conduit import chain_writer as module
from conduit.chain import Chain
from conduit.chain_writer import Writer

FULL_DISK = """
import resource, sys
from pathlib import Path
from conduit.chain import Chain
from conduit.chain_writer import Writer
segment = Path(sys.argv[1])
writer = Writer(Chain(segment.parent))
writer.append(1, "before", {})
size = segment.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, resource.RLIM_INFINITY))
try:
    writer.append(1, "too long", {"reason": "x" * 100})
except OSError:
    print("refused", segment.stat().st_size == size, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.append(1, "after", {})
"""
APPEND = """
import sys
from pathlib import Path
from conduit.chain import Chain
from conduit.chain_writer import Writer
writer = Writer(Chain(Path(sys.argv[1])))
writer.append(1, "intent", {})
"""


def fill(directory: Path, lines: int) -> Path:
    writer = Writer(Chain(directory))
    for number in range(lines):
        writer.append(1, "outcome", {"n": number, "text": 'a "quoted"\n✓ line'})
    writer.close()
    return Chain(directory).segments()[-1]


def numbers(directory: Path) -> list[int]:
    return [entry.data["n"] for entry in Chain(directory).newest()][::-1]


def test_what_was_written_is_read_newest_first(tmp_path: Path) -> None:
    fill(tmp_path / "chain", 5)
    entries = list(Chain(tmp_path / "chain").newest())
    assert [entry.seq for entry in entries] == [5, 4, 3, 2, 1]
    assert entries[0].data == {"n": 4, "text": 'a "quoted"\n✓ line'}
    assert Chain(tmp_path / "chain").verify() is None


def test_a_missing_directory_is_an_empty_chain(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "chain")
    assert (list(chain.newest()), chain.verify()) == ([], None)
    Writer(chain).close()
    assert not chain.directory.exists()


def test_a_line_torn_at_any_byte_is_skipped_and_sealed(tmp_path: Path) -> None:
    segment = fill(tmp_path, 3)
    whole = segment.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in range(start, len(whole)):
        segment.write_bytes(whole[:end])
        kept = [0, 1, 2] if end == len(whole) - 1 else [0, 1]
        assert numbers(tmp_path) == kept, end
        assert Chain(tmp_path).verify() is None, end
        fill(tmp_path, 1)
        assert numbers(tmp_path) == [*kept, 0], end
        assert Chain(tmp_path).verify() is None, end
        assert len(segment.read_bytes().splitlines()) == len(kept) + 1


def test_a_file_torn_in_its_first_line_begins_anew(tmp_path: Path) -> None:
    segment = fill(tmp_path, 1)
    segment.write_bytes(segment.read_bytes()[:30])
    fill(tmp_path, 2)
    assert numbers(tmp_path) == [0, 1]
    assert Chain(tmp_path).verify() is None


def test_any_flipped_byte_is_named(tmp_path: Path) -> None:
    segment = fill(tmp_path, 4)
    whole = segment.read_bytes()
    for offset in range(len(whole)):
        for bit in (0x01, 0x20):
            segment.write_bytes(whole[:offset] + bytes([whole[offset] ^ bit]) + whole[offset + 1 :])
            bad = Chain(tmp_path).verify()
            assert bad is not None, offset
            assert (bad.file, bad.line) == (segment, whole.count(b"\n", 0, offset) + 1), offset


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        (lambda lines: [lines[0], *lines[2:]], 2, "is missing"),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2, "is missing"),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], 3, "is missing"),
        (lambda lines: lines[1:], 1, "is missing"),
        (lambda lines: [*lines[:2], b"\n", *lines[2:]], 3, "was changed"),
    ],
    ids=["dropped", "swapped", "doubled", "beheaded", "inserted"],
)
def test_lines_moved_about_are_named(
    tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], line: int, reason: str
) -> None:
    segment = fill(tmp_path, 4)
    segment.write_bytes(b"".join(change(segment.read_bytes().splitlines(keepends=True))))
    bad = Chain(tmp_path).verify()
    assert bad is not None
    assert bad.line == line
    assert reason in str(bad)
    assert str(segment) in str(bad)


def test_a_line_of_another_chain_does_not_follow(tmp_path: Path) -> None:
    segment, other = fill(tmp_path / "one", 3), fill(tmp_path / "other", 3)
    lines, foreign = segment.read_bytes().splitlines(keepends=True), other.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join([lines[0], foreign[1], lines[2]]))
    bad = Chain(tmp_path / "one").verify()
    assert bad is not None
    assert (bad.seq, bad.reason) == (2, "does not follow the one before")


def test_a_mac_does_not_belong_into_a_chain_without_a_key(tmp_path: Path) -> None:
    segment = fill(tmp_path, 2)
    first, second = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(first + second[:-2] + b',"mac":"' + b"0" * 64 + b'"}\n')
    bad = Chain(tmp_path).verify()
    assert bad is not None
    assert (bad.seq, bad.reason) == (2, "was changed")


def test_a_damaged_last_line_is_evidence_and_stays(tmp_path: Path) -> None:
    segment = fill(tmp_path, 3)
    segment.write_bytes(segment.read_bytes()[:-1] + b"X")
    fill(tmp_path, 1)
    bad = Chain(tmp_path).verify()
    assert bad is not None
    assert (bad.line, bad.reason) == (3, "was changed")
    assert len(segment.read_bytes().splitlines()) == 4


def test_segments_rotate_and_the_chain_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT_SIZE", 1000)
    fill(tmp_path, 10)
    fill(tmp_path, 10)
    segments = Chain(tmp_path).segments()
    assert len(segments) > 3
    assert all(segment.stat().st_size < 1500 for segment in segments)
    assert [entry.seq for entry in Chain(tmp_path).newest()] == list(range(20, 0, -1))
    assert Chain(tmp_path).verify() is None
    segments[1].unlink()
    bad = Chain(tmp_path).verify()
    assert bad is not None
    assert (bad.file, bad.line) == (segments[2], 1)


def test_a_long_line_torn_past_the_size_of_a_segment_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The torn segment is full, so the next line goes to a new one; the torn rest must not stay in the middle."""
    monkeypatch.setattr(module, "SEGMENT_SIZE", 1000)
    segment = fill(tmp_path, 1)
    with segment.open("ab") as file:
        file.write(b'{"data":' + b"x" * 2000)
    fill(tmp_path, 1)
    assert Chain(tmp_path).verify() is None
    assert numbers(tmp_path) == [0, 0]


def test_lines_longer_than_a_block_are_read_whole(tmp_path: Path) -> None:
    writer = Writer(Chain(tmp_path))
    for number in range(3):
        writer.append(1, "intent", {"n": number, "keys": ["x" * 100] * 1500})
    writer.close()
    assert numbers(tmp_path) == [0, 1, 2]
    assert Chain(tmp_path).verify() is None


@pytest.mark.parametrize("block", [1, 2, 7, 64, 1000])
def test_lines_come_backwards_whole_wherever_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """Joining a long line anew with each block once took the square of its length."""
    monkeypatch.setattr(chain, "BLOCK", block)
    for lines in ([b"a\n", b"\n", b"bc\n"], [b"x" * 200 + b"\n", b"y\n", b"z" * 65], [b"\n"], [b"torn"], []):
        segment = tmp_path / "1.jsonl"
        segment.write_bytes(b"".join(lines))
        assert list(chain.backwards(segment)) == lines[::-1]


def test_the_end_of_a_big_chain_is_read_without_the_rest(tmp_path: Path) -> None:
    segment = fill(tmp_path, 1)
    line = segment.read_bytes()
    segment.write_bytes(line * (4 * 1024 * 1024 // len(line)))
    before = _bytes_read()
    assert next(Chain(tmp_path).newest()).data["n"] == 0
    assert _bytes_read() - before < 256 * 1024


def _bytes_read() -> int:
    """Return how much this process has read so far (rchar of proc_pid_io(5))."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, child: Callable[..., subprocess.Popen[str]]) -> None:
    """RLIMIT_FSIZE makes the kernel write a part and then refuse, as a full disk does."""
    segment = fill(tmp_path, 1)
    out, errors = child(FULL_DISK, segment).communicate(timeout=30)
    assert out == "refused True\n", errors
    assert [entry.event for entry in Chain(tmp_path).newest()] == ["after", "before", "outcome"]
    assert Chain(tmp_path).verify() is None


def test_a_second_writer_stops_the_first(tmp_path: Path) -> None:
    first = Writer(Chain(tmp_path))
    first.append(1, "intent", {})
    fill(tmp_path, 1)
    with pytest.raises(BlockingIOError):
        first.append(1, "outcome", {})
    first.close()
    assert Chain(tmp_path).verify() is None


def test_a_line_is_on_disk_before_append_returns(tmp_path: Path, run: Callable[..., object]) -> None:
    """Seen from outside: the write, then fdatasync of that file, then fsync of the directory of a new segment."""
    trace = tmp_path / "trace"
    argv = ["strace", "-y", "-e", "trace=write,fdatasync,fsync", "-o", str(trace), sys.executable, "-c", APPEND]
    root = str(Path(__file__).parents[2])
    run(*argv, str(tmp_path / "chain"), env=os.environ | {"PYTHONPATH": root})
    lines = [line for line in trace.read_text().splitlines() if str(tmp_path / "chain") in line]
    assert [line.partition("(")[0] for line in lines] == ["fsync", "write", "fdatasync"]
    assert f"{tmp_path / 'chain'}>" in lines[0]
    assert lines[1].partition(">")[0].endswith(".jsonl")
