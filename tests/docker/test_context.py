"""What belongs to a build context: the rules of .dockerignore, and one hash for all that counts."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit.providers.docker_context import OUTSIDE, hash_of, pack
from conduit.providers.docker_ignore import Ignore

NAMES = st.sampled_from(["a", "b", "a.log", "b.txt", "[x]"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PARTS = st.sampled_from(["a", "b", "*", "**", "*.log", "?", "[ab]", "b.*"])
LINES = st.tuples(st.sampled_from(["", "!", "/"]), st.lists(PARTS, min_size=1, max_size=3).map("/".join)).map("".join)
COMPARABLE = LINES.filter(lambda line: not (line.startswith("!") and "**" in line))
"""Where `!**/a` takes a whole directory back, Docker goes by all parents of a path, and the SDK only by some."""


def test_dockerignore_leaves_out_what_its_rules_say() -> None:
    ignore = Ignore("# comment\n*.md\n!README.md\nnode_modules\n**/*.tmp\n/dist/\n  build  \n")
    left_out = ["x.md", "node_modules", "node_modules/a/b", "x.tmp", "a/b/x.tmp", "dist/x", "build"]
    assert [path for path in left_out if not ignore.leaves_out(path)] == []
    kept = ["README.md", "src/x.md", "src/node_modules", "a/dist", "main.py"]
    assert [path for path in kept if ignore.leaves_out(path)] == []


def test_a_line_that_is_no_pattern_is_told() -> None:
    with pytest.raises(ValueError, match=r"line 2 of \.dockerignore"):
        Ignore("a\n[b-a]\n")


@settings(max_examples=60, deadline=None)
@given(paths=st.sets(PATHS, min_size=1, max_size=6), lines=st.lists(COMPARABLE, max_size=4))
def test_the_sdk_leaves_out_the_same(
    tmp_path_factory: pytest.TempPathFactory, paths: set[str], lines: list[str]
) -> None:
    """The SDK looks at fewer parents of a path; what it keeps beside ours lies in a directory that is left out."""
    root = tmp_path_factory.mktemp("context")
    for path in paths:
        if not any((root / parent).is_file() for parent in Path(path).parents) and not (root / path).exists():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("")
    (root / ".dockerignore").write_text("\n".join(lines))
    files = {str(found.relative_to(root)) for found in root.rglob("*") if found.is_file()} - {".dockerignore"}
    kept = {member.name for member in packed(root, "/dev/null")[1]} & files
    theirs = exclude_paths(str(root), lines) & files
    assert kept <= theirs
    ignore = Ignore("\n".join(lines))
    assert all(any(ignore.leaves_out(str(parent)) for parent in Path(path).parents) for path in theirs - kept)


@pytest.fixture
def context(directory: Path) -> Path:
    path = directory / "context"
    (path / "src").mkdir(parents=True)
    (path / "Dockerfile").write_text("FROM scratch\n")
    (path / "src" / "main").write_text("main\n")
    (path / "link").symlink_to("src/main")
    return path


def packed(context: Path, dockerfile: str = "Dockerfile") -> tuple[str, list[tarfile.TarInfo]]:
    archive = io.BytesIO()
    digest = pack(context, dockerfile, archive)
    archive.seek(0)
    return digest, tarfile.open(fileobj=archive).getmembers()


def test_the_archive_holds_what_was_hashed(context: Path) -> None:
    digest, members = packed(context)
    assert digest == hash_of(context, "Dockerfile")
    assert [member.name for member in members] == ["Dockerfile", "link", "src", "src/main"]
    assert {(member.uid, member.gid, member.uname) for member in members} == {(0, 0, "")}
    assert members[1].linkname == "src/main"


@pytest.mark.parametrize(
    "change",
    [
        lambda context: (context / "src" / "main").write_text("other\n"),
        lambda context: (context / "src" / "more").write_text(""),
        lambda context: (context / "src" / "main").chmod(0o755),
        lambda context: (context / "src" / "main").rename(context / "src" / "renamed"),
        lambda context: ((context / "link").unlink(), (context / "link").symlink_to("elsewhere")),
        lambda context: (context / "Dockerfile").write_text("FROM scratch\nUSER 1\n"),
    ],
)
def test_whatever_counts_changes_the_hash(context: Path, change: object) -> None:
    before = hash_of(context, "Dockerfile")
    change(context)  # type: ignore[operator]
    assert hash_of(context, "Dockerfile") != before


def test_times_do_not_count(context: Path) -> None:
    before = hash_of(context, "Dockerfile")
    os.utime(context / "src" / "main", (1, 1))
    assert hash_of(context, "Dockerfile") == before


def test_pipes_are_passed_over_and_never_waited_for(context: Path) -> None:
    before = hash_of(context, "Dockerfile")
    os.mkfifo(context / "pipe")
    assert hash_of(context, "Dockerfile") == before


def test_a_dockerfile_from_outside_is_taken_along(context: Path, directory: Path) -> None:
    outside = directory / "Outside"
    outside.write_text("FROM scratch\nUSER 2\n")
    digest, members = packed(context, str(outside))
    assert members[0].name == OUTSIDE
    assert digest == hash_of(context, str(outside))
    assert digest != hash_of(context, "Dockerfile")


def test_the_dockerfile_and_the_patterns_are_always_sent(context: Path) -> None:
    (context / ".dockerignore").write_text("*\n!src\n")
    assert [member.name for member in packed(context)[1]] == [".dockerignore", "Dockerfile", "src", "src/main"]


def test_a_context_that_is_too_large_is_refused(context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conduit.providers.docker_context.MOST_FILES", 3)
    with pytest.raises(ValueError, match="leave out what is not needed"):
        hash_of(context, "Dockerfile")
