"""conduit in a process of its own that does not have to start: it is forked from one that has imported it.

Starting Python and importing conduit is most of what a short command costs, and the tests run more than a thousand. A
forked command has its own process, environment, directory, standard streams and exit code, as a started one has. Tests
of starting itself, and of what Python reads from its environment, start `python -m conduit`.
"""

from __future__ import annotations

import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple, NoReturn

import conduit

LONGEST = 2**17
"""The bytes of an order, which holds the words, the environment and the directory."""
NUMBER = 8
"""The bytes of each of the two numbers that answer an order: the pid, and the exit code when the process has ended."""


class Ran(NamedTuple):
    """How a program ended."""

    code: int
    stdout: str
    stderr: str


def run_conduit(
    *words: str,
    cwd: Path,
    env: Mapping[str, str],
    input: str | None = None,  # noqa: A002 - as subprocess.run calls it
    timeout: float = 60,
) -> Ran:
    """Run `conduit <words>` to its end; raises TimeoutExpired when that takes too many seconds."""
    order = json.dumps({"words": words, "directory": str(cwd), "environment": dict(env)}).encode()
    with TemporaryFile("w+") as given, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        given.write(input or "")
        given.seek(0)
        answers, theirs = os.pipe()
        try:
            streams = [stream.fileno() for stream in (given, out, err)]
            socket.send_fds(_parent(), [order], [*streams, theirs])
            os.close(theirs)
            pid = _number(answers)
            if not select.select([answers], [], [], timeout)[0]:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(words, timeout)
            code = _number(answers)
        finally:
            os.close(answers)
        out.seek(0)
        err.seek(0)
        return Ran(code, out.read(), err.read())


@cache
def _parent() -> socket.socket:
    """Start the process that commands are forked from, and return where it takes orders until this process ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    argv = [sys.executable, "-m", "tests.forked", str(theirs.fileno())]
    subprocess.Popen(argv, cwd=Path(__file__).parents[1], pass_fds=[theirs.fileno()], start_new_session=True)
    theirs.close()
    return ours


def _number(answers: int) -> int:
    return int.from_bytes(os.read(answers, NUMBER), sys.byteorder, signed=True)


def _tell(answers: int, number: int) -> None:
    os.write(answers, number.to_bytes(NUMBER, sys.byteorder, signed=True))


def serve(orders: socket.socket) -> None:
    """Import conduit, and fork a process for each order until nobody gives any more."""
    for module in pkgutil.walk_packages(conduit.__path__, "conduit."):
        if not module.name.startswith("conduit.api"):
            import_module(module.name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        order, streams, _, _ = socket.recv_fds(orders, LONGEST, 4)
        if not order:
            return
        if os.fork() == 0:
            orders.close()
            _attend(json.loads(order), *streams)
        for stream in streams:
            os.close(stream)


def _attend(order: dict[str, Any], given: int, out: int, err: int, answers: int) -> NoReturn:
    """Fork the command itself, and tell its pid and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        _become(order, given, out, err)
    _tell(answers, pid)
    _tell(answers, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    os._exit(0)


def _become(order: dict[str, Any], *streams: int) -> NoReturn:
    """Be the command."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.chdir(order["directory"])
    sys.argv[1:] = order["words"]
    import_module("conduit.__main__").main()
    raise AssertionError("main ends the process")


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
