"""What a dns_record may say, and that what it says survives rendering and parsing; attacks end at the fields."""

from __future__ import annotations

from typing import Any

import pytest
from dnsmasq_world import mark
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from conduit.errors import Refused
from conduit.kind import Context
from conduit.model import Claim, Key
from conduit.providers.dnsmasq_files import Generation, conf_seal, hosts_seal, is_host, read_files, unseal
from conduit.providers.dnsmasq_render import Wish, write_files
from conduit.resources.dns_record import DnsRecord, DnsRecordSpec
from conduit.settings import Settings

KIND = DnsRecord()
CONTEXT = Context(Settings(), 0.0)
FRAME = {"addn_hosts": ["/etc/conduit/hosts"], "local": ["home.arpa"], "unknown": []}

LABELS = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True).filter(
    lambda s: not s.startswith("xn--")
)
NAMES = st.builds("{}.{}.{}".format, LABELS, LABELS, st.sampled_from(["home.arpa", "example", "lan.example"]))
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=255)
NUMBERS = st.integers(0, 65535)
V4, V6 = st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).filter(lambda ip: not ip.ipv4_mapped).map(str)


def specs(rtype: str, name: st.SearchStrategy[str], value: st.SearchStrategy[str], **more: Any) -> Any:
    return st.builds(DnsRecordSpec, name=name, type=st.just(rtype), value=value, **more)


SPECS = st.one_of(
    specs("A", NAMES | NAMES.map("*.{}".format), V4),
    specs("AAAA", NAMES | NAMES.map("*.{}".format), V6),
    specs("CNAME", NAMES, NAMES),
    specs("TXT", NAMES, TEXTS),
    specs("SRV", NAMES.map("_http._tcp.{}".format), NAMES, priority=NUMBERS, weight=NUMBERS, port=NUMBERS),
    specs("MX", NAMES, NAMES, priority=NUMBERS),
    specs("PTR", V4 | V6, NAMES),
)


@given(SPECS)
def test_parse_undoes_render(spec: DnsRecordSpec) -> None:
    assert KIND.parse(KIND.render(spec, CONTEXT)) == spec


@given(st.dictionaries(st.from_regex("[a-z][a-z0-9-]{0,20}", fullmatch=True), SPECS, max_size=8), st.data())
def test_the_files_say_what_was_meant(declared: dict[str, DnsRecordSpec], data: st.DataObject) -> None:
    records = {owner: KIND.render(spec, CONTEXT) for owner, spec in declared.items()}
    protected = {owner for owner in records if data.draw(st.booleans())}

    def sign(owner: str, part: str, name: str) -> str:
        return mark(Key("dns_record", owner), part, name)

    written = write_files(Wish(records, protected, (), FRAME), sign)
    contents = read_files(written.hosts, written.conf, ("hosts", "conf"), sign)
    assert {entry.owner: entry.record for entry in contents.owned.values()} == records
    assert {owner for owner, entry in contents.owned.items() if entry.protected} == protected
    assert (contents.foreign, contents.frame()) == ([], FRAME)
    assert all(line.count("#") >= 1 for line in written.hosts.splitlines())


