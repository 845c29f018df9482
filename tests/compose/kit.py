"""What the Compose tests share: the files of the suite, and applications written into a directory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conduit.compose.application import Application
from conduit.compose.load import Loaded, load_file
from conduit.compose.mounts import Mount
from conduit.compose.networks import PublishedPort
from conduit.compose.service import Service
from conduit.errors import Diagnostic, LoadError

FILES = Path(__file__).parent / "files"
HERE = str(FILES)
ENVIRONMENT = {
    "HOME": "/home/op",
    "API_TOKEN": "token",
    "APP_CONFIG": "config",
    "KC_DB_PASSWORD": "geheim",
    "KC_HOSTNAME": "id.home.lan",
    "PAPERLESS_URL": "https://paper.home.lan",
    "VW_ADMIN_TOKEN": "token",
}
"""What the files of the suite are loaded with."""


def of_suite(name: str, **options: object) -> Application:
    """Return an application of tests/compose/files."""
    return load_file(FILES / name / "compose.yaml", ENVIRONMENT, **options).application  # type: ignore[arg-type]


def service(**fields: Any) -> Service:
    """Return a service; it is on the default network unless it says otherwise."""
    return Service.model_validate({"networks": {} if "network_mode" in fields else {"default": {}}} | fields)


def bind(source: str, target: str, **fields: Any) -> Mount:
    """Return a path of the host that is mounted."""
    return Mount.model_validate({"type": "bind", "source": source, "target": target, "bind": {}} | fields)


def volume(source: str, target: str, **fields: Any) -> Mount:
    """Return a volume that is mounted."""
    return Mount.model_validate({"type": "volume", "source": source, "target": target, "volume": {}} | fields)


def port(target: int, published: str = "", **fields: Any) -> PublishedPort:
    """Return a published port."""
    return PublishedPort(target=target, published=published, **fields)


CLOCK = bind("/etc/localtime", "/etc/localtime", read_only=True)


class Site:
    """A directory with Compose files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file and return its path."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def load(self, text: str | bytes, environment: dict[str, str] | None = None, **options: object) -> Loaded:
        """Load `text` as compose.yaml of this directory."""
        path = self.write("compose.yaml", text)
        return load_file(path, environment or {}, **options)  # type: ignore[arg-type]

    def service(self, fields: str, environment: dict[str, str] | None = None, shared: str = "") -> object:
        """Return the service `a` with an image and these fields."""
        return self.load(application(fields, shared), environment).application.services["a"]

    def problems(self, text: str | bytes, environment: dict[str, str] | None = None) -> list[Diagnostic]:
        """Return what is wrong with `text` as compose.yaml."""
        with pytest.raises(LoadError) as caught:
            self.load(text, environment)
        return list(caught.value.diagnostics)

    def problem(self, fields: str, environment: dict[str, str] | None = None, shared: str = "") -> Diagnostic:
        """Return the only thing that is wrong with a service of these fields."""
        found = self.problems(application(fields, shared), environment)
        assert len(found) == 1, "\n".join(map(str, found))
        return found[0]


def application(fields: str, shared: str = "") -> str:
    """Return an application with one service `a`; `fields` and `shared` are YAML at their own indentation."""
    inside = "".join(f"    {line}\n" for line in fields.splitlines())
    return f"services:\n  a:\n    image: busybox\n{inside}{shared}\n"


def place(found: Diagnostic) -> tuple[int, int]:
    """Return line and column of a problem."""
    assert found.source
    return found.source.line, found.source.column


def codes(explanations: list[Diagnostic]) -> list[str]:
    """Return the codes of problems."""
    return [found.code.id for found in explanations]


def words(text: str) -> str:
    """Return text with its spaces made one."""
    return re.sub(r"\s+", " ", text)
