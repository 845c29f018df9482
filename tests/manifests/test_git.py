"""A tree in the middle of a merge is not loaded (Y6), told from git's index, with git itself as the judge."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from conduit.manifests.git import head_commit, unmerged
from conduit.manifests.tree import read_tree
from tests.conftest import run_program

SAFE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_EDITOR": "true"}
WHO = ("-c", "user.name=a", "-c", "user.email=a@home.arpa")


def git(place: Path, *words: str, fails: bool = False) -> str:
    """Run git in a directory, as somebody with no settings of their own."""
    done = run_program("git", *WHO, *words, cwd=place, env=os.environ | SAFE)
    assert (done.code != 0) == fails, done
    return done.stdout


def save(place: Path, message: str) -> None:
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", message)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository where the branch `other` took away the manifest that `main` changed."""
    return diverged(tmp_path / "site")


def diverged(place: Path, *options: str, files: tuple[str, ...] = ("desired/wiki.yaml",)) -> Path:
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch=main", *options)
    for name in ("desired/kept.yaml", "README.md", *files):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("{}\n")
    save(place, "first")
    git(place, "switch", "--quiet", "--create", "other")
    for name in files:
        (place / name).unlink()
    save(place, "gone")
    git(place, "switch", "--quiet", "main")
    for name in files:
        (place / name).write_text("# changed\n{}\n")
    save(place, "changed")
    return place


def stash(place: Path) -> None:
    """A stash that conflicts leaves no file beside the index that would tell of it."""
    (place / "desired/wiki.yaml").write_text("# stashed\n{}\n")
    git(place, "stash", "--quiet")
    git(place, "rm", "--quiet", "desired/wiki.yaml")
    save(place, "gone here too")
    git(place, "stash", "pop", fails=True)


WAYS: dict[str, Callable[[Path], object]] = {
    "merge": lambda place: git(place, "merge", "other", fails=True),
    "squash": lambda place: git(place, "merge", "--squash", "other", fails=True),
    "rebase": lambda place: git(place, "rebase", "other", fails=True),
    "cherry-pick": lambda place: git(place, "cherry-pick", "other", fails=True),
    "revert": lambda place: git(place, "revert", "--no-edit", "HEAD~1", fails=True),
    "stash": stash,
}


@pytest.mark.parametrize("way", WAYS)
def test_y6_a_merge_that_is_not_finished_is_refused_without_any_marker(repository: Path, way: str) -> None:
    assert read_tree(repository / "desired", repository).problems == []
    WAYS[way](repository)
    (problem,) = read_tree(repository / "desired", repository).problems
    assert "desired/wiki.yaml" in problem.summary
    assert "git add" in problem.hint
    assert str(problem.source) == "desired/wiki.yaml"
    git(repository, "add", "--all")
    assert read_tree(repository / "desired", repository).problems == []


NAMES = (f"desired/{'n' * 250}.yaml", *(f"desired/{'d' * (n % 9)}/{'é' * (n % 40)}{n}.yaml" for n in range(200)))


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_every_form_of_an_index_is_read_as_git_reads_it(tmp_path: Path, version: int, form: str) -> None:
    place = diverged(tmp_path / "site", f"--object-format={form}", files=NAMES)
    git(place, "merge", "other", fails=True)
    (place / "desired/new.yaml").write_text("{}\n")
    git(place, "add", "--intent-to-add", "desired/new.yaml")  # makes an entry with extended flags
    git(place, "rm", "--quiet", *NAMES[::3])
    git(place, "update-index", "--index-version", str(version))
    listed = git(place, "ls-files", "--unmerged", "-z").split("\0")[:-1]
    told = dict.fromkeys(line.partition("\t")[2] for line in listed)
    assert len(told) == len(NAMES) - len(NAMES[::3])
    assert unmerged(place) == list(told)
    assert unmerged(place / "desired") == [name.removeprefix("desired/") for name in told]


def test_a_conflict_in_a_linked_work_tree_stays_its_own(repository: Path) -> None:
    linked = repository.parent / "linked"
    git(repository, "worktree", "add", "--quiet", str(linked), "-b", "third")
    git(linked, "merge", "other", fails=True)
    assert unmerged(linked / "desired") == ["wiki.yaml"]
    assert unmerged(repository / "desired") == []
    assert head_commit(linked) == head_commit(repository)


def test_a_conflict_beside_the_manifests_is_not_theirs(tmp_path: Path) -> None:
    place = diverged(tmp_path / "site", files=("docs/a.md", "desired-too/b.yaml"))
    git(place, "merge", "other", fails=True)
    assert unmerged(place / "desired") == []


def test_a_damaged_index_tells_nothing_and_harms_nothing(repository: Path) -> None:
    git(repository, "merge", "other", fails=True)
    index = repository / ".git/index"
    whole = index.read_bytes()
    for damaged in (*(whole[:size] for size in range(0, len(whole), 7)), b"\xff" * 200, whole[:8] + b"\xff" * 200):
        index.write_bytes(damaged)
        assert set(unmerged(repository)) <= {"desired/wiki.yaml"}
    index.unlink()
    assert unmerged(repository) == []
    assert unmerged(repository.parent) == []
