"""Work aside, as a process without other threads sees it: those of pytest would keep it from making a copy."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest


def run(script: str) -> str:
    argv = [sys.executable, "-c", "import os, signal, threading\nfrom conduit.aside import aside\n" + dedent(script)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert not done.stderr
    return done.stdout


def test_a_copy_works_while_the_first_process_goes_on() -> None:
    script = """
        reading, writing = os.pipe()
        told = aside(lambda: os.read(reading, 9) + b" " + str(os.getppid() == first).encode())
        first = os.getpid()
        os.write(writing, b"a message")
        print(told())
    """
    assert run("first = os.getpid()\n" + dedent(script)) == "b'a message True'\n"


@pytest.mark.parametrize(
    "end",
    ["os.kill(os.getpid(), signal.SIGKILL)", "1 / 0", "raise SystemExit(0)", "raise KeyboardInterrupt"],
)
def test_a_copy_that_comes_to_grief_tells_nothing_and_never_goes_on(end: str) -> None:
    script = f"""
        def work():
            {end}
        print(aside(work)())
    """
    assert run(script) == "b''\n"


def test_a_copy_that_dies_while_it_tells_has_told_nothing() -> None:
    script = """
        print(aside(lambda: [os.write(4, (9).to_bytes(8) + b"half"), os._exit(0)])())
    """
    assert run(script) == "b''\n"


def test_nobody_has_to_be_waited_for_where_sigchld_is_ignored() -> None:
    script = """
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        print(aside(lambda: b"told")())
    """
    assert run(script) == "b'told'\n"


def test_more_than_a_pipe_holds_is_told_and_no_copy_is_left() -> None:
    script = """
        print(len(aside(lambda: bytes(1_000_000))()))
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            print("nobody")
    """
    assert run(script) == "1000000\nnobody\n"


def test_there_is_no_copy_beside_another_thread_or_without_room_for_one() -> None:
    script = """
        ended = threading.Event()
        other = threading.Thread(target=ended.wait)
        other.start()
        print(aside(lambda: b"x"))
        ended.set()
        other.join()
        def refuse():
            raise BlockingIOError
        os.fork = refuse
        print(aside(lambda: b"x"), len(os.listdir("/proc/self/fd")))
    """
    assert run(script) == "None\nNone 4\n"
