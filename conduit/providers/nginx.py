"""nginx: one generated file of servers, checked on a copy, loaded by SIGHUP, and proof by asking the new workers.

Every vhost is a marked block of that file. A reload interrupts nobody: old workers end the requests they have. What
nginx does not tell (a reload that failed on a port somebody holds) is seen by the generation its workers answer with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar, Final

from msgspec import Struct

from conduit.change import Change, Disturbance, Impact
from conduit.errors import Diagnostic, Refused
from conduit.evidence import Evidence, of_bytes
from conduit.grammar import split_host_port
from conduit.model import UNRESOLVED, Key, Live, Native, Secret
from conduit.providers.accounts import Hashed, from_store
from conduit.providers.base import DocumentProvider, Reading, Site
from conduit.providers.files import TEMPORARY, left_over, remove_file
from conduit.providers.generation import File, Generation
from conduit.providers.nginx_config import Config as Config
from conduit.providers.nginx_contents import Contents, Entry
from conduit.providers.nginx_daemon import Daemon, sealed
from conduit.providers.nginx_files import VHOSTS, read_file
from conduit.providers.nginx_layout import Shape
from conduit.providers.nginx_others import Others, Servers, foreign, shadowed
from conduit.providers.nginx_render import UNWRITABLE, Wanted, Wish, write_file
from conduit.providers.nginx_switch import Written, check, switch
from conduit.providers.nginx_users import content_of, file_name, read_users
from conduit.providers.process import open_process
from conduit.settings import Settings

RELOAD: Final = Impact(Disturbance.RELOAD, "nginx", note="no interruption")


class Snapshot(Struct, frozen=True):
    """What `read` keeps: the file and whether nginx serves it, what it says, its password files, and what is beside."""

    file: File | None
    served: bool
    contents: Contents
    passwords: Mapping[str, bytes]
    others: Others


class Document(Struct, frozen=True):
    """The file on its way out; one that is already in force is not written again."""

    written: Written
    write: bool


class Nginx(DocumentProvider[Document]):
    """The vhosts of one nginx."""

    name: ClassVar[str] = "nginx"
    order: ClassVar[int] = 40
    config: Config

    def __init__(self, config: Config, settings: Settings, site: Site) -> None:
        super().__init__(config, settings, site)
        program = settings.path(config.program)
        self._daemon = Daemon(
            program,
            settings.path(config.config),
            settings.path(config.conf_file),
            split_host_port(config.marker),
            settings.path(config.passwords),
            open_process(config.process, program, settings),
            config.user,
        )
        self._shape = Shape(
            config.http,
            config.https,
            config.marker,
            config.catch_all,
            str(settings.path(config.challenges)) if config.challenges else "",
            str(settings.path(config.access_log)) if config.access_log else "",
            config.backlog,
        )

    def read(self) -> Reading:
        """Read the file, the password files, the files beside it, and ask what nginx serves. Raises `Unreadable`."""
        return self._read(None)

    def _read(self, written: Written | None) -> Reading:
        """Read everything; what stands in a file as it was just `written` is known from there."""
        daemon, file = self._daemon, self._daemon.load()
        served = daemon.served() if file else None
        body = file.body if file else ""
        known = written.contents if written and written.body == body else None
        contents = known or read_file(body, str(daemon.conf_file), self._shape, self._sign)
        passwords = daemon.read_passwords(e.users_file for e in contents.owned.values() if e.users_file)
        for entry in contents.owned.values():
            if entry.users_file:
                entry.native["users"] = read_users(passwords.get(entry.users_file, b""), self.site.fingerprint)
        beside = daemon.others()
        others = list(beside.servers())
        ours = {host for entry in contents.owned.values() for host in entry.native["names"]}
        fault = file.fault(served, self.name) if file else ""
        return Reading(
            {VHOSTS: (*self._owned(contents), *foreign(others))},
            _version(file, served, passwords, others),
            frame=contents.frame() if file else None,
            stale=f"{daemon.conf_file} {fault}" if fault else "",
            raw=Snapshot(file, not fault, contents, passwords, beside),
            warnings=tuple(shadowed(ours, others)),
        )

    def evidence(self, reading: Reading) -> tuple[Evidence, ...] | None:
        """Our file, the password files, those beside it, and the generation nginx serves; None while it is another."""
        snapshot: Snapshot = reading.raw
        if snapshot.file and not snapshot.served:
            return None
        passwords = (of_bytes(Path(path), content) for path, content in snapshot.passwords.items())
        return (*self._daemon.evidence(snapshot.file), *passwords, *snapshot.others.evidence)

    def _owned(self, contents: Contents) -> Iterable[Live]:
        for name, entry in contents.owned.items():
            native = entry.native
            yield Live(Key(VHOSTS, name), name, native, owned=True, protected=entry.protected, place=entry.place)

    def _sign(self, owner: str, part: str, name: str) -> str:
        return self.site.mark(Key(VHOSTS, owner), part, name)

    def frame(self, blocks: Mapping[Key, Native]) -> Native:
        return {"lines": self._shape.frame({key.name: native for key, native in blocks.items()}), "unknown": []}

    def explain_frame(self, live: Native, want: Native) -> tuple[tuple[str, Any, Any], ...]:
        """Return the lines that differ, each under its file; what nobody knows under its place."""
        have, wish = (live or {}).get("lines", []), want["lines"]
        file = self._daemon.conf_file.name
        unknown = [text.partition(": ") for text in (live or {}).get("unknown", [])]
        return (
            *((file, line, UNRESOLVED) for line in have if line not in wish),
            *((file, UNRESOLVED, line) for line in wish if line not in have),
            *((Path(place).name, text, UNRESOLVED) for place, _, text in unknown),
        ) or ((file, "in another order", "as declared"),)

    def compose(self, reading: Reading, blocks: Mapping[Key, Native], protected: Collection[Key] = ()) -> Document:
        snapshot: Snapshot = reading.raw
        known = snapshot.contents
        wanted: dict[str, Wanted] = {}
        passwords: dict[str, bytes] = {}
        for key, native in blocks.items():
            users_file = self._users_file(key, native, known.owned.get(key.name), passwords, snapshot)
            wanted[key.name] = Wanted(native, key in protected, users_file)
        place = str(self._daemon.conf_file)
        body, contents = write_file(Wish(wanted, self._shape, place, known, snapshot.served), self._sign)
        same = snapshot.served and snapshot.file is not None and body == snapshot.file.body
        written = Written(body, contents, blocks, passwords)
        return Document(written, write=not (same and passwords.items() <= snapshot.passwords.items()))

    def _users_file(
        self, key: Key, native: Native, known: Entry | None, passwords: dict[str, bytes], snapshot: Snapshot
    ) -> str:
        """Add the password file of a block to `passwords` and return its path; empty when it needs none."""
        if "users" not in native:
            return ""
        if known and known.native is native:
            if content := snapshot.passwords.get(known.users_file):
                passwords[known.users_file] = content
            return known.users_file
        hashed = {user: self._hashed(key, user, value) for user, value in native["users"].items()}
        try:
            content = content_of(hashed)
        except ValueError as error:
            raise Refused(Diagnostic(UNWRITABLE, f"{key}: {error}"), [key]) from None
        path = str(self._daemon.passwords / file_name(key.name, content))
        passwords[path] = content
        return path

    def _hashed(self, key: Key, user: str, value: Any) -> Hashed:
        """Return a password as nginx gets it. Raises `Refused` for one that is not stored or cannot be hashed."""
        fingerprint = self.site.fingerprint
        if isinstance(value, Secret):
            return from_store(key, user, value, UNWRITABLE, fingerprint, self.site.secret)
        return value if isinstance(value, Hashed) else Hashed.of(fingerprint, str(value))

    def validate(self, document: Document) -> None:
        if document.write:
            check(self._daemon, document.written)

    def commit(self, document: Document, reading: Reading) -> Reading:
        if not document.write:
            return reading
        before: Snapshot = reading.raw
        after = sealed(document.written.body, self._stamp(before.file))
        self._switch(before.file, after, document.written.passwords)
        return self._read(document.written)

    def restore(self, earlier: Reading, reading: Reading) -> Reading:
        if earlier.raw.file == reading.raw.file and earlier.raw.passwords == reading.raw.passwords:
            return reading
        self._switch(reading.raw.file, earlier.raw.file, earlier.raw.passwords)
        return self.read()

    def _switch(self, before: File | None, after: File | None, passwords: Mapping[str, bytes]) -> None:
        switch(self._daemon, before, after, passwords, self.site.fail)
        self._daemon.clear_passwords(passwords)

    def _stamp(self, before: File | None) -> int:
        """Return the moment of this writing in ns, later than that of the file it replaces."""
        return max(int(self.site.now() * 1e9), before.mtime + 1 if before else 0)

    def impact(self, change: Change, reading: Reading) -> Impact:
        """A reload interrupts nobody, however many vhosts change."""
        return RELOAD

    def recover(self) -> tuple[str, ...]:
        """Clear temporary files of a killed run; what it had written and not loaded is a difference of the frame."""
        daemon = self._daemon
        own = [p for p in left_over({daemon.conf_file.parent, daemon.passwords}) if self._is_ours(p)]
        for path in own:
            remove_file(path)
        return tuple(f"removed {path}, left by a killed run" for path in own)

    def _is_ours(self, path: Path) -> bool:
        ours = f"{TEMPORARY}{self._daemon.conf_file.name}."
        return path.parent == self._daemon.passwords or path.name.startswith(ours)

    def check(self) -> Iterable[str]:
        """Yield what `conduit doctor` should say about this nginx."""
        daemon = self._daemon
        if not daemon.program.exists():
            yield f"{daemon.program} does not exist: install nginx, or correct nginx.program"
        if not daemon.config.exists():
            yield f"{daemon.config} does not exist: correct nginx.config"


PROVIDER = Nginx


def _version(file: File | None, served: Any, passwords: Mapping[str, bytes], others: Servers) -> str:
    digest = blake2b(digest_size=16)
    seen = f"{file.mtime} {file.generation} {Generation.of(file.body, file.mtime)}" if file else "gone"
    digest.update(repr((seen, str(served), sorted(passwords.items()), others)).encode())
    return digest.hexdigest()
