"""dnsmasq: one hosts file that SIGHUP reads again, one conf file that costs a restart, and proof by asking it.

Names conduit declares are answered here alone: the local domains are in the frame, any other name brings a `local=`
line of its own. A wildcard `*.apps.home.arpa` answers every name below apps.home.arpa at any depth, not that name
itself; a plain record below it wins for its own type only. It always brings `local=/*.apps.home.arpa/`, because
without it dnsmasq answers NXDOMAIN, not "no data", for the types the wildcard does not have.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar, Final

from conduit.errors import Code, ConduitError, Diagnostic, Refused, RollbackFailed, Stale
from conduit.grammar import split_host_port
from conduit.model import FRAME, Action, Change, Claim, Disturbance, Impact, Key, Live, Native
from conduit.providers.base import DocumentProvider, Reading, Site
from conduit.providers.dnsmasq_daemon import Daemon, File, Pair, closed_to
from conduit.providers.dnsmasq_files import (
    RECORDS,
    Entry,
    Generation,
    Record,
    clash,
    conf_seal,
    hosts_seal,
    is_host,
    read_files,
    types_of,
)
from conduit.providers.dnsmasq_render import render
from conduit.providers.process import ENVIRONMENT, PlainProcess, SystemdUnit, open_process
from conduit.settings import ConfigPath, Section, Settings

UNWRITABLE = Code(
    "CND-0703",
    "a record cannot be written safely",
    "Every value is checked as it is written, and the finished text is read back and compared with what was meant, "
    "because dnsmasq's own check accepts injected lines. This record did not come back as itself. Correct its values.",
)
REJECTED = Code(
    "CND-0704",
    "dnsmasq refuses the new files",
    "Its own check (`dnsmasq --test`) or its restart failed; its words are in the message. The old files are in place. "
    "Correct the record that is named.",
)
NOT_SERVED = Code(
    "CND-0705",
    "dnsmasq does not serve the new records",
    "After a change conduit asks dnsmasq for the new generation until it answers. It kept serving another one, so the "
    "old files were put back. Most often its configuration does not include conduit's file: it needs "
    "`conf-dir=DIRECTORY,*.conf`. Or it filters AAAA answers, or `address` belongs to another daemon.",
)
NOT_RESTORED = Code(
    "CND-0706",
    "dnsmasq could not be brought back",
    "A change failed and the old files are in place again, but dnsmasq does not serve them. Look at its log, start it "
    "by hand, and run `conduit diff`.",
)
MOVED = Code(
    "CND-0707",
    "dnsmasq's files moved since the plan",
    "Somebody wrote conduit's hosts or conf file after it was read for this plan. Nothing was written. Plan again.",
)
CLOSED = Code(
    "CND-0708",
    "dnsmasq's user cannot reach a file",
    "dnsmasq gives up root before it reads the hosts file, so every directory above it must be open to its user. "
    "Choose another `hosts_file`, or let that user pass: chmod o+x on the directory that is named.",
)

_CHECK_SECONDS: Final = 20
_SAID: Final = 500
_BLAME: Final = re.compile(r"at line ([0-9]{1,9}) of ")
_RELOAD: Final = Impact(Disturbance.RELOAD, "dnsmasq", note="no interruption")
_RESTART: Final = Impact(Disturbance.RESTART, "dnsmasq", 0.05)


class Config(Section):
    """The `dnsmasq` section of conduit.yaml: where dnsmasq answers, our two files, and how it is restarted."""

    address: str
    conf_file: ConfigPath
    hosts_file: ConfigPath
    program: ConfigPath = Path("/usr/sbin/dnsmasq")
    user: str | None = None
    process: PlainProcess | SystemdUnit


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `read` keeps: both files (None when missing), whether each is in force, and others' records in them."""

    hosts: File | None = None
    conf: File | None = None
    hosts_served: bool = False
    conf_served: bool = False
    foreign: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The bodies of both files; one that is already in force is not written again."""

    hosts: str
    conf: str
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
            open_process(config.process, self._program, settings),
        )

    def read(self) -> Reading:
        daemon = self._daemon
        hosts, conf = daemon.load(daemon.hosts_file), daemon.load(daemon.conf_file)
        served = daemon.served() if conf else Pair()
        faults = {
            daemon.hosts_file: hosts.fault(served.hosts) if hosts else "is gone",
            daemon.conf_file: conf.fault(served.conf) if conf else "is gone",
        }
        places = (str(daemon.hosts_file), str(daemon.conf_file))
        contents = read_files(hosts.body if hosts else "", conf.body if conf else "", places, self._verify)
        others = list(daemon.others())
        snapshot = Snapshot(
            hosts,
            conf,
            not faults[daemon.hosts_file],
            not faults[daemon.conf_file],
            tuple(entry.record for entry in contents.foreign),
        )
        lives = [_owned(entry) for entry in contents.owned.values()]
        lives += [_foreign(entry, adoptable=True) for entry in contents.foreign]
        lives += [_foreign(entry, adoptable=False) for entry in others]
        return Reading(
            {RECORDS: tuple(lives)},
            _version(hosts, conf, served, others),
            frame=contents.frame() if conf else None,
            stale="; ".join(f"{path} {fault}" for path, fault in faults.items() if fault) if conf else "",
            raw=snapshot,
        )

    def _verify(self, owner: str, part: str, name: str, mark: str) -> bool:
        return self.site.mark(Key(RECORDS, owner), part, name) == mark

    def _mark(self, owner: str, part: str, name: str) -> str:
        return self.site.mark(Key(RECORDS, owner), part, name)

    def frame(self, blocks: Mapping[Key, Native]) -> Native:
        domains = dict.fromkeys((self.settings.internal_domain, *self.settings.local_domains))
        return {"addn_hosts": [str(self._daemon.hosts_file)], "local": list(domains), "unknown": []}

    def compose(self, reading: Reading, blocks: Mapping[Key, Native], protected: Collection[Key] = ()) -> Document:
        snapshot: Snapshot = reading.raw
        records: dict[str, Record] = {key.name: native for key, native in blocks.items() if key.kind == RECORDS}
        names = types_of(records.values())
        foreign = [record for record in snapshot.foreign if not clash(record, names)]
        hosts, conf = self._text(records, {key.name for key in protected}, foreign)
        return Document(
            hosts,
            conf,
            not (snapshot.hosts_served and snapshot.hosts and snapshot.hosts.body == hosts),
            not (snapshot.conf_served and snapshot.conf and snapshot.conf.body == conf),
        )

    def _text(self, records: Mapping[str, Record], protected: Collection[str], foreign: list[Record]) -> list[str]:
        """Return both bodies, proven to say what is meant. Raises `Refused` naming the records that do not."""
        frame = self.frame({})
        try:
            bodies = render(records, protected, foreign, frame, self._mark)
            contents = read_files(bodies[0], bodies[1], ("hosts", "conf"), self._verify)
            found = {owner: (entry.record, entry.protected) for owner, entry in contents.owned.items()}
            meant = {owner: (record, owner in protected) for owner, record in records.items()}
            strangers = [entry.record for entry in contents.foreign]
            if found == meant and contents.frame() == frame and len(strangers) == len(foreign):
                return bodies
            reason = "it does not come back as it was written"
        except ValueError as error:
            reason = str(error)
        if len(records) > 1:
            self._blame(records)
        blamed = [Key(RECORDS, owner) for owner in records]
        summary = f"{blamed[0] if blamed else self.name} cannot be written: {reason}"
        raise Refused(Diagnostic(UNWRITABLE, summary, hint="correct its values"), blamed)

    def _blame(self, records: Mapping[str, Record]) -> None:
        """Write each record alone; raises `Refused` with the first diagnostic, blaming all that fail."""
        refusals = []
        for owner, record in records.items():
            try:
                self._text({owner: record}, (), [])
            except Refused as refusal:
                refusals.append(refusal)
        if refusals:
            raise Refused(refusals[0].diagnostics[0], [key for refusal in refusals for key in refusal.blamed])

    def validate(self, document: Document) -> None:
        if document.write_conf:
            self._test(document.conf)

    def _test(self, conf: str) -> None:
        """Let dnsmasq check a conf file given on its standard input, as nobody when we are root."""
        who: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": ()} if os.geteuid() == 0 else {}
        try:
            done = subprocess.run(
                [self._program, "--test", "--conf-file=-"],
                input=conf.encode(),
                capture_output=True,
                timeout=_CHECK_SECONDS,
                env=ENVIRONMENT,
                cwd="/",
                check=False,
                **who,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refused(Diagnostic(REJECTED, f"cannot run {self._program} --test: {error}")) from error
        if done.returncode:
            raise self._refused(REJECTED, done.stderr[:_SAID].decode(errors="replace").strip(), conf)

    def _refused(self, code: Code, words: str, conf: str) -> Refused:
        """Return the refusal that dnsmasq's words stand for, blaming the resource on the line they name."""
        found = _BLAME.search(words)
        lines = conf.split("\n")
        line = lines[int(found[1]) - 1] if found and int(found[1]) <= len(lines) else ""
        owner = line.rpartition(" # ")[2].partition(" ")[0] if " # " in line else ""
        return Refused(Diagnostic(code, words, line=line), [Key(RECORDS, owner)] if owner else [])

    def commit(self, document: Document, reading: Reading) -> Reading:
        if not (document.write_hosts or document.write_conf):
            return reading
        before: Snapshot = reading.raw
        self._require_unmoved(before)
        self._require_open()
        running = self._daemon.process.running()
        restart = document.write_conf or not running
        try:
            self._carry_out(document, before, restart)
        except (OSError, Refused) as failure:
            self._restore(before, restart, running, failure)
            if isinstance(failure, Refused):
                raise
            raise Refused(Diagnostic(REJECTED, f"dnsmasq's files cannot be written: {failure}")) from failure
        self.site.fail("dnsmasq.commit.after")
        return self.read()

    def _carry_out(self, document: Document, before: Snapshot, restart: bool) -> None:
        """Write what changed, tell dnsmasq once, and wait until it serves it. Raises OSError or `Refused`."""
        daemon, stamp = self._daemon, self._stamp(before)
        hosts, conf = Generation.of(document.hosts, stamp), Generation.of(document.conf, stamp)
        self.site.fail("dnsmasq.commit.staged")
        if document.write_hosts:
            text = document.hosts + hosts_seal(daemon.hosts_name, hosts)
            daemon.write(daemon.hosts_file, text.encode(), stamp)
        if document.write_conf:
            text = document.conf + conf_seal(daemon.conf_name, conf)
            daemon.write(daemon.conf_file, text.encode(), stamp)
        self.site.fail("dnsmasq.commit.renamed")
        try:
            daemon.tell(restart, lambda: self.site.fail("dnsmasq.commit.stopped"))
        except Refused as refusal:
            raise self._refused(REJECTED, refusal.diagnostics[0].summary, document.conf) from refusal
        self.site.fail("dnsmasq.commit.reloaded")
        if not daemon.comes_to_serve(
            Pair(hosts if document.write_hosts else None, conf if document.write_conf else None)
        ):
            hint = f"its configuration needs conf-dir={daemon.conf_file.parent},*.conf"
            summary = "dnsmasq was told, but does not serve the new records; the old files are back"
            raise Refused(Diagnostic(NOT_SERVED, summary, hint=hint))

    def _stamp(self, before: Snapshot) -> int:
        """Return the moment of this writing in ns, later than that of the files it replaces."""
        earlier = [file.mtime for file in (before.hosts, before.conf) if file]
        return max(int(self.site.now() * 1e9), *(mtime + 1 for mtime in earlier), 0)

    def _restore(self, before: Snapshot, restart: bool, was_running: bool, failure: Exception) -> None:
        """Put the old files back with their old stamps and make dnsmasq serve them. Raises `RollbackFailed`."""
        daemon = self._daemon
        try:
            daemon.put_back(daemon.hosts_file, before.hosts)
            daemon.put_back(daemon.conf_file, before.conf)
            if not (was_running or daemon.process.running()):
                return
            daemon.tell(restart)
            if before.conf is None:
                return
            conf = before.conf.generation if restart else None
            if daemon.comes_to_serve(Pair(before.hosts.generation if before.hosts else None, conf)):
                return
            reason = "dnsmasq does not serve them"
        except (OSError, ConduitError) as error:
            reason = str(error)
        summary = f"the change failed ({failure}), and so did going back to the old files: {reason}"
        raise RollbackFailed(Diagnostic(NOT_RESTORED, summary, hint="start dnsmasq by hand, then run conduit diff"))

    def _require_unmoved(self, before: Snapshot) -> None:
        daemon = self._daemon
        for path, seen in ((daemon.hosts_file, before.hosts), (daemon.conf_file, before.conf)):
            found = daemon.load(path)
            if (found and found[:2]) != (seen and seen[:2]):
                raise Stale(Diagnostic(MOVED, f"{path} was written since it was read", hint="plan again"))

    def _require_open(self) -> None:
        """Refuse, before anything is written, what could not be told or read by dnsmasq."""
        self._daemon.process.require_ours()
        if problem := self._closed():
            raise Refused(Diagnostic(CLOSED, problem, hint="see `conduit explain CND-0708`"))

    def _closed(self) -> str:
        directory = closed_to(self.config.user, self._daemon.hosts_file) if self.config.user else None
        return f"user {self.config.user} cannot pass {directory}" if directory else ""

    def impact(self, change: Change, reading: Reading) -> Impact:
        live, want = change.live.native if change.live else None, change.native
        if change.key.kind == FRAME:
            return self._frame_impact(live, want, reading)
        if change.action is Action.ADOPT or (
            change.live and change.want and change.live.protected != change.want.protect
        ):
            live = None
        return _RELOAD if _conf_part(live) == _conf_part(want) else _RESTART

    def _frame_impact(self, live: Native, want: Native, reading: Reading) -> Impact:
        if live is None or not reading.raw.conf_served:
            return _RESTART
        same = all(live[name] == want[name] for name in ("addn_hosts", "local"))
        hosts_only = all(text.startswith(f"{self._daemon.hosts_file}:") for text in live["unknown"])
        return _RELOAD if same and hosts_only else _RESTART

    def recover(self) -> tuple[str, ...]:
        """Start a dnsmasq that a killed run stopped for a restart and did not start again."""
        daemon = self._daemon
        if not daemon.conf_file.exists() or daemon.process.running():
            return ()
        try:
            daemon.process.start(lambda: True)
        except Refused as refusal:
            return (f"dnsmasq does not run and could not be started: {refusal}",)
        return ("dnsmasq was not running; started it",)

    def check(self) -> Iterable[str]:
        if problem := self._closed():
            yield f"{problem}: chmod o+x that directory, or choose another dnsmasq.hosts_file"
        if not self._program.exists():
            yield f"{self._program} does not exist: install dnsmasq, or correct dnsmasq.program"