@given(st.text(), st.integers(0, 2**63))
def test_a_seal_comes_off_again(body: str, stamp: int) -> None:
    generation = Generation.of(body.encode(errors="replace").decode(), stamp)
    for seal in (hosts_seal, conf_seal):
        text = "one\n" + seal("x.site._conduit.home.arpa", generation) + "two\n"
        assert unseal(text, "x.site._conduit.home.arpa") == ("one\ntwo\n", generation)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "t.home.arpa", "type": "TXT", "value": "x\ndhcp-script=/tmp/x"}, "printable"),
        ({"name": "t.home.arpa", "type": "TXT", "value": "x\nconf-file=/etc/shadow"}, "printable"),
        ({"name": "t.home.arpa", "type": "TXT", "value": "x\u2028addn-hosts=/x"}, "printable"),
        ({"name": "t.home.arpa", "type": "TXT", "value": "x\x00"}, "printable"),
        ({"name": "t.home.arpa", "type": "TXT", "value": "x" * 256}, "255"),
        ({"name": "a,b.home.arpa", "value": "10.0.0.1"}, "not a DNS label"),
        ({"name": "a/b.home.arpa", "value": "10.0.0.1"}, "not a DNS label"),
        ({"name": "a.home.arpa#", "value": "10.0.0.1"}, "not a DNS label"),
        ({"name": "a.home.arpa\n", "value": "10.0.0.1"}, "not a DNS label"),
        ({"name": "a b.home.arpa", "value": "10.0.0.1"}, "not a DNS label"),
        ({"name": "*.*.home.arpa", "value": "10.0.0.1"}, "not a DNS label"),
        ({"name": "a.*.home.arpa", "value": "10.0.0.1"}, "not a DNS label"),
        ({"name": "nas", "value": "10.0.0.1"}, "full name"),
        ({"name": "hosts.default._conduit.home.arpa", "type": "TXT", "value": "x"}, "conduit's own"),
        ({"name": "*.10.0.0.1", "type": "PTR", "value": "b.home.arpa"}, "cannot be a wildcard"),
        ({"name": "10.0.0.1", "value": "10.0.0.1"}, "cannot have an address"),
        ({"name": "host.1", "value": "10.0.0.1"}, "cannot have an address"),
        ({"name": "a.home.arpa", "value": "10.0.0.1 # c"}, "address"),
        ({"name": "a.home.arpa", "value": "10.0.0.1\n10.0.0.2 b"}, "address"),
        ({"name": "a.home.arpa", "value": "127.1"}, "address"),
        ({"name": "a.home.arpa", "value": "0177.0.0.1"}, "address"),
        ({"name": "a.home.arpa", "value": "①②⑦.0.0.1"}, "address"),
        ({"name": "a.home.arpa", "value": "fd00::1"}, "type: AAAA"),
        ({"name": "a.home.arpa", "type": "AAAA", "value": "10.0.0.1"}, "type: A"),
        ({"name": "a.home.arpa", "type": "CNAME", "value": "b.home.arpa,x"}, "not a DNS label"),
        ({"name": "*.home.arpa", "type": "CNAME", "value": "b.home.arpa"}, "cannot be a wildcard"),
        ({"name": "a.home.arpa", "type": "MX", "value": "b.home.arpa"}, "needs priority"),
        ({"name": "a.home.arpa", "value": "10.0.0.1", "port": 1}, "has no port"),
        ({"name": "a.home.arpa", "type": "MX", "value": "b.home.arpa", "priority": 65536}, "65535"),
        ({"name": "a.home.arpa", "type": "PTR", "value": "b.home.arpa"}, "below in-addr.arpa"),
        ({"name": "a.home.arpa", "type": "SRV", "value": "b.x", "priority": 1, "weight": 1, "port": 1}, "_ldap._tcp"),
        ({"name": "a.home.arpa", "type": "SPF", "value": "x"}, "'A'"),
    ],
)
def test_what_a_record_may_not_say(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DnsRecordSpec(**spec)


@pytest.mark.parametrize(
    "record",
    [
        {"type": "TXT", "name": "t.x", "value": "x\ndhcp-script=/x"},
        {"type": "TXT", "name": "t.x", "value": "\u00e4"},
        {"type": "CNAME", "name": "a.x", "value": "b.x,c.x"},
        {"type": "A", "name": "a.x # b", "value": "10.0.0.1"},
        {"type": "A", "name": "*.x", "value": "10.0.0.1\n"},
        {"type": "MX", "name": "a.x", "value": "b.x", "priority": '1"'},
        {"type": "A", "name": "*.x", "value": "10.0.0.1/conf-file=/x"},
        {"type": "TXT", "name": "t.x", "value": "\\\\" * 450 + "x"},
    ],
)
def test_the_writer_refuses_what_the_fields_should_have(record: dict[str, Any]) -> None:
    good = {"type": "A", "name": "good.x", "value": "10.0.0.1", "local": False}
    with pytest.raises(Refused, match="dns_record/a cannot be written") as refused:
        write_files(Wish({"a": record | {"local": False}, "good": good}, (), (), FRAME), lambda *part: "00")
    assert refused.value.blamed == (Key("dns_record", "a"),)


def test_names_and_values_are_brought_to_one_normal_form() -> None:
    assert DnsRecordSpec(name="A.Home.ARPA.", value="10.0.0.5").name == "a.home.arpa"
    assert DnsRecordSpec(name="a.home.arpa", type="AAAA", value="FD00:0:0::1").value == "fd00::1"
    assert DnsRecordSpec(name="10.0.0.5", type="PTR", value="B.home.arpa").name == "5.0.0.10.in-addr.arpa"
    assert DnsRecordSpec(name="5.0.0.10.in-addr.arpa", type="PTR", value="b.home.arpa").value == "b.home.arpa"


def test_a_name_outside_the_local_domains_brings_its_own_line() -> None:
    context = Context(Settings(internal_domain="home.arpa", local_domains=("lan.example",)), 0.0)
    local = {
        name: KIND.render(DnsRecordSpec(name=name, value="10.0.0.1"), context)["local"]
        for name in ("a.home.arpa", "lan.example", "a.lan.example", "a.other.example", "nothome.arpa", "*.home.arpa")
    }
    assert [name for name, needed in local.items() if needed] == ["a.other.example", "nothome.arpa", "*.home.arpa"]


def test_claims_name_and_type() -> None:
    assert list(KIND.claims(DnsRecordSpec(name="a.home.arpa", value="10.0.0.1"))) == [
        Claim("dns", ("a.home.arpa", "A"))
    ]


def test_only_plain_addresses_are_hosts() -> None:
    kinds = {
        name: is_host({"type": rtype, "name": name}) for name, rtype in (("a.x", "A"), ("*.x", "A"), ("b.x", "TXT"))
    }
    assert kinds == {"a.x": True, "*.x": False, "b.x": False}
