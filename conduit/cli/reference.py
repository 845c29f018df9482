"""kinds, schema, explain, failpoints, version: what conduit knows without looking at any daemon."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict

from conduit.cli.app import App, Command, pass_app

if TYPE_CHECKING:
    from conduit.errors import Code
    from conduit.show.explained import Explained


@click.command(cls=Command)
@pass_app
def kinds(app: App) -> None:
    """List the kinds of resource a manifest may declare.

    \b
    Example:
      conduit kinds
    """
    from conduit.resources import load_kinds
    from conduit.show.explained import summary_of
    from conduit.show.reference import kinds_lines

    found = load_kinds().values()
    if app.json:
        from conduit.plan_json import document

        rows = [{"name": k.name, "plural": k.plural, "provider": k.provider, "summary": summary_of(k)} for k in found]
        app.console.document(document("kinds", kinds=rows))
    else:
        app.console.lines(kinds_lines(found))


@click.command(cls=Command)
@click.argument("kind", required=False)
@pass_app
def schema(app: App, kind: str | None) -> None:
    """Print the JSON Schema of a manifest file, or of one KIND's spec.

    \b
    Example:
      conduit schema
      conduit schema service
    """
    from conduit.manifest_schema import manifest_schema, spec_schema
    from conduit.resources import load_kinds

    found = load_kinds()
    if kind and kind not in found:
        raise click.UsageError(_no_kind(kind, found))
    app.console.lines([json.dumps(spec_schema(found[kind]) if kind else manifest_schema(found), indent=2)])


@click.command(cls=Command)
@click.argument("subject", metavar="CODE|KIND[.FIELD]")
@pass_app
def explain(app: App, subject: str) -> None:
    """Explain an error code, a kind, or one of its fields.

    \b
    Example:
      conduit explain CND-0401
      conduit explain service
      conduit explain service.health
    """
    found = _explained(subject)
    if app.json:
        from conduit.plan_json import document

        fields = list(map(asdict, found.fields))
        words = {"subject": found.subject, "title": found.title, "text": found.text}
        app.console.document(document("explained", **words, fields=fields))
    else:
        from conduit.show.reference import explained_lines

        app.console.lines(explained_lines(found, app.console.view))


@click.command(cls=Command)
@pass_app
def failpoints(app: App) -> None:
    """List the named points at which a test may kill or starve conduit.

    \b
    Example:
      conduit failpoints
    """
    from conduit.failpoints import POINTS
    from conduit.show.text import columns

    if app.json:
        from conduit.plan_json import document

        app.console.document(document("failpoints", failpoints=dict(POINTS)))
    else:
        app.console.lines(columns(POINTS.items()))


@click.command(cls=Command)
@pass_app
def version(app: App) -> None:
    """Print the version.

    \b
    Example:
      conduit version
    """
    from conduit import __version__

    if app.json:
        from conduit.plan_json import document

        app.console.document(document("version", conduit=__version__))
    else:
        app.console.lines([f"conduit {__version__}"])


def _explained(subject: str) -> Explained:
    from conduit.resources import load_kinds
    from conduit.show.explained import explain_code, explain_field, explain_kind

    if subject.upper().startswith("CND-"):
        return explain_code(_code(subject.upper()))
    name, _, path = subject.partition(".")
    kinds = load_kinds()
    kind = kinds.get(name)
    if kind is None:
        raise click.UsageError(_no_kind(name, kinds))
    try:
        return explain_field(kind, path) if path else explain_kind(kind)
    except KeyError:
        raise click.UsageError(f'{name} has no field "{path}"; see conduit explain {name}') from None


def _code(name: str) -> Code:
    """Return an error code by name; every module is imported, because codes stand beside their rules."""
    import importlib
    import pkgutil

    import conduit
    from conduit.errors import CODES

    for module in pkgutil.walk_packages(conduit.__path__, "conduit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    if name not in CODES:
        raise click.UsageError(f"there is no error code {name}")
    return CODES[name]


def _no_kind(name: str, known: Iterable[str]) -> str:
    from conduit.dialect.words import did_you_mean

    return f'there is no kind "{name}"; {did_you_mean(name, known) or "see conduit kinds"}'