PROVIDER = Dnsmasq


def _conf_part(record: Record | None) -> Native:
    """Return what a record contributes to the conf file; None for nothing."""
    if record is None:
        return None
    if is_host(record):
        return record["name"] if record["local"] else None
    return record


def _owned(entry: Entry) -> Live:
    owner, record, place, protected = entry
    number = f"{record['type']} {record['name']}"
    return Live(Key(RECORDS, owner), number, record, owned=True, protected=protected, place=place)


def _foreign(entry: Entry, *, adoptable: bool) -> Live:
    """Return somebody else's record; only one in our own file can be taken over, because only there it can go."""
    record, place = entry.record, entry.place
    rtype, name = record["type"], record["name"]
    claims = frozenset((Claim("dns", (name, rtype)),)) if adoptable else frozenset()
    key = Key(RECORDS, name.replace("*", "any").replace(".", "-"))
    return Live(key, f"{rtype} {name}", record, owned=False, claims=claims, place=place)


def _version(hosts: File | None, conf: File | None, served: Pair, others: list[Entry]) -> str:
    digest = blake2b(digest_size=16)
    for file in (hosts, conf):
        digest.update(f"{file.mtime} {len(file.raw)} ".encode() + file.raw if file else b"gone ")
    digest.update(repr((str(served.hosts), str(served.conf), others)).encode())
    return digest.hexdigest()
