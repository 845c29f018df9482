"""What a service that stands alone is made of: its own fields and the settings, and nothing else is asked."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from service_world import KINDS, declared
from test_expansion import FIELDS

from conduit.kind import Kind
from conduit.resources.service_spec import ServiceSpec
from conduit.settings import Settings
from conduit.upstreams import rules_of

ELSEWHERE: dict[str, dict[str, Any]] = {
    "upstream": {"upstream": "10.0.1.5:80"},
    "upstreams": {"upstreams": ["10.0.1.5:80", {"address": "10.0.1.6:80", "weight": 3}]},
    "domain": {"domain": "wiki.example.org"},
    "aliases": {"aliases": ["w.example.org", "docs.lan"]},
    "address": {"address": "fd00::7"},
    "dns": {"dns": False},
    "tls": {"tls": "off"},
    "proxy": {"proxy": "nginx"},
    "redirect": {"redirect": {"to": "https://example.org"}, "upstream": None},
    "maintenance": {"maintenance": True},
}
ALONE = {field: {field: value} for field, value in FIELDS.items()} | ELSEWHERE
CONNECTED = {
    "deployment": {"upstream": None, "deployment": "shop"},
    "container": {"upstream": None, "deployment": "shop", "container": "web"},
    "container_port": {"upstream": None, "deployment": "shop", "container_port": 80},
}
"""A service that reaches a container depends on what else is declared."""


class OnlySettings:
    """A look that knows the settings; any other question is an AttributeError."""

    settings = Settings.model_validate({"proxy_address": "10.9.9.9", "caddy": {}, "nginx": {}})
    rules = rules_of(settings)

    def resolve(self, host: str) -> NoReturn:
        raise AssertionError(f"{host} was looked up")


def service(fields: dict[str, Any]) -> Any:
    given = {"upstream": "10.0.1.5:80", "path": "/wiki"} | fields
    if "upstreams" in fields:
        del given["upstream"]
    return declared(**{name: value for name, value in given.items() if value is not None})


def test_each_field_is_tried() -> None:
    assert {*ALONE, *CONNECTED} == set(ServiceSpec.model_fields)


@pytest.mark.parametrize("field", ALONE)
def test_a_service_of_its_own_fields_asks_nothing_but_the_settings(field: str) -> None:
    resource = service(ALONE[field])
    assert KINDS["service"].alone(resource.spec)
    assert list(KINDS["service"].expand(resource, OnlySettings()))


@pytest.mark.parametrize("fields", CONNECTED.values(), ids=CONNECTED)
def test_a_service_that_depends_on_more_does_not_stand_alone(fields: dict[str, Any]) -> None:
    assert not KINDS["service"].alone(service(fields).spec)


def test_a_kind_that_says_nothing_of_it_does_not_stand_alone() -> None:
    assert {name for name, kind in KINDS.items() if type(kind).alone is not Kind.alone} == {"service", "dns_record"}
