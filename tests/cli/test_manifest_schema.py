"""The schema editors use: every manifest of the repository fits it, and a wrong key does not."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conduit import manifest_schema as schemas
from conduit.dialect.document import parse
from conduit.kind import RESERVED
from conduit.manifests.tree import APPLICATIONS
from conduit.resources import load_kinds

ROOT = Path(__file__).parents[2]
FOUND = sorted([*ROOT.glob("desired/**/*.yaml"), *ROOT.glob("examples/*/desired/**/*.yaml")])
MANIFESTS = [path for path in FOUND if path.name not in APPLICATIONS]


@cache
def validator() -> Draft202012Validator:
    schema = schemas.manifest_schema(load_kinds())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def problems(text: bytes) -> list[str]:
    return [error.json_path for error in validator().iter_errors(parse("test.yaml", text).data)]


def test_there_are_manifests_to_check() -> None:
    assert MANIFESTS


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_manifest_of_the_repository_fits(path: Path) -> None:
    if path.name == "vars.yaml":
        return
    assert problems(path.read_bytes()) == []


@pytest.mark.parametrize(
    "text",
    [
        b"servces: {}",
        b"services: {wiki: {upsteam: '10.0.0.5:80'}}",
        b"services: {wiki: {upstream: 80}}",
        b"services: {wiki: {upstream: '10.0.0.5:80', protect: sometimes}}",
        b"services: {wiki: {upstream: '10.0.0.5:80', needs: [wiki]}}",
        b"services: [wiki]",
    ],
)
def test_what_does_not_load_does_not_fit(text: bytes) -> None:
    assert problems(text)


def test_a_variable_may_stand_for_a_value_of_any_type() -> None:
    text = b"services: {wiki: {upstream: '{{ a }}', https_redirect: '{{ b }}', health: '{{ c }}', deny: ['{{ d }}']}}"
    assert problems(text) == []


def test_the_reserved_keys_are_those_of_the_loader() -> None:
    assert set(schemas.RESERVED) == RESERVED


@pytest.mark.parametrize("kind", ["service", "dns_record"])
def test_the_schema_of_one_kind_is_a_schema(kind: str) -> None:
    schema: dict[str, Any] = schemas.spec_schema(load_kinds()[kind])
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]
