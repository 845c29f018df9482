"""What is known about a Caddy besides its configuration: its version, the files it must open, findings for doctor."""

from __future__ import annotations

import grp
import json
import pwd
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from conduit.errors import Code, Diagnostic, Refused
from conduit.model import Key
from conduit.providers.accounts import hide_hashes
from conduit.providers.caddy_admin import Admin, AdminError, socket_path
from conduit.providers.caddy_compose import Document
from conduit.providers.files import make_directory, read_regular, write_file
from conduit.providers.listeners import holder
from conduit.settings import Settings

FILE_CLOSED = Code(
    "CND-0606",
    "Caddy cannot open a certificate file",
    "One certificate file that is missing or closed to Caddy's user makes Caddy refuse its whole configuration, so "
    "this is checked before anything is sent. Give Caddy's user the right to read the file and pass its directories, "
    "or name the right user as `caddy: {user: ...}` in conduit.yaml.",
)
DRY_RUN = Code(
    "CND-0607",
    "`caddy validate` refuses a configuration",
    "To find the route that Caddy objects to, conduit lets the Caddy binary check copies of the configuration. Its own "
    "words are in the message. The configuration Caddy serves was not touched.",
)

PORT_TAKEN = Code(
    "CND-0609",
    "another program listens on a port Caddy is to serve",
    "Caddy refuses a whole configuration when it cannot open one of its ports, so this is looked at before anything is "
    "written. The message names the process that has the port. Stop that program, or give Caddy other ports in the "
    "section `caddy` of conduit.yaml.",
)

Version = tuple[int, ...]

FEATURES: Final = {"named_routes": (2, 7), "stream_close_delay": (2, 7)}
"""What a route may be made of, and the first version that knows it."""
SAFE: Final = (2, 11, 1)
"""Fixes of host and path matching, of the admin API's origin check, and of client authentication that failed open."""
DRY_RUN_SECONDS: Final = 30.0
_VERSION: Final = r"v?([0-9]+)\.([0-9]+)\.([0-9]+)"


def check_listeners(document: Document) -> None:
    """Refuse a document that needs a port another program holds; the message names it. Raises `Refused`."""
    for listener in document.opens:
        found = holder(int(listener.rpartition(":")[2]))
        if found and found.name != "caddy":
            summary = f"{listener} is held by {found.name}, pid {found.pid}"
            hint = "stop it, or give Caddy another port in conduit.yaml"
            raise Refused(Diagnostic(PORT_TAKEN, summary, hint=hint), whole=True)


def version(program: Path | None, settings: Settings) -> Version:
    """Return the version of the Caddy binary, empty when unknown; asked once per binary, then kept in the state dir."""
    if not program:
        return ()
    try:
        status = program.stat()
    except OSError:
        return ()
    seen = [str(program), status.st_mtime_ns, status.st_size]
    cache = settings.path(settings.state_dir) / "cache" / "caddy-version.json"
    known = _cached(cache)
    if known.get("program") == seen:
        return tuple(known["version"])
    found = _ask(program)
    if found:
        with suppress(OSError):
            make_directory(cache.parent)
            write_file(cache, json.dumps({"program": seen, "version": list(found)}).encode())
    return found


def _cached(cache: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_regular(cache, 4096))
        return found if isinstance(found, dict) and isinstance(found.get("version"), list) else {}
    except (OSError, ValueError):
        return {}


