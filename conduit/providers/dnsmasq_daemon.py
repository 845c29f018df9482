"""The running dnsmasq and its files on disk: reading both, writing, telling it, asking what it serves."""

from __future__ import annotations

import grp
import pwd
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct

from conduit.errors import Code, Diagnostic, Unreadable
from conduit.evidence import UNREADABLE as NOT_READ
from conduit.evidence import Evidence, names, of_bytes
from conduit.grammar import join_host_port
from conduit.providers.dns_query import ask
from conduit.providers.dnsmasq_files import Entry, conf_seal, hosts_seal, read_elsewhere, unseal
from conduit.providers.files import make_directory, read_regular, remove_file, write_file
from conduit.providers.generation import File, Generation
from conduit.providers.process import Process

SILENT = Code(
    "CND-0701",
    "dnsmasq does not answer",
    "conduit asks dnsmasq which generation of its files it serves, over UDP at the address in conduit.yaml. No answer "
    "means that nobody knows what it serves, so its records are UNKNOWN and nothing of them is changed or deleted. "
    "Start dnsmasq, or correct `address`.",
)
UNREADABLE = Code(
    "CND-0702",
    "a file of dnsmasq cannot be read",
    "conduit's own hosts or conf file is a link, a device, too large, or closed to this user. Its records are UNKNOWN "
    "until that is corrected; conduit does not write over what it cannot read.",
)

ANSWER_SECONDS: Final = 2.0
SERVED_SECONDS: Final = 5.0
_LIMIT: Final = 64 * 2**20
_OTHERS_LIMIT: Final = 2**20


class Files(NamedTuple):
    """The hosts and the conf file; None for one that does not exist."""

    hosts: File | None = None
    conf: File | None = None


class Served(NamedTuple):
    """The generations dnsmasq answers with; None for one it does not know."""

    hosts: Generation | None = None
    conf: Generation | None = None


class Others(Struct, frozen=True):
    """Other people's conf files: the pattern they fit, all that fit it, and contents; None for an unreadable one."""

    pattern: Path
    names: list[Path]
    contents: dict[Path, bytes | None]

    def entries(self) -> Iterator[Entry]:
        """Yield the records in them."""
        for path, raw in self.contents.items():
            yield from read_elsewhere((raw or b"").decode(errors="replace"), str(path))

    def evidence(self) -> Iterator[Evidence]:
        """Yield what was seen."""
        yield Evidence("names", str(self.pattern), "/".join(path.name for path in self.names))
        for path, raw in self.contents.items():
            yield Evidence("bytes", str(path), NOT_READ) if raw is None else of_bytes(path, raw)


