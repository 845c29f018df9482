"""Hostile values of names, domains, paths, upstreams, records and texts (I1 to I4, I6, I9, I12), through every door.

One manifest holds every hostile value of a row, each in a resource of its own: each must be told at its own line, and
nothing must reach a daemon. What each validator says of each value alone is tested with the grammar.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from attack_world import CANARY, Attacked, Problem, quoted

from conduit.errors import ConduitError
from conduit.manifests.settings_file import read_settings
from conduit.resources.service_spec import ServiceSpec
from tests.faults import oracle

TOO_LONG = "a" * 64
NAMES = [
    "a\nserver { listen 81; }", "a\n", "a\r", "a\x00", "a\u2028", "a\u0085", TOO_LONG, "", "-a", "..", "con/../x",
    "A", "{env.CONDUIT_CANARY}", "xn--80ak6aa92e",
]  # fmt: skip
DOMAINS = [
    "x;}", "x.lan server_name *", '"x', "a.lan#", "*.*.lan", "a..lan", ".".join(["a" * 49] * 5) + ".abcd",
    f"{TOO_LONG}.lan", "_", "localhost", "a.lan\n", "10.0.0.1", "{http.request.host}", "x\ndhcp-script=/bin/sh",
]  # fmt: skip
INTERNATIONAL = ["аpple.lan", "xn--pple-43d.lan", "ﬀ.lan", "жapple.lan", "a\u200db.lan", "\u212a.lan"]
PATHS = [
    "/h\r\nX: y", "/h HTTP/1.1\r\n\r\nGET /", "//evil/", "/$(id)", "/%0d%0a", "/../..", "/" + "a" * 3072, "/{env.X}",
]  # fmt: skip
UPSTREAMS = [
    "169.254.169.254:80", "[::ffff:169.254.169.254]:80", "127.1:80", "0x7f000001:80", "2130706433:80",
    "0177.0.0.1:80", "①②⑦.0.0.1:80", "0.0.0.0:80", "[::]:80", "unix:/var/run/docker.sock", "unix//run/caddy.sock",
    "user:pw@h:80", "file:///etc/shadow", "[fe80::1%eth0]:80", "[fe80::1]:80", "[64:ff9b::a9fe:a9fe]:80",
    "168.63.129.16:80", "[fd00:ec2::254]:80", "{env.CONDUIT_CANARY}:80", "h:80\n",
]  # fmt: skip
RECORDS = [
    {"name": "t.home.arpa", "type": "TXT", "value": "x\ndhcp-script=/bin/sh"},
    {"name": "t.home.arpa", "type": "TXT", "value": "x\nconf-file=/etc/shadow"},
    {"name": "t.home.arpa", "type": "TXT", "value": "x\naddn-hosts=/etc/shadow"},
    {"name": "t.home.arpa", "type": "TXT", "value": "x\x00y"},
    {"name": "a,b.home.arpa", "value": "10.0.0.1"},
    {"name": "a/b.home.arpa", "value": "10.0.0.1"},
    {"name": "a#b.home.arpa", "value": "10.0.0.1"},
    {"name": "x.home.arpa\ndhcp-script=/bin/sh", "value": "10.0.0.1"},
    {"name": "x.home.arpa", "value": "10.0.0.1 # c"},
    {"name": "x.home.arpa", "value": "10.0.0.1\nconf-file=/etc/shadow"},
    {"name": "x.home.arpa", "type": "CNAME", "value": "y.home.arpa,conf-file=/etc/shadow"},
    {"name": "_conduit.home.arpa", "value": "10.0.0.1"},
]
TEMPLATES = ["{{7*7}}", "{% for x in y %}{% endfor %}", "{{cycler.__init__.__globals__}}", "{# x #}", "{{ a.b }}"]
PLACEHOLDERS = [
    "{env.CONDUIT_CANARY}", "{file./etc/hostname}", "{file./etc/shadow}", "{http.request.header.Cookie}",
    "{system.hostname}", "${jndi:ldap://x}",
]  # fmt: skip

TEXT_FIELDS = {
    "upstream": "upstream: @",
    "upstreams": "upstreams: [@]",
    "domain": "{up}, domain: @",
    "aliases": "{up}, aliases: [@]",
    "address": "{up}, address: @",
    "path": "{up}, path: @",
    "proxy": "{up}, proxy: @",
    "tls": "{up}, tls: @",
    "upstream_tls": "{up}, upstream_tls: {name: @}",
    "health": "{up}, health: {path: @}",
    "request_headers": "{up}, request_headers: {X-A: @}",
    "response_headers": "{up}, response_headers: {X-A: @}",
    "basic_auth": "{up}, basic_auth: {alice: @}",
    "allow": "{up}, allow: [@]",
    "deny": "{up}, deny: [@]",
    "max_body": "{up}, max_body: @",
    "timeouts": "{up}, timeouts: {read: @}",
    "redirect": "redirect: {to: @}",
    "maintenance": "maintenance: {message: @}",
    "deployment": "deployment: @",
    "container": "deployment: wiki, container: @",
    "container_port": "deployment: wiki, container_port: @",
}
"""Every field of a service that is no switch, in a service that would be valid but for `@`."""
KEYS = ["{up}, response_headers: {@: x}", "{up}, request_headers: {@: x}", "{up}, basic_auth: {@: {secret: x}}"]
MORE = ["{up}, health: {interval: @}", "{up}, health: {status: @}", "maintenance: {retry_after: @}"]
SWITCHES = {"dns", "strip_prefix", "https_redirect", "websockets"}


def services(bodies: Iterable[str]) -> str:
    """Write one service on each line, s0 on line 2."""
    good = "upstream: 10.0.0.9:80"
    lines = [f"  s{number}: {{{body.replace('{up}', good)}}}" for number, body in enumerate(bodies)]
    return "services:\n" + "\n".join(lines) + "\n"


def texts(template: str, values: Iterable[str]) -> list[str]:
    """Put each value in the place of `@`."""
    return [template.replace("@", quoted(value)) for value in values]


def lines(problems: Iterable[Problem]) -> list[int]:
    return [int(problem.place.split(":")[1]) for problem in problems]


def refused_each(attacked: Attacked, text: str, code: str = "CND-0203") -> list[Problem]:
    """Refuse a manifest with one fault on each line below the first, each told once and at its line."""
    problems = attacked.refuse({"attack.yaml": text})
    assert lines(problems) == list(range(2, text.count("\n") + 1)), problems
    assert {problem.code for problem in problems} == {code}
    assert all(problem.place.startswith("desired/attack.yaml:") for problem in problems)
    return problems


def test_i1_hostile_names(attacked: Attacked) -> None:
    text = "services:\n" + "".join(f"  {quoted(name)}: {{upstream: 10.0.0.9:80}}\n" for name in NAMES)
    refused_each(attacked, text, "CND-0204")


def test_i1_the_door_of_secrets_has_the_same_verdict(attacked: Attacked) -> None:
    store, before = attacked.engine().secrets, attacked.look()
    for name in [*NAMES, "env:CONDUIT_CANARY", "file:/etc/shadow"]:
        with pytest.raises(ConduitError) as caught:
            store.set(name, "x")
        assert caught.value.diagnostics[0].code.id == "CND-0904"
    for name in ("a\nserver { listen 81; }", "con/../x", ".."):
        for words in (("set", name), ("rm", name)):
            ran = attacked.run("secret", *words, input=CANARY)
            assert (ran.code, ran.stdout) == (1, "")
            assert "CND-0904" in ran.stderr
    moved = {line.partition(": ")[0] for line in oracle.changed(before, attacked.look())}
    segments = {f"state/audit/{each.name}" for each in (attacked.site.directory / "state" / "audit").glob("*.jsonl")}
    assert moved & segments
    assert moved - segments == {"keys/audit.head"}, "each attempt is on the audit trail, and no more"


def test_i2_hostile_domains(attacked: Attacked) -> None:
    both = [*texts("{up}, domain: @", DOMAINS), *texts("{up}, aliases: [@]", DOMAINS)]
    refused_each(attacked, services(both))


def test_i2_the_door_of_settings_has_the_same_verdict(attacked: Attacked) -> None:
    wrong = [value for value in DOMAINS if value not in ("localhost", "10.0.0.1", "_")]
    settings = attacked.site.settings_file.read_text()
    before = attacked.look()
    for value in wrong:
        other = attacked.site.directory / "other.yaml"
        other.write_text(settings.replace("internal_domain: home.arpa", f"internal_domain: {quoted(value)}"))
        ran = attacked.run("apply", "--yes", "--config", str(other)) if value in wrong[:2] else None
        with pytest.raises(ConduitError) as caught:
            read_settings(other)
        assert caught.value.diagnostics[0].code.id == "CND-0203"
        assert ran is None or (ran.code, "[CND-0203]" in ran.stderr) == (1, True)
    assert attacked.look() == before


def test_i3_hostile_health_paths(attacked: Attacked) -> None:
    refused_each(attacked, services([*texts("{up}, health: {path: @}", PATHS), *texts("{up}, path: @", PATHS)]))


def test_i4_upstreams_that_no_site_may_have(attacked: Attacked) -> None:
    both = [*texts("upstream: @", UPSTREAMS), *texts("upstreams: [{address: @}]", UPSTREAMS)]
    refused_each(attacked, services(both))


def test_i4_the_ports_of_the_site_itself(attacked: Attacked) -> None:
    caddy, dnsmasq = (attacked.site.daemons[name].section for name in ("caddy", "dnsmasq"))
    own = [caddy["http"][0], caddy["https"][0], dnsmasq["address"].replace("#", ":")]
    ports = [*own, "127.0.0.1:2019", "127.0.0.1:2375", "[::1]:2376", "127.9.9.9:2019"]
    problems = attacked.refuse({"attack.yaml": services(texts("upstream: @", ports))})
    assert {problem.code for problem in problems} == {"CND-0321"}
    assert lines(problems) == list(range(2, len(ports) + 2))


def test_i4_loopback_only_by_setting(attacked: Attacked) -> None:
    strict = attacked.site.directory / "strict.yaml"
    strict.write_text(attacked.site.settings_file.read_text().replace("allow_loopback: true", "allow_loopback: false"))
    loopback = ["127.0.0.1:8080", "127.8.8.8:8080", "[::1]:8080", "[64:ff9b::7f00:1]:8080"]
    problems = attacked.refuse({"attack.yaml": services(texts("upstream: @", loopback))}, "--config", str(strict))
    found = [problem for problem in problems if "attack.yaml" in problem.place]
    assert lines(found) == [2, 3, 4, 5]
    assert all("allow_loopback" in problem.message for problem in found)


def test_i6_hostile_records(attacked: Attacked) -> None:
    bodies = [", ".join(f"{field}: {quoted(value)}" for field, value in record.items()) for record in RECORDS]
    text = "dns_records:\n" + "".join(f"  r{number}: {{{body}}}\n" for number, body in enumerate(bodies))
    refused_each(attacked, text)


def test_i9_no_text_field_takes_a_placeholder(attacked: Attacked) -> None:
    assert TEXT_FIELDS.keys() | SWITCHES == ServiceSpec.model_fields.keys(), "a new field needs its line here"
    hidden = [attacked.inside, *PLACEHOLDERS]
    templates = [*TEXT_FIELDS.values(), *KEYS, *MORE]
    bodies = [body for template in templates for body in texts(template, hidden)]
    refused_each(attacked, services(bodies))


def test_i12_no_text_field_is_evaluated(attacked: Attacked) -> None:
    templates = [*TEXT_FIELDS.values(), *MORE]
    bodies = [body for template in templates for body in texts(template, TEMPLATES)]
    problems = refused_each(attacked, services(bodies), "CND-0115")
    assert not any("49" in problem.message for problem in problems)


def test_i12_a_variable_is_not_read_a_second_time(attacked: Attacked) -> None:
    """What a variable brings in passes the field's own rules, and is no template again."""
    variables = "vars:\n" + "".join(f"  v{number}: {quoted(value)}\n" for number, value in enumerate(TEMPLATES))
    bodies = [f"{{up}}, response_headers: {{X-A: '{{{{ v{number} }}}}'}}" for number in range(len(TEMPLATES))]
    problems = attacked.refuse({"vars.yaml": variables, "attack.yaml": services(bodies)})
    assert lines(problems) == list(range(2, len(TEMPLATES) + 2))
    assert {problem.code for problem in problems} == {"CND-0203"}


def test_y10_international_domains(attacked: Attacked) -> None:
    refused_each(attacked, services(texts("{up}, domain: @", INTERNATIONAL)))