def _ask(program: Path) -> Version:
    import subprocess

    try:
        done = subprocess.run([program, "version"], capture_output=True, timeout=10, env={}, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.match(_VERSION, done.stdout[:200].decode(errors="replace"), re.ASCII)
    return tuple(int(number) for number in match.groups()) if match else ()


def features(found: Version) -> frozenset[str]:
    """Return the feature words of a version; an unknown version has none."""
    return frozenset(feature for feature, since in FEATURES.items() if found >= since)


def version_warnings(found: Version) -> tuple[str, ...]:
    """Return a warning for a version with known holes."""
    if not found or found >= SAFE:
        return ()
    return (f"Caddy {_dotted(found)} has known security holes; install {_dotted(SAFE)} or later",)


def _dotted(found: Version) -> str:
    return ".".join(map(str, found))


class _Access:
    """Whether one user can open files: directory answers are kept, because thousands of files share a few."""

    def __init__(self, user: int, groups: frozenset[int]) -> None:
        self.user, self.groups = user, groups
        self.directories: dict[Path, str] = {}

    @classmethod
    def of(cls, user: str | None) -> _Access | None:
        if user is None:
            return None
        try:
            entry = pwd.getpwnam(user)
        except KeyError:
            return None
        groups = {entry.pw_gid, *(group.gr_gid for group in grp.getgrall() if user in group.gr_mem)}
        return cls(entry.pw_uid, frozenset(groups))

    def obstacle(self, path: Path) -> str:
        """Return why the user cannot read a file; empty when nothing is in the way. Raises OSError."""
        return self._directory(path.parent) or self._closed(path, 4)

    def _directory(self, path: Path) -> str:
        if path not in self.directories:
            above = self._directory(path.parent) if path.parent != path else ""
            self.directories[path] = above or self._closed(path, 1)
        return self.directories[path]

    def _closed(self, path: Path, bit: int) -> str:
        status = path.stat()
        shift = 6 if status.st_uid == self.user else 3 if status.st_gid in self.groups else 0
        return "" if self.user == 0 or status.st_mode >> shift & bit else f"{path} is closed to its user"


def check_files(document: Document, user: str | None) -> None:
    """Check that every certificate file is there and open to Caddy's user. Raises `Refused` with whom to blame."""
    access = _Access.of(user)
    blamed: dict[Key, str] = {}
    checked: dict[str, str] = {}
    for key, native in document.blocks.items():
        for file in native["certificate"]["files"].values() if "certificate" in native else ():
            if file not in checked:
                checked[file] = _trouble(Path(file), access)
            if checked[file]:
                blamed[key] = checked[file]
    if blamed:
        hint = "see conduit explain CND-0606"
        raise Refused(Diagnostic(FILE_CLOSED, f"Caddy cannot load {next(iter(blamed.values()))}", hint=hint), blamed)


def _trouble(path: Path, access: _Access | None) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return f"{path}: not a file"
        return access.obstacle(path) if access else ""
    except OSError as error:
        return f"{path}: {error.strerror}"


def dry_run(document: Document, program: Path) -> None:
    """Let `caddy validate` check a document, away from the running Caddy's storage. Raises `Refused`."""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="conduit-caddy-") as home:
        argv = [str(program), "validate", "--config", "-"]
        environment = {"HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}
        try:
            done = subprocess.run(
                argv, input=document.body, capture_output=True, timeout=DRY_RUN_SECONDS, env=environment, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return
    if done.returncode:
        said = hide_hashes(done.stderr[-600:].decode(errors="replace")).strip().splitlines()
        raise Refused(
            Diagnostic(DRY_RUN, f"caddy validate: {said[-1] if said else 'refused'}", hint="correct the route")
        )


def findings(address: str, found: Version, admin: Admin) -> Iterator[str]:
    """Yield what doctor should say about an admin endpoint and a version, each with its fix."""
    yield from version_warnings(found)
    try:
        admin.get()
    except AdminError as error:
        yield f"Caddy's admin API at {address} does not answer ({error}); start Caddy or correct caddy.admin"
    path = socket_path(address)
    if not path:
        yield f"Caddy's admin API is on TCP ({address}), open to every local user; use unix//run/caddy/admin.sock|0600"
    elif Path(path).is_socket() and Path(path).stat().st_mode & 0o077:
        yield f"{path} is open to other users; let Caddy listen on unix/{path}|0600"
