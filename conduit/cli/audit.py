"""audit: look at the audit trail, prove that it holds, and keep it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from conduit.cli.app import App, Command, Group, pass_app
from conduit.cli.deed import login_user
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.show.text import columns, escape

if TYPE_CHECKING:
    from conduit.audit.upkeep import Upkeep
    from conduit.audit.verify import Verdict
    from conduit.chain import Entry

BROKEN_TRAIL = Code(
    "CND-2107",
    "the audit trail does not hold",
    "An entry was changed, moved or lost: the message names the first such file, line and entry, and why. Compare it "
    'with a backup. When you know what happened, keep it as evidence and begin anew: conduit audit seal --aside "WHY".',
)
DIRECTORY: Final = click.Path(path_type=Path, file_okay=False, exists=True)
FILE: Final = click.Path(path_type=Path, dir_okay=False)


@click.group(cls=Group)
def audit() -> None:
    """Who did what, and the proof that nobody changed that record."""


@audit.command(cls=Command)
@pass_app
def key(app: App) -> None:
    """Print the public key that checkpoints are signed with. Keep a copy on another machine.

    \b
    Example:
      conduit audit key > conduit.pem
    """
    app.console.lines([app.engine.trail.key.public.pem().rstrip()])


@audit.command(cls=Command)
@click.option("--public-key", type=FILE, metavar="FILE", help="Go by this key alone, on any machine; no MACs then.")
@click.option("--trail", type=DIRECTORY, metavar="DIRECTORY", help="A copy of the trail, with --public-key.")
@pass_app
def verify(app: App, public_key: Path | None, trail: Path | None) -> None:
    """Check every entry, every signature and every anchor; exits 1 and names the first entry that does not hold.

    \b
    Example:
      conduit audit verify
      conduit audit verify --public-key conduit.pem --trail state/audit
    """
    if trail and not public_key:
        raise click.UsageError("--trail needs --public-key: the other key is on the machine of the trail")
    verdict, problems = _judged(app, public_key, trail)
    app.console.notes(escape(f"warning: {each.summary}") for each in problems)
    if verdict.bad:
        hint = "compare it with a backup; conduit explain CND-2107 says how to go on"
        raise ConduitError(Diagnostic(BROKEN_TRAIL, f"the audit trail does not hold: {verdict.bad}", hint=hint))
    if app.json:
        from conduit.plan_json import document

        app.console.document(document("audit_verified", first=verdict.first, last=verdict.last, signed=verdict.signed))
    else:
        app.console.lines([_words(verdict)])


def _judged(app: App, public_key: Path | None, trail: Path | None) -> tuple[Verdict, list[Diagnostic]]:
    from conduit.audit.anchors import FOREIGN_ANCHOR
    from conduit.audit.key import PublicKey
    from conduit.audit.verify import verify as judge

    if public_key:
        return judge(trail or app.engine.trail.directory, PublicKey.read(public_key)), []
    verdict, problems = _upkeep(app).verify()
    foreign = [each for each in problems if each.code is FOREIGN_ANCHOR]
    if foreign and not verdict.bad:
        raise ConduitError(foreign)
    return verdict, problems


def _words(verdict: Verdict) -> str:
    if verdict.last < verdict.first:
        return "The audit trail holds: it has no entries yet."
    return f"The audit trail holds: entries {verdict.first} to {verdict.last}, signed up to {verdict.signed}."


@audit.command("list", cls=Command)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, metavar="N", help="At most this many entries.")
@pass_app
def list_(app: App, limit: int) -> None:
    """Show the newest entries, newest last.

    \b
    Example:
      conduit audit list --limit 10
    """
    entries = app.engine.trail.newest(limit)[::-1]
    if app.json:
        from conduit.plan_json import document, entry_document

        app.console.document(document("audit", entries=[entry_document(each) for each in entries]))
    elif entries:
        rows = [[escape(cell) for cell in _row(each)] for each in entries]
        app.console.lines(columns([["ENTRY", "TIME", "WHO", "FROM", "WHAT", "RESULT", "MESSAGE"], *rows]))


def _row(entry: Entry) -> list[str]:
    data = entry.data
    message = str(data["message"]).partition("\n")[0]
    return [str(entry.seq), entry.time, data["user"], data["address"] or "-", entry.event, data["status"], message]


@audit.command(cls=Command)
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", help="The form of the export.")
@pass_app
def export(app: App, form: str) -> None:
    """Write all entries to standard output, oldest first; CSV is safe to open in a spreadsheet.

    \b
    Example:
      conduit audit export --format csv > audit.csv
    """
    from conduit.audit.export import exported

    for part in exported(app.engine.trail.entries(), form):
        sys.stdout.write(part)


@audit.command(cls=Command)
@pass_app
def anchor(app: App) -> None:
    """Sign how far the trail goes, and write that down outside: in git, and where audit.anchor says.

    \b
    Example:
      conduit audit anchor
    """
    upkeep = _upkeep(app)
    upkeep.trail.sign()
    upkeep.anchor()
    newest = next(upkeep.trail.checkpoints.newest(), None)
    if newest is None:
        app.tell("There is nothing to anchor yet.")
        return
    app.tell(f"Entry {newest.entry} is {newest.hash}.")
    app.console.lines(escape(f"Anchored: {each.place}") for each in upkeep.anchors)


@audit.command(cls=Command)
@click.option("--aside", metavar="WHY", help="Set a trail that does not hold aside, and begin anew.")
@pass_app
def seal(app: App, aside: str | None) -> None:
    """Close the present segment with a signature, so that it can be archived; the trail goes on in a new one.

    \b
    Example:
      conduit audit seal
      conduit audit seal --aside "restored the machine from its backup of May"
    """
    upkeep = _upkeep(app)
    if aside is not None:
        from conduit.audit.sealing import set_aside

        place = set_aside(upkeep.trail, aside, login_user(), upkeep.witnesses()[0])
        app.console.lines([escape(f"Set aside: {place}")])
    upkeep.trail.seal()
    upkeep.anchor()
    app.tell("Sealed. The next entry begins a new segment.")


def _upkeep(app: App) -> Upkeep:
    from conduit.audit.upkeep import Upkeep

    return Upkeep(app.engine.trail, app.settings, lambda name: app.engine.secrets.get(name))
