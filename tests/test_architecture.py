"""The rules of the layout: who may import whom, who may touch the outside, where a kind may be named."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "conduit"

LAYERS: list[set[str]] = [
    {"__main__"},
    {"cli"},
    {"api"},
    {"health"},
    {"reconcile", "accept", "past"},
    {"saved_plan"},
    {"plan_json"},
    {"show", "sandbox"},
    {"engine"},
    {"planning"},
    {"declarations"},
    {"run", "recall"},
    {"apply", "keeping"},
    {"documents", "objects", "touched"},
    {"undo", "prune", "verify", "readiness", "status", "doctor", "operate", "perform", "pins", "settled_roots"},
    {"wish"},
    {"settled"},
    {"observe", "earlier", "premises", "second_look", "obstacles"},
    {"work", "proving", "used_secrets"},
    {"audit"},
    {"manifests", "journal", "history", "lock", "report"},
    {"chain_writer", "history_tables", "history_rows"},
    {"chain", "records"},
    {"resources"},
    {"compose"},
    {"identity"},
    {"providers"},
    {"plan"},
    {"decide", "safety", "schedule", "expand", "companions"},
    {"graph", "claims", "canonical", "manifest_schema", "fields", "command"},
    {"kind"},
    {"look"},
    {"upstreams", "dialect"},
    {"diff", "settings", "operation"},
    {"grammar", "measures", "failpoints", "cron"},
    {"idn"},
    {"errors"},
    {"change"},
    {"spec"},
    {"later", "settled_root"},
    {"model", "documented", "evidence", "stamps", "variables"},
    {"lean"},
    {"aside", "patterns", "validators", "mac"},
]
"""Top to bottom; a module imports only from lower layers, or from its own package."""
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

OUTSIDE = {"subprocess", "socket", "ssl", "http.client", "httpx", "docker", "asyncio", "signal"}
"""Modules that touch what is outside this process."""
MAY_TOUCH = {"providers", "sandbox"}
SIGNALS = {"cli", "failpoints"}
"""The command line handles Ctrl-C, a failpoint kills its own process."""
LOOPS = {"api"}
"""The server is asynchronous; it opens nothing itself."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    """The name of the layer member a file belongs to: its top module or package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module with its line, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            if node.module in ("conduit", "conduit.providers", "conduit.sandbox", "conduit.resources"):
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def test_every_module_has_a_layer() -> None:
    unknown = {part(path) for path in modules()} - set(RANK) - {"__init__"}
    assert not unknown, f"name the layer of {sorted(unknown)} in LAYERS"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downward_only(path: Path) -> None:
    own = part(path)
    if own == "__init__":
        return
    for name, line in imports(path):
        if not name.startswith("conduit."):
            continue
        other = name.split(".")[1]
        if other in RANK and other != own:
            assert RANK[own] < RANK[other], f"{path}:{line}: {own} must not import {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_providers_and_the_sandbox_touch_the_outside(path: Path) -> None:
    if part(path) in MAY_TOUCH:
        return
    for name, line in imports(path):
        touches = name in OUTSIDE or name.split(".")[0] in OUTSIDE
        allowed = {"signal": SIGNALS, "asyncio": LOOPS}.get(name, set())
        assert not touches or part(path) in allowed, f"{path}:{line} imports {name}"


def test_leaf_kinds_import_nothing_sideways() -> None:
    for path in sorted((PACKAGE / "resources").glob("*.py")):
        composite = "    provider = " not in path.read_text()
        for name, line in imports(path):
            sideways = name.startswith("conduit.resources.") and not name.split(".")[2].endswith("_spec")
            assert composite or not sideways, f"{path}:{line}: a leaf kind imports {name}"


PLAIN = {"user"}
"""Names of kinds that are words for something else as well: an account of the system, whoever acts in a trail."""


def kind_names() -> set[str]:
    from conduit.resources import load_kinds

    return set(load_kinds()) - PLAIN | {kind.plural for kind in load_kinds().values()}


def test_no_module_outside_resources_names_a_kind() -> None:
    names = kind_names()
    for path in modules():
        speaks = path.parent.name == "controllers"
        if speaks or part(path) in ("resources", "sandbox", "cli", "providers", "compose", "identity"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in names:
                pytest.fail(f"{path}:{node.lineno} names the kind {node.value}")


LIGHT = "conduit.cli.main, conduit.cli.plan, conduit.show.text, conduit.errors, conduit.model, conduit.change"
"""What an unchanged site loads, with the types it speaks in."""
HEAVY = {"pydantic", "yaml", "jinja2", "http.client", "conduit.spec", "conduit.kind"}
"""Imports that take longer than all else an unchanged site needs."""


def test_an_unchanged_site_loads_nothing_heavy() -> None:
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, {LIGHT}; print(*sys.modules)"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not HEAVY.intersection(told.stdout.split())


def test_no_shell_anywhere() -> None:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                shell = any(k.arg == "shell" for k in node.keywords)
                system = isinstance(node.func, ast.Attribute) and node.func.attr in ("system", "popen", "getoutput")
                assert not shell, f"{path}:{node.lineno} uses a shell"
                assert not system, f"{path}:{node.lineno} uses a shell"
