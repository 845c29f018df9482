"""The cases of the kind contract that are DNS records: one for each type, and one for a wildcard."""

from __future__ import annotations

from tests.engine.by_hand import conf_file, edit, hosts_file
from tests.engine.conftest import World
from tests.engine.kind_cases import Case

RECORD = "dns_records:\n  x: {{name: {name}, type: {type}, {value}}}\n"


def record(kind: str, name: str, first: str, second: str, field: str, shown: tuple[str, str]) -> Case:
    """The case of one record type; plain addresses live in the hosts file, everything else in the conf file."""
    plain = kind in ("A", "AAAA") and not name.startswith("*")
    asked = name.replace("*", "any")
    return Case(
        key="dns_record/x",
        first=RECORD.format(name=f"'{name}'", type=kind, value=first),
        second=RECORD.format(name=f"'{name}'", type=kind, value=second),
        field=field,
        damage=drop_record if plain else edit(conf_file, conf_word(kind, shown[1]), conf_word(kind, DAMAGED[kind])),
        seen=lambda world: " ".join(world.site.dig(asked, kind)),
        before=shown[0],
        after=shown[1],
    )


DAMAGED = {
    "A": "10.9.9.9",
    "AAAA": "fd00::9",
    "CNAME": "evil.home.arpa",
    "TXT": "evil",
    "SRV": "evil.home.arpa",
    "MX": "evil.home.arpa",
    "PTR": "evil.home.arpa",
}


def conf_word(kind: str, answer: str) -> str:
    """The word of an answer that stands in the conf file too."""
    return answer.split()[-1].rstrip(".").strip('"')


def drop_record(world: World) -> None:
    lines = hosts_file(world).read_text().splitlines(keepends=True)
    hosts_file(world).write_text("".join(line for line in lines if "x.home.arpa" not in line))


RECORDS = {
    "A": record("A", "x.home.arpa", "value: 10.0.0.1", "value: 10.0.0.2", "value", ("10.0.0.1", "10.0.0.2")),
    "AAAA": record("AAAA", "x.home.arpa", "value: 'fd00::1'", "value: 'fd00::2'", "value", ("fd00::1", "fd00::2")),
    "wildcard": record("A", "*.x.home.arpa", "value: 10.0.0.1", "value: 10.0.0.2", "value", ("10.0.0.1", "10.0.0.2")),
    "CNAME": record(
        "CNAME", "x.home.arpa", "value: a.home.arpa", "value: b.home.arpa", "value", ("a.home.arpa.", "b.home.arpa.")
    ),
    "TXT": record("TXT", "x.home.arpa", "value: one", "value: two", "value", ('"one"', '"two"')),
    "MX": record(
        "MX",
        "x.home.arpa",
        "priority: 10, value: m1.home.arpa",
        "priority: 10, value: m2.home.arpa",
        "value",
        ("10 m1.home.arpa.", "10 m2.home.arpa."),
    ),
    "SRV": record(
        "SRV",
        "_x._tcp.home.arpa",
        "priority: 1, weight: 2, port: 389, value: s1.home.arpa",
        "priority: 1, weight: 2, port: 389, value: s2.home.arpa",
        "value",
        ("1 2 389 s1.home.arpa.", "1 2 389 s2.home.arpa."),
    ),
    "PTR": record(
        "PTR",
        "1.0.0.10.in-addr.arpa",
        "value: p1.home.arpa",
        "value: p2.home.arpa",
        "value",
        ("p1.home.arpa.", "p2.home.arpa."),
    ),
}
