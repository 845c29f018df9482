"""The directories of pair files: reading a generation, writing its files, restoring one from another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from conduit.errors import Code, Diagnostic, Refused, Unreadable
from conduit.evidence import Evidence, hash_of
from conduit.model import Live
from conduit.providers.certs_pair import INTACT, Mark, Place, copy_of, examine, listing, proven
from conduit.providers.certs_seen import Seen
from conduit.providers.certs_state import KIND, MASTER, damage, foreign, state
from conduit.providers.files import make_directory, remove_file, write_file

NO_CONSUMER: Final = Code(
    "CND-0803",
    "no directory for a certificate's copies",
    "Each daemon that serves a certificate gets a copy of its own, in its own directory, owned by its own user, so "
    "that no daemon can read another's keys. The settings name these directories. Add the consumer to `copies` in the "
    "section `certs` of conduit.yaml, or take it out of the certificate.",
)
STORE_UNREADABLE: Final = Code(
    "CND-0804",
    "the certificates cannot be read",
    "A directory of certificates, or the user who is to own the files in it, cannot be read. Nothing of it is changed "
    "until it can, because what is not seen must not be replaced. Correct what the message names.",
)
NOT_WRITTEN: Final = Code(
    "CND-0805",
    "a certificate was not written as asked",
    "After writing, conduit reads every file back and found one that differs: another program may write there, or the "
    "file system drops owners or modes. The files already there still serve. Look at the named file, then apply again.",
)


class Store(Struct, frozen=True):
    """All places of pair files, by the field path they are shown under: `master`, `copies.caddy`.

    `renew_before` is the default lead of a renewal in seconds; `seen` is what was read before.
    """

    places: Mapping[str, Place]
    mark: Mark
    renew_before: float
    seen: Seen

    def read(self, root: str) -> list[Live]:
        """Return every generation of every certificate, newest first; `root` is the current root's fingerprint.

        Raises `Unreadable` when a directory cannot be listed.
        """
        found: dict[str, list[str]] = {}
        for label, place in self.places.items():
            for file in _listing(place):
                found.setdefault(file, []).append(label)
        self.seen.forget_all_but(found.keys())
        lives = [self._again(file, labels, root) for file, labels in found.items()]
        return sorted(lives, key=lambda live: (live.key, -live.facts.get("issued", 0), live.id))

    def _again(self, file: str, labels: list[str], root: str) -> Live:
        paths = (self.places[label].path(file) for label in labels)
        return self.seen.live(file, paths, root, lambda: self.live(file, labels, root))

    def evidence(self, lives: Iterable[Live]) -> list[Evidence] | None:
        """Return what `read` saw of these files and of their owners; None when one of them was not whole and ours."""
        whole: dict[str, list[str]] = {label: [] for label in self.places}
        for live in lives:
            if not live.owned or damage(live):
                return None
            for label in live.status["files"]:
                whole[label].append(f"{live.id} {INTACT}")
        found = [
            Evidence("pairs", f"{place.uid} {place.directory}", hash_of(sorted(whole[label])))
            for label, place in self.places.items()
        ]
        owners = {place.user: str(place.uid) for place in self.places.values() if place.user and os.geteuid() == 0}
        return [*found, *(Evidence("user", user, uid) for user, uid in owners.items())]

    def live(self, file: str, labels: Iterable[str], root: str) -> Live:
        """Return the live object behind a file name, looking for it in the places `labels`."""
        pair, labels = proven(file, KIND, self.mark), list(labels)
        if pair is None:
            return foreign(file, self.places[labels[0]].path(file))
        seen = {label: examine(self.places[label], file, pair.hash) for label in labels}
        return state(pair, file, seen, self.places, root, self.renew_before)

    def labels(self, consumers: Iterable[str]) -> list[str]:
        """Return where a certificate of these consumers lies. Raises `Refused` for one without a directory."""
        for consumer in consumers:
            if copy_of(consumer) not in self.places:
                hint = f"add {consumer} with its dir and user to copies in the section certs of conduit.yaml"
                raise Refused(Diagnostic(NO_CONSUMER, f"certificates have no directory for {consumer}", hint=hint))
        return [MASTER, *map(copy_of, consumers)]

    def put(self, label: str, file: str, content: bytes) -> None:
        """Write one pair file with its owner and mode; its name carries our mark. Raises OSError."""
        place = self.places[label]
        directory = Path(place.directory)
        make_directory(directory, mode=0o755 if label == MASTER else 0o700, user=place.user)
        write_file(directory / file, content, user=place.user, proven=True)

    def read_back(self, file: str, labels: Iterable[str], root: str) -> Live:
        """Return what was written. Raises `Refused` when a file is not what it should be."""
        live = self.live(file, labels, root)
        for found in damage(live):
            summary = f"{self.places[found.path].path(file)} is {found.old} after writing"
            raise Refused(Diagnostic(NOT_WRITTEN, summary, hint="look at the file and its directory"))
        return live

    def restore(self, live: Live) -> Live:
        """Write the files that are missing or damaged from one that is whole. Raises `Refused` or OSError."""
        labels = self.labels(live.native["consumers"])
        content = self._whole(live)
        for found in damage(live):
            self.put(found.path, live.id, content)
        return self.read_back(live.id, labels, live.status["root"])

    def delete(self, live: Live) -> Live:
        """Delete all files of an owned generation. Raises OSError."""
        if live.owned and proven(live.id, KIND, self.mark):
            for place in self.places.values():
                if os.path.lexists(place.path(live.id)):
                    remove_file(Path(place.path(live.id)))
        return live

    def _whole(self, live: Live) -> bytes:
        if pair := proven(live.id, KIND, self.mark):
            for place in self.places.values():
                if content := examine(place, live.id, pair.hash)[1]:
                    return content
        raise Refused(Diagnostic(NOT_WRITTEN, f"no file of {live.key} is whole any more", hint="apply again"))


def _listing(place: Place) -> list[str]:
    try:
        return listing(place.directory)
    except OSError as error:
        summary = f"cannot list {place.directory}: {error.strerror}"
        raise Unreadable(Diagnostic(STORE_UNREADABLE, summary, hint="check its owner and mode")) from error
