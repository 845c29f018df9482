"""Which files are read, and what happens to things that are not files."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from conduit.errors import LoadError
from conduit.manifests.tree import read_still_tree, read_tree


@pytest.fixture
def desired(tmp_path: Path) -> Path:
    (tmp_path / "desired").mkdir()
    return tmp_path / "desired"


def names(desired: Path) -> list[str]:
    return [file.name for file in read_tree(desired, desired.parent).files]


def refusal(desired: Path) -> str:
    tree = read_tree(desired, desired.parent)
    assert tree.files == []
    (problem,) = tree.problems
    assert problem.code.id == "CND-0101"
    assert problem.line == ""
    return problem.summary


def test_manifests_of_any_nesting_come_in_a_fixed_order(desired: Path) -> None:
    for name in ("b.yaml", "a/z.yml", "a/b/c/d.yaml", "a.yaml", "notes.txt", "a/README"):
        (desired / name).parent.mkdir(parents=True, exist_ok=True)
        (desired / name).write_text("{}")
    assert names(desired) == ["desired/a.yaml", "desired/a/b/c/d.yaml", "desired/a/z.yml", "desired/b.yaml"]


def test_compose_files_are_no_manifests(desired: Path) -> None:
    for name in ("compose.yaml", "wiki/docker-compose.yml", "wiki/wiki.yaml"):
        (desired / name).parent.mkdir(parents=True, exist_ok=True)
        (desired / name).write_text("services: {}")
    assert names(desired) == ["desired/wiki/wiki.yaml"]


def test_hidden_and_temporary_names_are_ignored(desired: Path) -> None:
    (desired / ".git").mkdir()
    for name in (
        ".git/x.yaml",
        ".hidden.yaml",
        ".conduit-a.yaml.1.tmp",
        "a.yaml~",
        "#a.yaml#",
        ".a.yaml.swp",
        "a.yaml.bak",
    ):
        (desired / name).write_text("{}")
    (desired / ".#a.yaml").symlink_to("user@host.1234")
    assert names(desired) == []
    assert read_tree(desired, desired.parent).problems == []


def test_a_link_is_not_followed(desired: Path) -> None:
    (desired / "x.yaml").symlink_to("/etc/shadow")
    assert "symbolic link" in refusal(desired)


def test_a_linked_directory_is_told_not_skipped(desired: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (desired / "common").symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in refusal(desired)


def test_a_pipe_does_not_hang(desired: Path) -> None:
    os.mkfifo(desired / "x.yaml")
    assert "plain file" in refusal(desired)


def test_a_device_is_refused(desired: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("making a device takes root")
    os.mknod(desired / "x.yaml", 0o020666, os.makedev(1, 5))
    assert "plain file" in refusal(desired)


def test_a_directory_with_the_name_of_a_manifest_is_refused(desired: Path) -> None:
    (desired / "x.yaml").mkdir()
    assert "directory" in refusal(desired)


def test_a_file_beyond_the_limit_is_not_read(desired: Path) -> None:
    with (desired / "x.yaml").open("wb") as file:
        file.truncate(2 * 2**30)
    assert "larger" in refusal(desired)


def test_a_name_that_cannot_be_shown_is_refused(desired: Path) -> None:
    (desired / "a\n\x1b[31m.yaml").write_text("{}")
    assert "\x1b" not in refusal(desired)


def test_an_unreadable_file_is_told() -> None:
    with tempfile.TemporaryDirectory() as base:
        desired = Path(base) / "desired"
        desired.mkdir()
        (desired / "x.yaml").write_text("{}")
        (desired / "x.yaml").chmod(0)
        Path(base).chmod(0o755)
        me = os.geteuid()
        if me == 0:
            os.seteuid(65534)
        try:
            assert "permission denied" in refusal(desired)
        finally:
            os.seteuid(me)


def test_an_absent_directory_is_an_error_not_an_empty_site(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="no directory"):
        read_tree(tmp_path / "desired", tmp_path)


def test_too_many_files_are_refused(desired: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conduit.manifests.tree.MAX_FILES", 3)
    for number in range(3):
        (desired / f"{number}.yaml").write_text("{}")
    assert len(names(desired)) == 3
    (desired / "3.yaml").write_text("{}")
    with pytest.raises(LoadError) as caught:
        read_tree(desired, desired.parent)
    assert caught.value.diagnostics[0].code.title == "too_many"


def test_deep_directories_are_no_recursion(desired: Path) -> None:
    here = desired
    for _ in range(1100):
        here = here / "d"
        here.mkdir()
    try:
        assert names(desired) == []
    finally:  # pytest removes its own directories by recursion
        subprocess.run(["rm", "-rf", str(desired / "d")], check=True)


def test_a_tree_that_is_being_written_is_read_when_it_rests(desired: Path) -> None:
    """A file saved in two steps is never taken for whole between them."""
    manifest = desired / "a.yaml"
    manifest.write_text("services:\n  a: {}\n")

    def finish() -> None:
        with manifest.open("a") as file:
            file.write("  b: {}\n")

    later = threading.Timer(0.1, finish)
    later.start()
    tree = read_still_tree(desired, desired.parent, 0.5)
    later.join()
    assert [file.content for file in tree.files] == [b"services:\n  a: {}\n  b: {}\n"]


def test_a_tree_dated_in_the_future_is_read_at_once(desired: Path) -> None:
    manifest = desired / "a.yaml"
    manifest.write_text("services: {}\n")
    os.utime(manifest, (4_000_000_000, 4_000_000_000))
    assert len(read_still_tree(desired, desired.parent, 3600).files) == 1
