"""Every record type as dig sees it, and what is never forwarded."""

from __future__ import annotations

from dnsmasq_world import World
from msgspec.structs import replace

from conduit.change import Level
from conduit.model import Key, Source
from conduit.providers.probe import Prober
from conduit.spec import Resource

ALL = {
    "a": {"name": "a.home.arpa", "value": "10.0.0.5"},
    "aaaa": {"name": "a.home.arpa", "type": "AAAA", "value": "fd00::5"},
    "cname": {"name": "alias.home.arpa", "type": "CNAME", "value": "a.home.arpa"},
    "txt": {"name": "_dmarc.home.arpa", "type": "TXT", "value": "v=DMARC1; p=none"},
    "srv": {
        "name": "_ldap._tcp.home.arpa", "type": "SRV", "value": "a.home.arpa", "priority": 1, "weight": 2, "port": 389,
    },
    "mx": {"name": "home.arpa", "type": "MX", "value": "a.home.arpa", "priority": 10},
    "ptr": {"name": "10.0.0.99", "type": "PTR", "value": "printer.home.arpa"},
    "wild": {"name": "*.apps.home.arpa", "value": "10.0.0.7"},
}  # fmt: skip


def test_every_type_is_answered(world: World) -> None:
    world.apply(**ALL)
    assert world.dig("a.home.arpa") == ["10.0.0.5"]
    assert world.dig("a.home.arpa", "AAAA") == ["fd00::5"]
    assert world.dig("alias.home.arpa") == ["10.0.0.5", "a.home.arpa."]
    assert world.dig("_dmarc.home.arpa", "TXT") == ['"v=DMARC1; p=none"']
    assert world.dig("_ldap._tcp.home.arpa", "SRV") == ["1 2 389 a.home.arpa."]
    assert world.dig("home.arpa", "MX") == ["10 a.home.arpa."]
    assert world.dig("99.0.0.10.in-addr.arpa", "PTR") == ["printer.home.arpa."]
    assert world.dig("x.apps.home.arpa") == ["10.0.0.7"]
    assert world.observed() == {name: world.kind.spec(**spec) for name, spec in ALL.items()}


def test_text_comes_out_as_it_went_in(world: World) -> None:
    """Regression: quotes in a TXT value used to vanish without a word."""
    texts = [
        'he said "hi"',
        "back\\slash",
        'both \\" of them',
        "a, b # c; d/e=f",
        " spaces  kept ",
        "",
        "x" * 255,
        "\\" * 255,
    ]
    world.apply(**{f"t{n}": {"name": f"t{n}.home.arpa", "type": "TXT", "value": t} for n, t in enumerate(texts)})
    shown = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    assert [world.dig(f"t{n}.home.arpa", "TXT") for n in range(len(texts))] == [[f'"{text}"'] for text in shown]


def test_a_wildcard_answers_below_its_name_only(world: World) -> None:
    world.apply(
        wild={"name": "*.apps.home.arpa", "value": "10.0.0.7"}, own={"name": "own.apps.home.arpa", "value": "10.0.0.8"}
    )
    assert world.dig("x.apps.home.arpa") == world.dig("deep.er.apps.home.arpa") == ["10.0.0.7"]
    assert world.dig("own.apps.home.arpa") == ["10.0.0.8"]
    assert world.dig("apps.home.arpa") == []


def test_a_wildcard_has_no_other_types_rather_than_no_name(world: World) -> None:
    """Regression: NXDOMAIN for AAAA makes some resolvers give up on the A record too."""
    world.apply(wild={"name": "*.apps.home.arpa", "value": "10.0.0.7"})
    assert (world.status("x.apps.home.arpa", "AAAA"), world.dig("x.apps.home.arpa", "AAAA")) == ("NOERROR", [])


def test_declared_names_are_never_forwarded(forwarding: World) -> None:
    forwarding.apply(
        inside={"name": "a.home.arpa", "value": "10.0.0.5"},
        listed={"name": "b.lan.example", "value": "10.0.0.6"},
        single={"name": "c.public.example", "value": "10.0.0.7"},
        below={"name": "*.apps.public.example", "value": "10.0.0.8"},
        text={"name": "d.public.example", "type": "TXT", "value": "here"},
    )
    assert forwarding.dig("else.public.example") == ["9.9.9.9"], "the other server is asked for what is not ours"
    for name in ("a.home.arpa", "b.lan.example", "c.public.example", "x.apps.public.example", "d.public.example"):
        assert (forwarding.status(name, "AAAA"), forwarding.dig(name, "AAAA")) == ("NOERROR", []), name
    assert forwarding.status("unknown.home.arpa") == forwarding.status("unknown.lan.example") == "NXDOMAIN"


def test_a_name_is_forwarded_again_when_it_is_no_longer_declared(forwarding: World) -> None:
    forwarding.apply(single={"name": "c.public.example", "value": "10.0.0.7"})
    forwarding.apply()
    assert forwarding.dig("c.public.example") == ["9.9.9.9"]


def test_proof_asks_the_server(world: World) -> None:
    world.apply(**ALL)
    context = replace(world.context, prober=Prober(world.settings))
    for name, spec in ALL.items():
        proof = world.kind.prove(context, Resource(Key("dns_record", name), world.kind.spec(**spec), Source("x")))
        assert proof is not None
        assert proof.passed, proof
    world.daemon.stop()
    proof = world.kind.prove(context, Resource(Key("dns_record", "a"), world.kind.spec(**ALL["a"]), Source("x")))
    assert proof is not None
    assert proof.level is Level.NO_NAME
