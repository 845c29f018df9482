"""dnsmasq: one hosts file that SIGHUP reads again, one conf file that costs a restart, and proof by asking it.

Names conduit declares are answered here alone: the local domains are in the frame, any other name brings a `local=`
line of its own. A wildcard `*.apps.home.arpa` answers every name below apps.home.arpa at any depth, not that name
itself; a plain record below it wins for its own type only. It always brings `local=/*.apps.home.arpa/`, because
without it dnsmasq answers NXDOMAIN, not "no data", for the types the wildcard does not have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from conduit.change import Action, Change, Disturbance, Impact, Outcome, Result
from conduit.errors import Code, Diagnostic, Refused
from conduit.evidence import Evidence
from conduit.grammar import split_host_port
from conduit.kind import Context
from conduit.model import FRAME, UNRESOLVED, Key, Live, Native
from conduit.operation import operation
from conduit.providers.base import DocumentProvider, Reading, Site
from conduit.providers.dnsmasq_config import INTERFACE_GONE, Config
from conduit.providers.dnsmasq_daemon import Daemon, Files, Others, Served, closed_to
from conduit.providers.dnsmasq_files import RECORDS, Entry, Record, clash, read_files, types_of
from conduit.providers.dnsmasq_impact import impact_of
from conduit.providers.dnsmasq_lives import lives_of
from conduit.providers.dnsmasq_render import NOTHING_KNOWN, Known, Wish, Written, write_files
from conduit.providers.dnsmasq_switch import check_conf, switch
from conduit.providers.files import TEMPORARY, left_over, remove_file
from conduit.providers.generation import File
from conduit.providers.process import open_process
from conduit.settings import Settings

CLOSED = Code(
    "CND-0708",
    "dnsmasq's user cannot reach a file",
    "dnsmasq gives up root before it reads the hosts file, so every directory above it must be open to its user. "
    "Choose another `hosts_file`, or let that user pass: chmod o+x on the directory that is named.",
)


class Snapshot(Struct, frozen=True):
    """What `read` keeps: both files, whether each is the one dnsmasq serves, what lies beside and stands in them."""

    files: Files
    hosts_served: bool
    conf_served: bool
    others: Others
    foreign: tuple[Record, ...] = ()
    known: Known = NOTHING_KNOWN


class Document(Struct, frozen=True):
    """What both files are to hold; one that is already in force is not written again."""

    written: Written
    write_hosts: bool
    write_conf: bool


class Dnsmasq(DocumentProvider[Document]):
    """The records of one dnsmasq."""

    name: ClassVar[str] = "dnsmasq"
    order: ClassVar[int] = 30
    config: Config

    def __init__(self, config: Config, settings: Settings, site: Site) -> None:
        super().__init__(config, settings, site)
        self._program = settings.path(config.program)
        below = f"{settings.site}._conduit.{settings.internal_domain}"
        self._daemon = Daemon(
            split_host_port(config.address),
            settings.path(config.hosts_file),
            settings.path(config.conf_file),
            f"hosts.{below}",
            f"conf.{below}",
            open_process(config.process, self._program, settings, INTERFACE_GONE),
        )

    def read(self) -> Reading:
        return self._read()

    def _read(self, written: Iterable[Entry] = ()) -> Reading:
        """Read; the lines of records that were just `written` are not taken apart again."""
        daemon, files = self._daemon, self._daemon.load()
        served = daemon.served() if files.conf else Served()
        faults = [file.fault(have, self.name) if file else "is gone" for file, have in zip(files, served, strict=True)]
        hosts, conf = (file.body if file else "" for file in files)
        contents = read_files(hosts, conf, self._places, self._sign, written)
        beside = daemon.others()
        others = list(beside.entries())
        whole = files.conf is not None and not faults[1] and not contents.foreign
        known = Known(contents.owned, contents.frame(), conf if whole else None)
        foreign = tuple(entry.record for entry in contents.foreign)
        stale = "; ".join(f"{path} {fault}" for path, fault in zip(daemon.paths, faults, strict=True) if fault)
        return Reading(
            {RECORDS: tuple(lives_of(contents, others))},
            _version(files, served, others),
            frame=contents.frame() if files.conf else None,
            stale=stale if files.conf else "",
            raw=Snapshot(files, not faults[0], not faults[1], beside, foreign, known),
        )

    def evidence(self, reading: Reading) -> tuple[Evidence, ...] | None:
        """Both files, those beside them, and the generations dnsmasq serves; None while it serves others."""
        snapshot: Snapshot = reading.raw
        if snapshot.files != Files() and not (snapshot.hosts_served and snapshot.conf_served):
            return None
        return (*self._daemon.evidence(snapshot.files), *snapshot.others.evidence())

    @property
    def _places(self) -> tuple[str, str]:
        return str(self._daemon.hosts_file), str(self._daemon.conf_file)

    def _sign(self, owner: str, part: str, name: str) -> str:
        return self.site.mark(Key(RECORDS, owner), part, name)

    def frame(self, blocks: Mapping[Key, Native]) -> Native:
        domains = dict.fromkeys((self.settings.internal_domain, *self.settings.local_domains))
        return {"addn_hosts": [str(self._daemon.hosts_file)], "local": list(domains), "unknown": []}

    def explain_frame(self, live: Native, want: Native) -> tuple[tuple[str, Any, Any], ...]:
        """Return the differing fields; of the lines nobody knows, each is one, under its file and line number."""
        fields = [field for field in super().explain_frame(live, want) if field[0] != "unknown"]
        lines = [text.partition(": ") for text in live["unknown"]] if live else []
        return (*fields, *((Path(place).name, text, UNRESOLVED) for place, _, text in lines))

    def compose(self, reading: Reading, blocks: Mapping[Key, Native], protected: Collection[Key] = ()) -> Document:
        snapshot: Snapshot = reading.raw
        records: dict[str, Record] = {key.name: native for key, native in blocks.items() if key.kind == RECORDS}
        names = types_of(records.values())
        foreign = tuple(record for record in snapshot.foreign if not clash(record, names))
        own = {key.name for key in protected}
        wish = Wish(records, own, foreign, self.frame(blocks), snapshot.known, self._places)
        written = write_files(wish, self._sign)
        write_hosts = not (snapshot.hosts_served and written.hosts == _body(snapshot.files.hosts))
        write_conf = not (snapshot.conf_served and written.conf == _body(snapshot.files.conf))
        return Document(written, write_hosts, write_conf)

    def accepts(self, changes: Collection[Change]) -> bool:
        """Plain addresses are checked where they are declared; it is the conf file that dnsmasq may refuse."""
        return all(change.impact.disturbance is Disturbance.RELOAD for change in changes)

    def validate(self, document: Document) -> None:
        if document.write_conf:
            check_conf(self._program, document.written.conf)

    def commit(self, document: Document, reading: Reading) -> Reading:
        if not (document.write_hosts or document.write_conf):
            return reading
        before: Snapshot = reading.raw
        written = document.written
        new = self._daemon.sealed(written.hosts, written.conf, self._stamp(before.files))
        after = Files(
            new.hosts if document.write_hosts else before.files.hosts,
            new.conf if document.write_conf else before.files.conf,
        )
        return self._switch(before, after, written.entries, restart=document.write_conf)

    def restore(self, earlier: Reading, reading: Reading) -> Reading:
        before, after = reading.raw, earlier.raw.files
        if after == before.files:
            return reading
        entries, restart = earlier.raw.known.entries.values(), after.conf != before.files.conf
        return self._switch(before, after, entries, restart=restart or not before.conf_served)

    def _switch(self, before: Snapshot, after: Files, written: Iterable[Entry], *, restart: bool) -> Reading:
        if problem := self._closed():
            raise Refused(
                Diagnostic(CLOSED, problem, hint="let that user pass, or choose another hosts_file"), whole=True
            )
        switch(self._daemon, before.files, after, restart, self.site.fail)
        return self._read(written)

    def _stamp(self, before: Files) -> int:
        """Return the moment of this writing in ns, later than that of the files it replaces."""
        return max(int(self.site.now() * 1e9), *(file.mtime + 1 if file else 0 for file in before))

    def _closed(self) -> str:
        directory = closed_to(self.config.user, self._daemon.hosts_file) if self.config.user else None
        return f"user {self.config.user} cannot pass {directory}" if directory else ""

    def impact(self, change: Change, reading: Reading) -> Impact:
        return impact_of(change, self._daemon.hosts_file, conf_served=reading.raw.conf_served)

    @operation
    def flush(self, ctx: Context, live: Live | None, params: Mapping[str, Any]) -> Outcome:
        """Empty dnsmasq's cache, so that names of elsewhere are asked for anew."""
        from conduit.providers.dnsmasq_cache import flush

        held = flush(self._daemon)
        return Outcome(Key(FRAME, self.name), Action.UPDATE, Result.OK, f"emptied the cache of {held} entries")

    def recover(self) -> tuple[str, ...]:
        """Clear temporary files, and start a dnsmasq that a killed run stopped and did not start again."""
        return (*self._cleared(), *self._revived())

    def _cleared(self) -> Iterable[str]:
        own = tuple(f"{TEMPORARY}{path.name}." for path in self._daemon.paths)
        for path in left_over({path.parent for path in self._daemon.paths}):
            if path.name.startswith(own):
                remove_file(path)
                yield f"removed {path}, left by a killed run"

    def _revived(self) -> Iterable[str]:
        daemon = self._daemon
        if not daemon.conf_file.exists() or daemon.answers() or daemon.process.running():
            return
        try:
            daemon.process.start(lambda: True)
            yield "dnsmasq was not running; started it"
        except Refused as refusal:
            yield f"dnsmasq does not run and could not be started: {refusal}"

    def check(self) -> Iterable[str]:
        if problem := self._closed():
            yield f"{problem}: chmod o+x that directory, or choose another dnsmasq.hosts_file"
        if not self._program.exists():
            yield f"{self._program} does not exist: install dnsmasq, or correct dnsmasq.program"


PROVIDER = Dnsmasq


def _body(file: File | None) -> str | None:
    return file.body if file else None


def _version(files: Files, served: Served, others: list[Entry]) -> str:
    digest = blake2b(digest_size=16)
    for file in files:
        digest.update(f"{file.mtime} {len(file.raw)} ".encode() + file.raw if file else b"gone ")
    digest.update(repr((served, others)).encode())
    return digest.hexdigest()
