"""Write the pages of docs/ that say what the code says: kinds, settings, error codes, failpoints, modules.

    python scripts/generate_docs.py

A test compares these pages with the code, so they are never edited by hand. A kind's page shows the manifest
docs/kinds/examples/<plural>.yaml when there is one.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from docs_api import api_parts
from docs_tables import fields_table, table, wrapped

import conduit
from conduit.command import commands_of
from conduit.errors import CODES
from conduit.failpoints import POINTS
from conduit.kind import Kind
from conduit.manifests.common import Common
from conduit.operation import operations_of
from conduit.providers.base import config_of, provider_names
from conduit.resources import load_kinds
from conduit.settings import Settings
from conduit.show.explained import summary_of
from conduit.variables import VARIABLES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
COMMAND = "python scripts/generate_docs.py"
NOTE = f"<!-- Written by `{COMMAND}` from the code; edit the code, not this page. -->\n"
GROUPS = {
    "01": "YAML and manifests",
    "02": "Fields",
    "03": "Expansion and the graph",
    "04": "Plans",
    "05": "Apply, lock, journal",
    "06": "Caddy",
    "07": "dnsmasq",
    "08": "Certificates",
    "09": "Secrets and keys",
    "10": "Settings and command line",
    "11": "Probes, processes, sandbox",
    "12": "nginx",
    "14": "Compose files",
    "15": "Docker",
    "20": "REST API",
    "21": "Audit",
    "22": "The loop",
    "23": "Logging in",
    "24": "Users, roles, grants, tasks",
}


def pages() -> dict[Path, str]:
    """Return every generated page by its path below docs/."""
    kinds = sorted(load_kinds().values(), key=lambda kind: kind.plural)
    found = {Path("kinds") / f"{kind.plural}.md": kind_page(kind) for kind in kinds}
    found[Path("kinds/README.md")] = kinds_page(kinds)
    found[Path("settings.md")] = settings_page()
    found[Path("errors.md")] = errors_page()
    found[Path("failpoints.md")] = failpoints_page()
    found[Path("modules.md")] = modules_page()
    found[Path("api.md")] = _join("# The REST API", *api_parts())
    return found


def kinds_page(kinds: Iterable[Kind[Any]]) -> str:
    """Return the index of kinds, and the keys that all of them have."""
    rows = [[f"[{kind.plural}]({kind.plural}.md)", _lives(kind), summary_of(kind)] for kind in kinds]
    intro = "A manifest maps the plural name of a kind to names, and each name to its fields. `conduit kinds` prints\n"
    intro += "this list, `conduit explain KIND` and `conduit explain KIND.FIELD` print what the pages say."
    keys = "## Keys of every kind\n\nBeside its own fields, each declared name may hold:"
    return _join("# The kinds", intro, table(["In YAML", "Lives on", "What it is"], rows), keys, fields_table(Common))


def kind_page(kind: Kind[Any]) -> str:
    """Return the page of one kind: what it is, an example, its fields."""
    parts = [f"# {kind.plural}", inspect.getdoc(type(kind)) or "", f"Lives on: {_lives(kind)}."]
    if not kind.composite:
        parts.append(_adoption(kind))
    example = DOCS / "kinds" / "examples" / f"{kind.plural}.yaml"
    if example.exists():
        parts += ["## Example", f"```yaml\n{example.read_text().rstrip()}\n```"]
    shared = "[Keys of every kind](README.md#keys-of-every-kind) may stand beside these."
    return _join(*parts, "## Fields", shared, fields_table(kind.spec), *_verbs(kind))


def _verbs(kind: Kind[Any]) -> Iterator[str]:
    """Yield what can be done once to a resource of a kind at the command line."""
    rows = [
        [f"`conduit operate {each.name} {kind.name}/NAME`", each.summary]
        for each in operations_of(kind).values()
        if not each.takes
    ]
    rows += [[f"`conduit {each.name} NAME`", each.help.strip().splitlines()[0]] for each in commands_of(kind).values()]
    if rows:
        yield "## Once"
        yield "What is done to it once and is no part of any manifest:"
        yield table(["Command", "What it does"], rows)


ENVIRONMENT = """These variables win over conduit.yaml; an empty one counts as not set. `CONDUIT_CONFIG` names the file,
or `CONDUIT_CONFIG_DIR` the directory it lies in. `CONDUIT_API_KEY` is one admin key for `conduit serve`
([identity.md](identity.md#api-keys))."""


def settings_page() -> str:
    """Return the reference of conduit.yaml: the settings of the process, and each provider's section."""
    intro = "Relative paths count from the directory of conduit.yaml. A provider without a section is not used, read\n"
    intro += "or touched. [install.md](install.md) has a commented file to begin with."
    parts = ["# Settings: conduit.yaml", intro, "## The site", fields_table(Settings)]
    for name, config in ((name, config_of(name)) for name in provider_names()):
        if config.model_fields:
            parts += [f"## `{name}:`", inspect.getdoc(config) or "", fields_table(config)]
    return _join(*parts, "## The environment", ENVIRONMENT, table(["Variable", "Stands for"], _variables()))


def _variables() -> Iterator[list[str]]:
    for name, paths in VARIABLES.items():
        yield [f"`{name}`", " and ".join(f"`{'.'.join(path)}`" for path in paths)]


def errors_page() -> str:
    """Return every error code with its explanation."""
    for module in pkgutil.walk_packages(conduit.__path__, "conduit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    parts = ["# Error codes", "`conduit explain CODE` prints the same text."]
    group = ""
    for code in sorted(CODES.values(), key=lambda code: code.id):
        if code.id[4:6] != group:
            group = code.id[4:6]
            parts.append(f"## {GROUPS.get(group, group)}")
        parts += [f"### {code.id}", f"**{code.title}**", wrapped(code.explanation)]
    return _join(*parts)


def failpoints_page() -> str:
    """Return the points at which a test may kill or starve conduit."""
    intro = "A test stops conduit at one of these points, as a power cut or a full disk would: `make soak` tries all.\n"
    intro += "In use they do nothing. `conduit failpoints` prints the list."
    rows = [[f"`{name}`", text] for name, text in POINTS.items()]
    return _join("# Failpoints", intro, table(["Point", "What is true there"], rows))


def modules_page() -> str:
    """Return what every module is for, from its docstring, and who may import whom."""
    intro = "Each file says in its first sentence what it is for; this page repeats them.\n"
    intro += "[architecture.md](architecture.md) shows how they work together."
    layers = "\n".join("  ".join(sorted(layer)) for layer in _layers())
    direction = (
        "A module imports only from layers below its own; `tests/test_architecture.py` checks it. Top to bottom:"
    )
    parts = ["# Modules", intro, "## Import direction", direction, f"```text\n{layers}\n```"]
    packages = [ROOT / "conduit", *sorted(path.parent for path in (ROOT / "conduit").glob("*/__init__.py"))]
    for package in packages:
        files = (path for path in sorted(package.glob("*.py")) if not path.name.startswith("__"))
        rows = [[f"`{path.name}`", _purpose(path)] for path in files]
        parts += [f"## {package.relative_to(ROOT)}/", _purpose(package / "__init__.py"), table(["File", "For"], rows)]
    return _join(*parts)


def _layers() -> list[set[str]]:
    """Return LAYERS of the test that checks them."""
    source = ast.parse((ROOT / "tests" / "test_architecture.py").read_text())
    values = {ast.unparse(node.target): node.value for node in source.body if isinstance(node, ast.AnnAssign)}
    layers: list[set[str]] = ast.literal_eval(ast.unparse(values["LAYERS"] or ast.List([])))
    return layers


def _purpose(module: Path) -> str:
    """Return the first sentence of a module's docstring."""
    first = (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n\n")[0]
    return re.split(r"(?<=[.])\s+(?=[A-Z])", " ".join(first.split()))[0]


def _lives(kind: Kind[Any]) -> str:
    if kind.provider:
        return f"`{kind.provider}`"
    composite = type(kind).expand is not Kind.expand
    return "other kinds, which it expands into" if composite else "no daemon: it is only read"


def _adoption(kind: Kind[Any]) -> str:
    if kind.adopt:
        return f"A foreign object with the same claims is taken over when it is declared ({kind.adopt})."
    return f"A foreign object cannot be taken over: {kind.adopt_step}."


def _join(title: str, *parts: str) -> str:
    return "\n".join([title, "", NOTE, *(f"{part}\n" for part in parts if part)]).rstrip() + "\n"


def main() -> None:
    """Write every page, and delete the page of a kind that is gone."""
    found = pages()
    for path in (DOCS / "kinds").glob("*.md"):
        if path.relative_to(DOCS) not in found:
            path.unlink()
    for path, text in found.items():
        (DOCS / path).write_text(text)


if __name__ == "__main__":
    main()
