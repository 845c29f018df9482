"""operate: the one-off verbs of kinds and daemons, which are in no plan and in no manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conduit.cli.app import App, Command, pass_app
from conduit.cli.deed import Deed
from conduit.cli.names import LiveType
from conduit.show.text import escape

if TYPE_CHECKING:
    from conduit.model import Key


def _verbs(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the verbs of all kinds that begin as typed; those of daemons are told by a wrong one."""
    from conduit.operation import operations_of
    from conduit.resources import load_kinds

    known = {verb for kind in load_kinds().values() for verb, found in operations_of(kind).items() if not found.takes}
    return sorted(verb for verb in known if verb.startswith(incomplete))


@click.command(cls=Command)
@click.argument("verb", shell_complete=_verbs)
@click.argument("subject", metavar="KIND/NAME|DAEMON", shell_complete=LiveType().shell_complete)
@pass_app
def operate(app: App, verb: str, subject: str) -> int:
    """Do something once to a live resource or a daemon, and write it into the journal. Exits 4 when it fails.

    A wrong VERB tells which there are.

    \b
    Example:
      conduit operate rotate certificate/wiki
      conduit operate flush dnsmasq
      conduit operate revoke user/ada
    """
    from conduit.change import Result
    from conduit.model import FRAME, Key

    key = Key.parse(subject) if "/" in subject else Key(FRAME, subject)
    _require(app, key)
    with Deed(app, "operate", f"{verb} {subject}", address=subject) as deed:
        deed.begin()
        outcome = app.engine.operate(key, verb)
        deed.ok = outcome.result is Result.OK
    if app.json:
        from conduit.plan_json import document, outcome_document

        app.console.document(document("operated", verb=verb, outcome=outcome_document(outcome)))
    else:
        reason = f": {escape(outcome.reason)}" if outcome.reason else ""
        app.console.lines([f"{escape(verb)} {escape(subject)} {outcome.result}{reason}"])
    return 0 if deed.ok else 4


def _require(app: App, key: Key) -> None:
    """Raise a usage error for what is neither a live kind nor a daemon of the settings."""
    from conduit.model import FRAME

    engine = app.engine
    if key.kind == FRAME and key.name not in engine.providers:
        raise click.UsageError(f'conduit.yaml names no "{key.name}"; there are: {", ".join(engine.providers)}')
    if key.kind != FRAME and (key.kind not in engine.kinds or engine.kinds[key.kind].provider not in engine.providers):
        raise click.UsageError(f"no daemon of conduit.yaml has a {key.kind}; see conduit get")
