"""conduit.yaml: read in the same dialect as the manifests, with every problem at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from conduit.dialect.complaints import Complaint, complaints
from conduit.dialect.document import Document, read
from conduit.dialect.words import did_you_mean, shown
from conduit.errors import Code, Diagnostic, LoadError
from conduit.evidence import of_bytes
from conduit.manifests.places import tell
from conduit.model import Source
from conduit.providers.base import config_of, is_provider, provider_names
from conduit.providers.files import read_regular
from conduit.settings import Section, Settings
from conduit.variables import given, overlaid

UNREADABLE = Code(
    "CND-1001",
    "conduit.yaml cannot be read",
    "The settings file is missing, is not a plain file, or may not be read by this user. Create one with "
    "`conduit init`, or name another with --config or CONDUIT_CONFIG.",
)
NO_PROVIDER = Code(
    "CND-1002",
    "an unknown key in conduit.yaml",
    "A top-level key of conduit.yaml is either a setting or the section of a provider. The message names the nearest "
    "one that exists.",
)
LIMIT = 1 << 20
"""Bytes of a settings file."""


def read_settings(path: Path) -> Settings:
    """Read conduit.yaml and check each section against its provider. Raises LoadError with every problem."""
    path = path.absolute()
    try:
        content = read_regular(path, LIMIT)
    except OSError as error:
        summary = f"cannot read {path}: {error.strerror or error}"
        raise LoadError(
            Diagnostic(UNREADABLE, summary, Source(str(path)), "create it with conduit init, or use --config")
        ) from None
    document = read(str(path), content)
    if document.torn or document.unread:
        raise LoadError(document.problems)
    data = {} if document.data is None else document.data
    data = overlaid(data, os.environ) if isinstance(data, dict) else data
    problems = document.problems
    settings = _core(document, data, problems)
    for name in data if isinstance(data, dict) else ():
        if name not in Settings.model_fields:
            problems += _section(document, name, data[name])
    if problems or settings is None:
        raise LoadError(problems)
    settings._base = path.parent
    settings._evidence = None if given(os.environ) else (of_bytes(path, content),)
    return settings


def _core(document: Document, data: Any, problems: list[Diagnostic]) -> Settings | None:
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        problems += [tell(document, found) for found in complaints(error, Settings, data, "conduit.yaml")]
        return None


def _section(document: Document, name: str, data: Any) -> list[Diagnostic]:
    if not is_provider(name):
        hint = did_you_mean(name, [*provider_names(), *Settings.model_fields])
        unknown = Complaint(NO_PROVIDER, f"unknown key {shown(name)} in conduit.yaml", (name,), hint, at_key=True)
        return [tell(document, unknown)]
    config: type[Section] = config_of(name)
    try:
        config.model_validate({} if data is None else data)
    except ValidationError as error:
        found = complaints(error, config, data, f"the section {name}")
        return [tell(document, each, (name,)) for each in found]
    return []
