"""Certificates of the internal CA: conduit's masters, and for each daemon that serves them a copy of its own.

A master stays in `dir`; a copy lies in the consumer's directory, readable by that daemon's user alone. Any whole one
restores the others. A change issues a new pair under a new name, so daemons that name the file really load it; the
old files go when no configuration names them any more.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

from conduit import measures
from conduit.change import Action, Change, Disturbance, Impact, Outcome, Result, by_key
from conduit.errors import ConduitError, Diagnostic, Unreadable
from conduit.evidence import AFTER, BEFORE, Evidence, of_bytes, of_clock
from conduit.kind import Context
from conduit.model import FRAME, Key, Live
from conduit.operation import operation
from conduit.providers import certs_ca as ca
from conduit.providers import certs_revoked as revoked
from conduit.providers.base import ObjectProvider, Reading
from conduit.providers.certs_config import Config
from conduit.providers.certs_pair import Header, Place, compose, copy_of, file_name
from conduit.providers.certs_seen import Seen
from conduit.providers.certs_state import KIND, MASTER, restorable, with_revocation
from conduit.providers.certs_store import STORE_UNREADABLE, Store
from conduit.providers.certs_trust import install
from conduit.providers.files import left_over, make_directory, remove_file
from conduit.settings import Settings

ROOT_WARNING = 180 * 86400
"""Seconds before its end at which the root is reported: time enough to bring a new one to every client."""


class Certs(ObjectProvider):
    """Issues, renews, copies and heals the certificates of the internal CA."""

    name: ClassVar[str] = "certs"
    order: ClassVar[int] = 20
    config: Config

    def read(self) -> Reading:
        """Read all pair files, masters and copies, and verify mark, content, mode and owner of each."""
        root, listed = ca.fingerprint(self._ca), revoked.content_of(self._ca)
        gone = revoked.serials_in(listed)
        lives = [with_revocation(live, gone) for live in self._store.read(root)]
        if not root:
            self._refuse_lost_root(lives)
        version = hashlib.sha256(repr([root, *((live.id, live.status) for live in lives)]).encode()).hexdigest()
        return Reading({KIND: tuple(lives)}, version, raw=(root, listed), warnings=self._warnings(lives))

    def evidence(self, reading: Reading) -> tuple[Evidence, ...] | None:
        """The root, every pair file, whose they are, and the times at which one of them would be due."""
        lives = reading.objects[KIND]
        files = self._store.evidence(lives)
        if files is None:
            return None
        fingerprint, listed = reading.raw
        root = Evidence("root", str(self._ca), fingerprint)
        files = [of_bytes(revoked.path_of(self._ca), listed), *files]
        if not lives:
            return (root, *files)
        dues = [min(live.facts["renew_at"], live.facts["root_not_after"] - ROOT_WARNING) for live in lives]
        starts = [live.facts["issued"] - ca.BACKDATE for live in lives]
        return (root, *files, of_clock(min(dues), BEFORE), of_clock(max(starts), AFTER))

    def impact(self, change: Change, reading: Reading) -> Impact:
        """A new certificate reloads the daemons that serve it; restoring a file interrupts nobody."""
        if change.action is Action.DELETE or restorable(change, self.site.now()):
            return Impact()
        return Impact(Disturbance.RELOAD, ", ".join(change.native["consumers"]))

    def apply(self, changes: Iterable[Change], reading: Reading) -> dict[Key, Outcome]:
        """Restore what a whole file can restore, issue the rest; a CA that cannot sign fails only the latter."""
        now, outcomes, worn = self.site.now(), {}, []
        for change in changes:
            if change.live and restorable(change, now):
                outcomes[change.key] = _attempt(change.key, change.action, partial(self._store.restore, change.live))
            else:
                worn.append(change)
        return outcomes | self._issue_all(worn, reading, now)

    def remove(self, lives: Iterable[Live]) -> dict[Key, Outcome]:
        """Delete every file of the given generations."""
        return by_key(_attempt(live.key, Action.DELETE, partial(self._store.delete, live)) for live in lives)

    def revoke(self, live: Live) -> None:
        """Put a certificate on the CA's revocation list: from then on it is due to be issued anew.

        Raises `Refused` when the CA cannot sign, `Unreadable`, OSError.
        """
        now = self.site.now()
        revoked.revoke(self._ca, ca.open_authority(self._ca, now), [live.facts["serial"]], int(now))

    @operation
    def trust(self, ctx: Context, live: Live | None, params: Mapping[str, Any]) -> Outcome:
        """Put the root into this machine's trust store, so that its programs take our certificates."""
        path, where = self.settings.path, self.config.trust
        places = (path(each) for each in (where.program, where.local, where.store, where.hooks))
        said = install(self._ca / "root.crt", f"conduit-{self.settings.site}", *places)
        return Outcome(Key(FRAME, self.name), Action.UPDATE, Result.OK, said)

    def recover(self) -> tuple[str, ...]:
        """Delete the temporary files of a killed run."""
        found = left_over(self._directories())
        for path in found:
            remove_file(path)
        return tuple(f"deleted the unfinished file {path}" for path in found)

    def check(self) -> Iterable[str]:
        """Open the root as signing would, and look at who may write where keys are."""
        now = self.site.now()
        try:
            if ca.fingerprint(self._ca) and ca.open_authority(self._ca, now).not_after - now < ROOT_WARNING:
                yield self._expires_soon
            directories = self._directories()
        except ConduitError as error:
            yield str(error)
            return
        for directory in directories:
            if directory.is_dir() and directory.stat().st_mode & 0o022:
                yield f"{directory} can be written by others; chmod go-w {directory}"

    @property
    def _ca(self) -> Path:
        return self.settings.path(self.config.dir) / "ca"

    @cached_property
    def _store(self) -> Store:
        places = {MASTER: Place(str(self._ca.parent), os.geteuid())}
        for consumer, copy in self.config.copies.items():
            places[copy_of(consumer)] = Place(str(self.settings.path(copy.dir)), _uid(copy.user), copy.user)
        return Store(places, self.site.mark, measures.duration(self.config.renew_before), Seen())

    def _directories(self) -> list[Path]:
        return [self._ca, *(Path(place.directory) for place in self._store.places.values())]

    def _refuse_lost_root(self, lives: Iterable[Live]) -> None:
        """Raise `Unreadable` when certificates live on that were signed by a root nobody moved aside."""
        signed = {live.status["root"] for live in lives if "root" in live.status}
        if not signed <= ca.retired(self._ca):
            hint = (
                f"put root.crt and root.key back from a backup; without one, move {self._ca.parent} and the "
                "directories of its copies aside, and give clients the new root"
            )
            raise Unreadable(Diagnostic(ca.CA_UNUSABLE, f"the root in {self._ca} is missing", hint=hint))

    def _warnings(self, lives: Iterable[Live]) -> tuple[str, ...]:
        ends = [live.facts["root_not_after"] for live in lives if live.status.get("current")]
        return (self._expires_soon,) if ends and ends[0] - self.site.now() < ROOT_WARNING else ()

    @property
    def _expires_soon(self) -> str:
        days = ROOT_WARNING // 86400
        return f"the root of the internal CA expires within {days} days; mv {self._ca} {self._ca}.old, then apply"

    def _authority(self, reading: Reading, now: float) -> ca.Authority:
        if not ca.fingerprint(self._ca):
            self._refuse_lost_root(reading.objects.get(KIND, ()))
            make_directory(self._ca.parent, mode=0o755)
            ca.create(self._ca, self.settings.site, int(now), measures.duration(self.config.ca_lifetime))
        return ca.open_authority(self._ca, now)

    def _issue_all(self, changes: list[Change], reading: Reading, now: float) -> dict[Key, Outcome]:
        if not changes:
            return {}
        try:
            authority = self._authority(reading, now)
        except (ConduitError, OSError) as error:
            return {c.key: Outcome(c.key, c.action, Result.FAILED, str(error)) for c in changes}
        return {c.key: _attempt(c.key, c.action, partial(self._issue, c, authority, int(now))) for c in changes}

    def _issue(self, change: Change, authority: ca.Authority, now: int) -> Live:
        """Issue a pair and write it everywhere, master first. Raises `Refused` or OSError."""
        self.site.fail("certs.issue.before")
        native, key = change.native, change.key
        labels = self._store.labels(native["consumers"])
        lifetime = measures.duration(native["lifetime"] or self.config.lifetime)
        issued = authority.issue(key.name, native["names"], now, lifetime)
        header = Header(native, issued.serial, now, issued.not_after, authority.fingerprint, authority.not_after)
        content = compose(header, issued.certificate, issued.key)
        file = file_name(key, content, self.site.mark, change.want is not None and change.want.protect)
        self._store.put(MASTER, file, content)
        self.site.fail("certs.issue.written")
        for label in labels[1:]:
            self._store.put(label, file, content)
        self.site.fail("certs.issue.after")
        return self._store.read_back(file, labels, authority.fingerprint)


PROVIDER = Certs


def root_path(settings: Settings) -> Path:
    """Return where the root certificate lies that clients trust."""
    config = Config.model_validate(settings.sections.get(Certs.name) or {})
    return settings.path(config.dir) / "ca" / "root.crt"


def _uid(user: str | None) -> int:
    if user is None or os.geteuid() != 0:
        return os.geteuid()
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        hint = "correct copies in the section certs of conduit.yaml, or create the user"
        raise Unreadable(Diagnostic(STORE_UNREADABLE, f"there is no user {user}", hint=hint)) from None


def _attempt(key: Key, action: Action, work: Callable[[], Live]) -> Outcome:
    started = time.monotonic()
    try:
        facts = work().facts
    except (ConduitError, OSError) as error:
        return Outcome(key, action, Result.FAILED, str(error), time.monotonic() - started)
    return Outcome(key, action, Result.OK, seconds=time.monotonic() - started, facts=facts)
