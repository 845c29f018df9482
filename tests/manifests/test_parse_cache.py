"""The parse cache: the same answer, sooner, and never a failure."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from conduit.dialect import document
from conduit.dialect.document import Document
from conduit.errors import Diagnostic
from conduit.manifests import cache, places
from conduit.manifests.load import Manifests
from conduit.model import Key

FILES = {
    "a.yaml": 'vars: {h: "x"}\npages:\n  one: {upstream: "{{ h }}", ratio: 0.1, backends: [é]}\n  two: {port: 80}\n',
    "b.yaml": "needies: {x: {upstream: 'no'}}\n",
    "empty.yaml": "",
}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files parsed so far."""
    seen: list[str] = []

    def spy(file: str, content: bytes, read: Callable[..., Document] = document.read) -> Document:
        seen.append(file.rpartition("/")[2])
        return read(file, content)

    monkeypatch.setattr(cache, "read", spy)
    monkeypatch.setattr(places, "read", spy)
    return seen


def test_an_unchanged_manifest_is_not_parsed_twice(
    load: Callable[..., Manifests], parsed: list[str], tmp_path: Path
) -> None:
    cold = load(FILES, cache=tmp_path / "cache")
    assert parsed == ["a.yaml", "b.yaml", "empty.yaml"]
    parsed.clear()
    warm = load(FILES, cache=tmp_path / "cache")
    assert parsed == []
    assert warm.resources == cold.resources
    assert warm.digest == cold.digest


def test_places_below_a_name_are_found_after_a_hit(load: Callable[..., Manifests], tmp_path: Path) -> None:
    load(FILES, cache=tmp_path / "cache")
    assert load(FILES, cache=tmp_path / "cache").locate(Key("page", "two"), "port") == ("desired/a.yaml", 4, 15)


def test_only_what_changed_is_parsed(load: Callable[..., Manifests], parsed: list[str], tmp_path: Path) -> None:
    load(FILES, cache=tmp_path / "cache")
    parsed.clear()
    changed = load(FILES | {"b.yaml": "pages: {three: {}}\n"}, cache=tmp_path / "cache")
    assert parsed == ["b.yaml"]
    assert Key("page", "three") in changed.resources


def test_nothing_is_written_when_nothing_changed(load: Callable[..., Manifests], tmp_path: Path) -> None:
    load(FILES, cache=tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    before = kept.stat()
    load(FILES, cache=tmp_path / "cache")
    after = kept.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_entries_no_longer_used_are_dropped(load: Callable[..., Manifests], tmp_path: Path) -> None:
    load(FILES, cache=tmp_path / "cache")
    load({"b.yaml": FILES["b.yaml"]}, cache=tmp_path / "cache")
    body = (tmp_path / "cache" / "manifests.json").read_bytes().partition(b"\n")[2]
    assert [line.partition(b" ")[0].decode() for line in body.splitlines()] == [
        sha256(FILES["b.yaml"].encode()).hexdigest()
    ]


def test_a_file_that_does_not_load_is_not_kept_and_its_neighbours_are(
    refuse: Callable[..., list[Diagnostic]], parsed: list[str], tmp_path: Path
) -> None:
    refuse(FILES | {"bad.yaml": "a: ["}, cache=tmp_path / "cache")
    parsed.clear()
    refuse(FILES | {"bad.yaml": "a: ["}, cache=tmp_path / "cache")
    assert parsed == ["bad.yaml"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"", lambda raw: raw[: len(raw) // 2], lambda raw: raw.replace(b"80", b"81"),
        lambda raw: b"\xff" * 100, lambda raw: raw + b" ", lambda raw: b"[]", lambda raw: b"\n",
        lambda raw: raw.replace(b"conduit", b"CONDUIT", 1),
    ],
)  # fmt: skip
def test_a_damaged_cache_is_harmless_and_repaired(
    load: Callable[..., Manifests], parsed: list[str], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    cold = load(FILES, cache=tmp_path / "cache")
    path = tmp_path / "cache" / "manifests.json"
    good = path.read_bytes()
    path.write_bytes(damage(good))
    assert load(FILES, cache=tmp_path / "cache").resources == cold.resources
    assert path.read_bytes() == good


def test_another_format_is_not_read(
    load: Callable[..., Manifests], parsed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(FILES, cache=tmp_path / "cache")
    parsed.clear()
    monkeypatch.setattr(cache, "HEADER", "conduit manifests 999 ")
    load(FILES, cache=tmp_path / "cache")
    assert len(parsed) == 3


def unusable(cache: Path, what: str) -> None:
    """Put something in the place of the cache, or of its directory, that it cannot be kept in."""
    if what == "a file for its directory":
        cache.write_text("")
        return
    cache.mkdir()
    path = cache / "manifests.json"
    match what:
        case "a link":
            path.symlink_to("/etc/shadow")
        case "a pipe":
            os.mkfifo(path)
        case "a directory":
            path.mkdir()


@pytest.mark.parametrize("what", ["a file for its directory", "a link", "a pipe", "a directory"])
def test_a_cache_that_cannot_be_used_is_done_without(load: Callable[..., Manifests], tmp_path: Path, what: str) -> None:
    unusable(tmp_path / "cache", what)
    assert load(FILES, cache=tmp_path / "cache").resources == load(FILES, cache=None).resources
