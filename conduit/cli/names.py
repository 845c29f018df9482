"""Resource names for shell completion: read from the YAML as it is, cheaply, and silent when anything is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conduit.cli.app import App

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from conduit.model import Key

FILES = 2000
"""Manifests looked at before completion gives up on the rest."""


class KeyType(click.ParamType["Key"]):
    """A `kind/name` on the command line, completed from the manifests."""

    name = "kind/name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Key:
        """Read `kind/name`."""
        from conduit.model import Key

        try:
            return value if isinstance(value, Key) else Key.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the declared keys that begin as typed."""
        return _items(declared(ctx.ensure_object(App)), incomplete)


class LiveType(click.ParamType[str]):
    """A kind, or `kind/name`, of live objects."""

    name = "kind[/name]"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the kinds that have live objects, and the declared keys of such kinds."""
        from conduit.resources import load_kinds

        leaves = [kind.name for kind in load_kinds().values() if kind.provider]
        keys = [key for key in declared(ctx.ensure_object(App)) if key.partition("/")[0] in leaves]
        return _items([*leaves, *keys], incomplete)


def declared(app: App) -> list[str]:
    """Return every declared `kind/name`, sorted; none when that cannot be told."""
    from conduit.resources import load_kinds

    try:
        kinds = {kind.plural: kind.name for kind in load_kinds().values()}
        directory = app.settings.path(app.settings.desired)
        found = (pair for path in sorted(directory.rglob("*.y*ml"))[:FILES] for pair in _names(path))
        return sorted({f"{kinds[plural]}/{name}" for plural, name in found if plural in kinds})
    except Exception:  # noqa: BLE001 - a message in the middle of a typed line helps nobody
        return []


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    words = list(words)
    found = [word for word in words if word.startswith(incomplete)]
    return [CompletionItem(word) for word in found or words if found or _by_name(word, incomplete)]


def _by_name(key: str, incomplete: str) -> bool:
    """Whether somebody who typed the beginning of a name, and no kind, may mean this key."""
    return bool(incomplete) and key.partition("/")[2].startswith(incomplete)


def _names(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (plural, name) for each mapping of two levels in a file, from parser events, without building values."""
    import yaml

    from conduit.grammar import NAME

    depth, keys, plural = 0, [True], ""
    try:
        for event in yaml.parse(path.read_text(), yaml.CSafeLoader):
            is_key = keys[-1]
            if isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
                keys.pop()
            elif isinstance(event, yaml.NodeEvent):
                if is_key and isinstance(event, yaml.ScalarEvent):
                    plural = event.value if depth == 1 else plural
                    if depth == 2 and NAME.fullmatch(event.value):
                        yield plural, event.value
                keys[-1] = not is_key
                if isinstance(event, yaml.CollectionStartEvent):
                    depth += 1
                    keys.append(isinstance(event, yaml.MappingStartEvent))
    except (OSError, ValueError, yaml.YAMLError):
        return
