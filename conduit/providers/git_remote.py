"""What only the git program does: fetching from a remote, and judging a signature. Nothing a repository sets is run.

Programs come from here, never from a repository's settings; submodules, hooks and prompts are off. Sources:
git-fetch(1), git-verify-commit(1), ssh-keygen(1) under ALLOWED SIGNERS.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from conduit.errors import Code, ConduitError, Diagnostic, Unreadable

NO_REMOTE = Code(
    "CND-0141",
    "the git remote cannot be fetched",
    "The loop pulls the manifests from a remote and could not fetch it. Its words are in the message. What is checked "
    "out stays in force. Check the network, and that the user conduit runs as may read it without being asked.",
)
UNSIGNED = Code(
    "CND-0142",
    "a commit without an accepted signature",
    "`reconcile.pull.allowed_signers` names whose signatures count, and the newest commit of the remote bears none of "
    "them. It is not checked out. Sign it (`git commit -S`) with an SSH key of that file, or add the key to it. "
    "Signatures of gpg do not count.",
)

PROGRAM: Final = "/usr/bin/git"
SSH: Final = "/usr/bin/ssh -o BatchMode=yes -o StrictHostKeyChecking=yes"
ENVIRONMENT: Final = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "GIT_SSH_COMMAND": SSH,
}
FIXED: Final = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.gitProxy="),
    *("-c", "credential.helper="),
    *("-c", "fetch.recurseSubmodules=false"),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "gc.auto=0"),
    *("-c", "gpg.program=/usr/bin/false"),  # it would take any key of a keyring, whoever that belongs to
    *("-c", "gpg.x509.program=/usr/bin/false"),
    *("-c", "gpg.ssh.program=/usr/bin/ssh-keygen"),
)
FETCH_SECONDS: Final = 60.0
JUDGE_SECONDS: Final = 10.0
TEXT: Final = 2_000


def fetch(work_tree: Path, remote: str, branch: str) -> None:
    """Fetch one branch to `refs/remotes/<remote>/<branch>`, wherever it points now. Raises `Unreadable`."""
    wanted = f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}"
    words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--upload-pack=git-upload-pack")
    done = _run(work_tree, *words, "--", remote, wanted, seconds=FETCH_SECONDS)
    if done.returncode:
        raise Unreadable(Diagnostic(NO_REMOTE, f"git fetch {remote} {branch}: {_said(done)}"))


def require_signed(work_tree: Path, commit: str, allowed_signers: Path) -> None:
    """Raise ConduitError unless a commit bears the SSH signature of a key in an allowed signers file."""
    chosen = ("-c", f"gpg.ssh.allowedSignersFile={allowed_signers}", "verify-commit", "--end-of-options", commit)
    done = _run(work_tree, *chosen, seconds=JUDGE_SECONDS)
    if done.returncode:
        hint = f"sign it with an SSH key of {allowed_signers} (git config gpg.format ssh)"
        raise ConduitError(Diagnostic(UNSIGNED, f"commit {commit[:12]} is not accepted: {_said(done)}", hint=hint))


def _run(work_tree: Path, *words: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [PROGRAM, *FIXED, *words],
            cwd=work_tree,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreadable(Diagnostic(NO_REMOTE, f"git {words[0]}: {error}", hint="install git")) from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stderr[:TEXT].decode(errors="replace").strip() or "no signature"
