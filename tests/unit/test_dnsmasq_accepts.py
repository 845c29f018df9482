"""Which changes of records dnsmasq never refuses, so that no other daemon waits until they are staged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from conduit.change import Action, Change, Diff, Origin
from conduit.model import Key, Source
from conduit.providers.dnsmasq import Dnsmasq
from conduit.providers.dnsmasq_impact import impact_of

KEY = Key("dns_record", "wiki")


def change(**record: Any) -> Change:
    native = {"type": "A", "name": "wiki.home.arpa", "value": "10.0.0.1", "local": False} | record
    bare = Change(Action.CREATE, KEY, "dnsmasq", Diff(), Origin.PENDING, Source("a.yaml"), KEY, native=native)
    return replace(bare, impact=impact_of(bare, Path("/hosts"), conf_served=True))


@pytest.fixture
def dnsmasq() -> Dnsmasq:
    return object.__new__(Dnsmasq)


def test_plain_addresses_are_never_refused(dnsmasq: Dnsmasq) -> None:
    assert dnsmasq.accepts([change(), change(type="AAAA", value="::1")])


@pytest.mark.parametrize("record", [{"type": "TXT"}, {"name": "*.apps.home.arpa"}, {"local": True}])
def test_what_the_conf_file_says_may_be_refused(dnsmasq: Dnsmasq, record: dict[str, Any]) -> None:
    assert not dnsmasq.accepts([change(), change(**record)])