class Daemon(Struct, frozen=True):
    """One dnsmasq: where it answers, our two files, the names of their generation records, and its process."""

    address: tuple[str, int]
    hosts_file: Path
    conf_file: Path
    hosts_name: str
    conf_name: str
    process: Process

    @property
    def paths(self) -> tuple[Path, Path]:
        """The hosts file and the conf file."""
        return self.hosts_file, self.conf_file

    def load(self) -> Files:
        """Read both files. Raises `Unreadable`."""
        return Files(_load(self.hosts_file, self.hosts_name), _load(self.conf_file, self.conf_name))

    def sealed(self, hosts: str | None, conf: str | None, stamp: int) -> Files:
        """Return files with these bodies, as they are to be written at `stamp`; None stays None."""
        return Files(
            None if hosts is None else _sealed(hosts, self.hosts_name, hosts_seal, stamp),
            None if conf is None else _sealed(conf, self.conf_name, conf_seal, stamp),
        )

    def served(self) -> Served:
        """Ask dnsmasq for both generations. Raises `Unreadable` when it does not answer."""
        try:
            return self._ask(ANSWER_SECONDS)
        except (OSError, ValueError) as error:
            summary = f"dnsmasq does not answer at {join_host_port(*self.address)}: {error}"
            raise Unreadable(Diagnostic(SILENT, summary, hint="start it, or correct dnsmasq.address")) from error

    def answers(self) -> bool:
        """Whether dnsmasq answers at all."""
        with suppress(Unreadable):
            return bool(self.served())
        return False

    def _ask(self, timeout: float) -> Served:
        hosts = ask(self.address, self.hosts_name, "AAAA", timeout)
        conf = ask(self.address, self.conf_name, "TXT", timeout)
        return Served(
            Generation.read(hosts[0].hex()) if hosts else None,
            Generation.read(conf[0][1:].decode(errors="replace")) if conf else None,
        )

    def comes_to_serve(self, files: Files) -> bool:
        """Ask until dnsmasq serves `files`, as far as they have generations; False when it does not in time."""
        expected = [file and file.generation for file in files] if files.conf else []
        deadline = time.monotonic() + SERVED_SECONDS
        while any(expected):
            with suppress(OSError, ValueError):
                found = self._ask(0.5)
                if all(want in (None, have) for want, have in zip(expected, found, strict=True)):
                    return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    def tell(self, restart: bool, stopped: Callable[[], None] = lambda: None) -> None:
        """Make dnsmasq read its files: the hosts file by SIGHUP, both by a restart. Raises `Refused`."""
        if restart:
            self.process.restart(lambda: True, stopped)
        else:
            self.process.hup()

    def write(self, files: Files) -> None:
        """Make our files on disk be `files`, mtime included; one that already is stays. Raises OSError.

        They are readable by all, because dnsmasq reads the hosts file after it gave up root.
        """
        for path, file, found in zip(self.paths, files, self.load(), strict=True):
            if file is None:
                remove_file(path)
            elif found is None or found[:2] != file[:2]:
                make_directory(path.parent, mode=0o755)
                write_file(path, file.raw, mode=0o644, mtime_ns=file.mtime)

    def others(self) -> Others:
        """Read other people's files in the directory of our conf file, as far as they can be read."""
        pattern = self.conf_file.parent / "[!.]*.conf"
        found = names(pattern)
        return Others(pattern, found, {path: _other(path) for path in found if path != self.conf_file})

    def evidence(self, files: Files) -> Iterator[Evidence]:
        """Yield what `load` and `served` saw, when dnsmasq serves `files` just as they are."""
        for path, file in zip(self.paths, files, strict=True):
            yield of_bytes(path, file and file.raw)
            if file:
                yield Evidence("mtime", str(path), str(file.mtime))
        if files.hosts and files.conf:
            server = join_host_port(*self.address)
            text = str(files.conf.generation)
            yield Evidence("dns", f"{server} AAAA {self.hosts_name}", str(files.hosts.generation))
            yield Evidence("dns", f"{server} TXT {self.conf_name}", f"{len(text):02x}{text.encode().hex()}")


def _load(path: Path, name: str) -> File | None:
    try:
        mtime = path.lstat().st_mtime_ns
        raw = read_regular(path, _LIMIT)
    except FileNotFoundError:
        return None
    except OSError as error:
        hint = "make it a plain file again, or move it away and apply"
        raise Unreadable(Diagnostic(UNREADABLE, f"cannot read {path}: {error}", hint=hint)) from error
    return File(raw, mtime, *unseal(raw.decode(errors="backslashreplace"), name))


def _other(path: Path) -> bytes | None:
    with suppress(OSError):
        return read_regular(path, _OTHERS_LIMIT)
    return None


def _sealed(body: str, name: str, seal: Callable[[str, Generation], str], stamp: int) -> File:
    generation = Generation.of(body, stamp)
    return File((seal(name, generation) + body).encode(), stamp, body, generation)


def closed_to(user: str, path: Path) -> Path | None:
    """Return the first directory above `path` that `user` cannot pass; None when all are open."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return None
    groups = {entry.pw_gid, *(group.gr_gid for group in grp.getgrall() if user in group.gr_mem)}
    for directory in reversed(path.absolute().parents):
        try:
            found = directory.stat()
        except FileNotFoundError:
            return None
        if found.st_uid == entry.pw_uid:
            needed = stat.S_IXUSR
        else:
            needed = stat.S_IXGRP if found.st_gid in groups else stat.S_IXOTH
        if entry.pw_uid and not found.st_mode & needed:
            return directory
    return None
