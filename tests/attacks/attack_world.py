"""A site under attack, and what must hold after each refused attack as a program outside conduit sees it."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from conduit.change import Action
from conduit.engine import Engine
from conduit.errors import ConduitError, Diagnostic
from conduit.manifests.settings_file import read_settings
from conduit.sandbox.daemon import Daemon
from tests.conftest import ROOT, Ran, Site, run_program
from tests.faults import oracle

CANARY = "CANARY-5e1f09c2"
"""Lies in Caddy's environment and in a file Caddy can read; nobody may ever be shown it."""

GOOD = 'services:\n  good:\n    upstream: "{upstream}"\n    response_headers: {{X-Round: "{round}"}}\n'
HOST = "good.home.arpa"
FORGETTABLE = ("state/cache/", "state/lock")
"""What a refused run may write: parsed manifests, and who asked for the lock last."""


class Problem(NamedTuple):
    """A diagnostic as far as every door must tell it alike."""

    code: str
    place: str
    message: str


@dataclass
class Attacked:
    """One site. `round` counts the changes of its good service, each of which shows as a served header."""

    site: Site
    upstream: str
    canary: Path
    round: int = 0

    @property
    def inside(self) -> str:
        """The placeholder that makes Caddy show the canary's file."""
        return f"{{file.{self.canary}}}"

    def change(self) -> None:
        """A valid change: it is applied and served, whatever was refused before."""
        self.round += 1
        self.site.write("good.yaml", GOOD.format(upstream=self.upstream, round=self.round))
        deletes = sum(change.action is Action.DELETE for change in self.engine().plan().changes)
        done = self.site.conduit("apply", "--yes", "--allow-deletes", str(deletes))
        assert done.code == 0, oracle.told(done)
        assert f"X-Round: {self.round}" in self.site.curl(f"https://{HOST}/").stdout.replace("x-round", "X-Round")

    def clear(self) -> None:
        """Take everything but the good service out of the tree."""
        for path in sorted(self.site.desired.rglob("*"), reverse=True):
            if path.name != "good.yaml":
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    def engine(self, **options: Any) -> Engine:
        """The engine of the site in this process."""
        return Engine(read_settings(self.site.settings_file), **options)

    def look(self) -> oracle.Snapshot:
        """Look at all daemons and files that must not change."""
        seen = oracle.look(self.site, [HOST])
        kept = {name: stamp for name, stamp in seen.files.items() if not name.startswith(FORGETTABLE)}
        return replace(seen, files=kept)

    def problems(self) -> list[Problem]:
        """Return what this process says of the tree; empty when it can be planned."""
        try:
            self.engine().plan()
        except ConduitError as error:
            return [_problem(told) for told in error.diagnostics]
        return []

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write manifests beside the good one."""
        for name, content in files.items():
            self.site.write(name, "").write_bytes(content if isinstance(content, bytes) else content.encode())

    def refuse(self, files: Mapping[str, str | bytes], *options: str, before: Iterable[str] = ()) -> list[Problem]:
        """Put files into the tree and return the problems, after checking all of what a refusal promises.

        Every command and this process give the same verdict; nothing live and no file changes; nothing is echoed.
        `before` are the words of a program that runs conduit.
        """
        found = self.refuse_plan(files, *options, before=before)
        ran = self.run("diff", *options, before=before)
        assert (ran.code, ran.stdout) == (1, ""), oracle.told(ran)
        assert all(f"[{problem.code}]" in ran.stderr for problem in found)
        if not before and not options:
            assert self.problems() == found
        return found

    def refuse_plan(self, files: Mapping[str, str | bytes], *options: str, before: Iterable[str] = ()) -> list[Problem]:
        """Put files into the tree whose apply is refused without any effect, and return why."""
        self.write(files)
        live, tree = self.look(), _tree(self.site.desired)
        told = self.run("apply", "--yes", "--json", *options, before=before)
        assert told.code == 1, oracle.told(told)
        assert _tree(self.site.desired) == tree
        assert oracle.changed(live, self.look()) == []
        assert temporary(self.site.directory) == []
        return problems_in(told)

    def run(self, *words: str, before: Iterable[str] = (), **options: Any) -> Ran:
        """Run conduit on the site, perhaps inside another program, and check that it shows nothing it should not."""
        forked = not before and "env" not in options  # Python itself may read the one, the other starts it
        ran = self.site.conduit(*words, **options) if forked else self._started(before, words, **options)
        clean(ran)
        return ran

    def _started(self, before: Iterable[str], words: Iterable[str], **options: Any) -> Ran:
        environment = {"CONDUIT_CONFIG": str(self.site.settings_file), "PYTHONPATH": str(ROOT)} | options.pop("env", {})
        argv = [*before, sys.executable, "-m", "conduit", *words]
        return run_program(*argv, cwd=self.site.directory, env=os.environ | environment, **options)

    def config(self) -> str:
        """The configuration Caddy runs."""
        return oracle.caddy_config(self.site)[1]


def clean(ran: Ran) -> None:
    """Nothing conduit prints is a stack trace, a secret, the content of a foreign file or a control character."""
    text = ran.stdout + ran.stderr
    for forbidden in (
        "Traceback",
        "site-packages",
        "pydantic",
        CANARY,
        "root:x",
        "root:*",
        "root:!",
        "root:$",
        "PRIVATE KEY",
    ):
        assert forbidden not in text, oracle.told(ran)
    assert all(character.isprintable() or character == "\n" for character in text), ascii(text)


def problems_in(ran: Ran) -> list[Problem]:
    """Return the problems of a command that was run with --json."""
    document = json.loads(ran.stdout.splitlines()[-1])
    assert document["type"] == "errors", oracle.told(ran)
    return [
        Problem(each["code"], _place(each["source"] or {}), each["message"])
        for each in document["errors"]
        if each["severity"] == "error"
    ]


def _place(source: Mapping[str, Any]) -> str:
    return ":".join(str(source[part]) for part in ("file", "line", "column") if source.get(part))


def _problem(told: Diagnostic) -> Problem:
    return Problem(told.code.id, str(told.source or ""), told.summary)


def _tree(root: Path) -> dict[str, tuple[Any, ...]]:
    """Return every entry of a tree with its identity, and the content of small plain files."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        small = path.is_file() and not path.is_symlink() and status.st_size < 2**20
        found[str(path)] = (status.st_ino, status.st_mode, status.st_mtime_ns, path.read_bytes() if small else b"")
    return found


def temporary(directory: Path) -> list[Path]:
    """Return the temporary files anywhere in a site."""
    return [path for path in directory.rglob("*") if path.name.endswith(".tmp") or path.name.startswith(".conduit-")]


def with_environment(daemon: Daemon, more: Mapping[str, str]) -> None:
    """Start a daemon anew with more variables in its environment."""
    daemon.stop()
    replace(daemon, environment=daemon.environment | more).start()


def quoted(text: str) -> str:
    """Write any text as one double-quoted YAML scalar; JSON's escapes are YAML's."""
    return json.dumps(text)


class Visited:
    """A server that records the bytes of every request it gets; each connection gets one fixed answer."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok") -> None:
        self._answer = answer
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    self.requests.append(self._request(connection))
                    connection.sendall(self._answer)

    def _request(self, connection: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got and (more := connection.recv(65536)):
            got += more
        return got

    def close(self) -> None:
        """Stop listening."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
