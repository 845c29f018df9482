"""Following a git remote: forward only, and only what an allowed signer signed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conduit.errors import ConduitError
from conduit.providers import git_remote
from tests.conftest import Site, run_program
from tests.loop.conftest import SAFE, WHO, Watch

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"


@pytest.fixture
def theirs(directory: Path, git: Callable[..., str], committed: Callable[..., Path]) -> Callable[..., str]:
    """`theirs("commit", ...)`: git in a clone of the site's repository that others work in."""
    committed(one=A)
    git("remote", "add", "origin", str(directory / "origin.git"))
    run_program("git", "clone", "--quiet", "--bare", str(directory / "site"), str(directory / "origin.git"))
    place = directory / "theirs"
    run_program("git", "clone", "--quiet", str(directory / "origin.git"), str(place))

    def run(*words: str) -> str:
        done = run_program("git", *WHO, *words, cwd=place, env=os.environ | SAFE)
        assert done.code == 0, done
        return done.stdout

    return run


@pytest.fixture
def signers(directory: Path, run: Callable[..., Any]) -> Path:
    """Keys of `ann`, who is allowed, and of `eve`, who is not; the file of allowed signers."""
    for name in ("ann", "eve"):
        assert run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)).code == 0
    path = directory / "signers"
    path.write_text(f"ann@home.arpa {(directory / 'ann.pub').read_text()}")
    return path


@pytest.fixture
def keyring(directory: Path, run: Callable[..., Any]) -> Iterator[dict[str, str]]:
    """The environment in which gpg has a secret key of `ann@home.arpa`, and knows nobody else."""
    home = directory / "gpg"
    home.mkdir(mode=0o700)
    own = {"GNUPGHOME": str(home)}
    made = run(
        "gpg", "--batch", "--passphrase", "", "--quick-gen-key", "ann@home.arpa", "ed25519", env=os.environ | own
    )
    assert made.code == 0, made
    yield own
    run("gpgconf", "--kill", "all", env=os.environ | own)


def test_a_signature_of_gpg_is_refused_though_gpg_would_accept_it(
    directory: Path, theirs: Callable[..., str], signers: Path, keyring: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in keyring.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setitem(git_remote.ENVIRONMENT, name, value)
    theirs("commit", "--quiet", "--allow-empty", "--message", "signed", "-Sann@home.arpa")
    tip = theirs("rev-parse", "HEAD").strip()
    theirs("verify-commit", tip)
    with pytest.raises(ConduitError) as caught:
        git_remote.require_signed(directory / "theirs", tip, signers)
    assert caught.value.diagnostics[0].code is git_remote.UNSIGNED


def test_y15_only_signed_commits_that_follow_are_checked_out(
    site: Site,
    directory: Path,
    theirs: Callable[..., str],
    git: Callable[..., str],
    signers: Path,
    watching: Callable[..., Watch],
    wait_for: Callable[..., Any],
) -> None:
    loop = watching({"pull": {"interval": 1, "allowed_signers": str(signers)}})
    wait_for(lambda: site.dig("one.home.arpa") == [A], "applied")
    manifest = directory / "theirs/desired/records.yaml"

    def push(address: str, signer: str = "", *words: str) -> str:
        manifest.write_text(f"dns_records:\n  one: {{name: one.home.arpa, value: {address}}}\n")
        key = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={directory / signer}") if signer else ()
        theirs(*key, "commit", "--quiet", "--all", "--message", address, *(["-S"] if signer else []))
        theirs("push", "--quiet", *words, "origin", "HEAD:main")
        return theirs("rev-parse", "HEAD").strip()

    def told(code: str) -> bool:
        return code in {line["code"] for line in loop.lines("failed")}

    push(B)
    wait_for(lambda: told("CND-0142"), "an unsigned commit is refused")
    push(B + "0", "eve")
    assert site.dig("one.home.arpa") == [A]
    signed = push(C, "ann")
    wait_for(lambda: site.dig("one.home.arpa") == [C], "a signed one is live")
    assert git("rev-parse", "HEAD").strip() == signed
    assert git("status", "--porcelain", "desired") == ""
    theirs("reset", "--quiet", "--hard", "HEAD~2")
    push("10.0.0.4", "ann", "--force")
    wait_for(lambda: told("CND-0143"), "a rewound history is refused")
    assert site.dig("one.home.arpa") == [C]
    assert git("rev-parse", "HEAD").strip() == signed


def test_y13_a_pull_runs_nothing_the_repository_names(
    site: Site, directory: Path, theirs: Callable[..., str], git: Callable[..., str], signers: Path
) -> None:
    from conduit.manifests.git import head_commit
    from conduit.manifests.pulling import pull
    from conduit.settings import Pull

    canary, program = directory / "canary", directory / "program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    program.chmod(0o755)
    for hook in ("post-merge", "post-checkout", "reference-transaction", "pre-auto-gc", "post-index-change"):
        path = site.directory / ".git/hooks" / hook
        path.write_text(program.read_text())
        path.chmod(0o755)
    for name in (
        *("core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.askPass", "core.pager", "gpg.program"),
        *(
            "gpg.ssh.program",
            "credential.helper",
            "remote.origin.uploadpack",
            "filter.evil.smudge",
            "filter.evil.process",
        ),
    ):
        git("config", name, str(program))
    git("config", "protocol.ext.allow", "always")
    place = directory / "theirs"
    (place / ".gitattributes").write_text("*.yaml filter=evil diff=evil\n")
    (place / "desired/more.yaml").write_text("dns_records: {}\n")
    theirs("add", "--all")
    key = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={directory / 'ann'}")
    theirs(*key, "commit", "--quiet", "--message", "more", "-S")
    theirs("push", "--quiet", "origin", "HEAD:main")
    canary.unlink(missing_ok=True)
    tip = pull(site.desired, Pull(), signers)
    assert tip == theirs("rev-parse", "HEAD").strip() == head_commit(site.directory)
    assert (site.desired / "more.yaml").read_text() == "dns_records: {}\n"
    assert not canary.exists()
