"""status, get, doctor: how things are right now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from conduit.cli.app import App, Command, pass_app
from conduit.cli.names import KeyType, LiveType
from conduit.dialect.words import did_you_mean
from conduit.model import Key, Live
from conduit.show.text import columns, escape

if TYPE_CHECKING:
    from conduit.status import RootStatus


@click.command(cls=Command)
@click.argument("keys", type=KeyType(), nargs=-1)
@pass_app
def status(app: App, keys: tuple[Key, ...]) -> None:
    """Show how each declared resource is doing, checked from outside, within a few seconds.

    \b
    Example:
      conduit status
      conduit status service/wiki
    """
    found = app.engine.status(keys)
    if missing := [key for key in keys if key not in {each.key for each in found}]:
        raise click.UsageError(f"{missing[0]} is not declared")
    if app.json:
        from conduit.plan_json import document

        app.console.document(document("status", resources=[_status_document(each) for each in found]))
    else:
        rows = [[escape(str(each.key)), _level(each), _days(each), escape(each.health)] for each in found]
        app.console.lines(columns([["RESOURCE", "PROOF", "CERTIFICATE", "HEALTH"], *rows]))


@click.command(cls=Command)
@click.argument("subject", metavar="KIND[/NAME]", type=LiveType())
@click.option("-o", "--output", type=click.Choice(["table", "yaml", "json"]), default="table", help="The form to use.")
@pass_app
def get(app: App, subject: str, output: str) -> None:
    """Show the live objects of a kind as its daemon has them, ours or not.

    \b
    Example:
      conduit get route
      conduit get dns_record -o yaml
    """
    said, _, name = subject.partition("/")
    known = app.engine.kinds
    kind = next((each.name for each in known.values() if each.plural == said), said)
    leaves = ", ".join(name for name, found in known.items() if found.provider)
    if kind not in known:
        raise click.UsageError(f'there is no kind "{kind}"; use one of: {leaves}')
    if not known[kind].provider:
        raise click.UsageError(f"a {kind} is live as what it becomes; use one of: {leaves}; or see conduit status")
    if known[kind].provider not in app.engine.providers:
        raise click.UsageError(f"{kind} objects live on {known[kind].provider}, which conduit.yaml does not name")
    lives = app.engine.live(kind)
    found = [live for live in lives if name in ("", live.key.name)]
    if name and not found:
        near = did_you_mean(name, (live.key.name for live in lives)) or f"see conduit get {kind}"
        app.console.notes([f"nothing live is {escape(subject)}; {near}"])
    if app.json or output == "json":
        from conduit.plan_json import document

        app.console.document(document("live", objects=[_live_document(live) for live in found]))
    elif output == "yaml":
        import yaml

        text = yaml.safe_dump([_live_document(live) for live in found], sort_keys=False, allow_unicode=False)
        app.console.lines([text.rstrip("\n")])
    else:
        rows = [[escape(str(live.key)), "yes" if live.owned else "no", escape(_place(live))] for live in found]
        app.console.lines(columns([["OBJECT", "OURS", "PLACE"], *rows]))


@click.command(cls=Command)
@pass_app
def doctor(app: App) -> int:
    """Check what conduit depends on; each finding comes with its fix. Exits 1 when there is one.

    \b
    Example:
      conduit doctor
    """
    found = app.engine.doctor()
    if app.json:
        from dataclasses import asdict

        from conduit.plan_json import document

        app.console.document(document("doctor", findings=[asdict(each) for each in found]))
    else:
        style = app.console.view.style
        for each in found:
            mark = style("good", "ok  ") if each.ok else style("error", "BAD ")
            app.console.lines([f"{mark} {escape(each.subject):<12} {escape(each.text)}"])
            if each.fix and each.fix != each.text:
                app.console.lines([f"     fix: {escape(each.fix)}"])
    return 0 if all(each.ok for each in found) else 1


def _place(live: Live) -> str:
    """Return where a live object is, and what there is to know of it."""
    from conduit.status import news_of

    news = news_of(live)
    return f"{live.place} ({news})" if news else live.place


def _level(each: RootStatus) -> str:
    if each.proof is None:
        return "-"
    return "passed" if each.proof.passed else each.proof.level.name.lower().replace("_", " ")


def _days(each: RootStatus) -> str:
    return "-" if each.days_left is None else f"{int(each.days_left)} d left"


def _status_document(each: RootStatus) -> dict[str, Any]:
    from conduit.plan_json import proof_document

    return {
        "address": str(each.key),
        "proof": proof_document(each.proof) if each.proof else None,
        "health": each.health,
        "days_left": each.days_left,
    }


def _live_document(live: Live) -> dict[str, Any]:
    from conduit.plan_json import encoded

    return {
        "address": str(live.key),
        "id": live.id,
        "owned": live.owned,
        "place": live.place,
        "status": encoded(live.status),
        "native": encoded(live.native),
    }
