"""A large manifest that nobody has read before is read by two processes, and nobody can tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MANY = "routes:\n" + "".join(
    f"  r{n}: {{names: [r{n}.lan], upstreams: [{{address: '10.0.0.1:{n + 1}'}}], tls: false}}\n" for n in range(5000)
)
BROKEN = MANY.replace("'10.0.0.1:4000'", "'10.0.0.1:4000")
WRONG = MANY.replace("10.0.0.1:4000'", "10.0.0.1:400000'")

SCRIPT = """
import os, sys
from conduit.cli.main import run
def counted(fork=os.fork):
    pid = fork()
    if pid == 0 and {dies}:
        os.kill(os.getpid(), 9)
    if pid:
        print("copied", file=sys.stderr)
    return pid
os.fork = counted
if {alone}:
    import threading
    threading.Thread(target=threading.Event().wait, daemon=True).start()
sys.stdout.flush()
code = run(sys.argv[1:])
sys.stdout.flush()
os._exit(code)
"""


def looked_at(base: Path, *, dies: bool = False, alone: bool = False) -> tuple[str, bytes, int]:
    """What `conduit diff` says where no Caddy runs, the parse cache it leaves, and how many copies it made."""
    cache = base / "state" / "cache" / "manifests.json"
    cache.unlink(missing_ok=True)
    argv = [sys.executable, "-c", SCRIPT.format(dies=dies, alone=alone), "-C", str(base), "diff"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    copies, told = done.stderr.count("copied\n"), done.stderr.replace("copied\n", "")
    return f"{done.returncode} {done.stdout} {told}", cache.read_bytes() if cache.exists() else b"", copies


@pytest.mark.parametrize("text", [MANY, BROKEN, WRONG], ids=["valid", "broken", "wrong"])
def test_two_processes_read_what_one_reads(tmp_path: Path, text: str) -> None:
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "site.yaml").write_text(text)
    (tmp_path / "conduit.yaml").write_text("state_dir: state\ncaddy: {admin: unix//nowhere/admin.sock}\n")
    alone = looked_at(tmp_path, alone=True)
    assert [alone[2], looked_at(tmp_path), looked_at(tmp_path, dies=True)] == [0, (*alone[:2], 1), (*alone[:2], 1)]
