"""Values and keys of a service that are refused: the words, and the place of each."""

from __future__ import annotations

import pytest

from tests.compose.kit import Site, application, place

VALUES = {
    "a bool that is none": ("privileged: maybe", "true or false", (4, 17)),
    "a size without sense": ("shm_size: lots", "write a size", (4, 15)),
    "a negative size": ("shm_size: -5", "write a size", (4, 15)),
    "a duration without a unit": ("stop_grace_period: 10", "write a duration", (4, 24)),
    "a duration finer than a millisecond": ("stop_grace_period: 1500us", "whole milliseconds", (4, 24)),
    "a number as a user": ("user: 1000", "write text", (4, 11)),
    "a restart policy": ("restart: sometimes", "unless-stopped", (4, 14)),
    "a pull policy": ("pull_policy: often", "missing", (4, 18)),
    "a port that is none": ("ports: ['http:80']", "HOST_PORT", (4, 13)),
    "a port beyond 65535": ("ports: ['70000']", "65535", (4, 13)),
    "ranges of two lengths": ("ports: ['1-3:1-2']", "as many ports", (4, 13)),
    "a protocol": ("ports: ['80/icmp']", "tcp, udp or sctp", (4, 13)),
    "an address to listen on": ("ports: ['1.2.3:80:80']", "such as 10.0.0.1", (4, 13)),
    "a volume of four parts": ("volumes: ['a:/b:ro:z']", "VOLUME_OR_PATH", (4, 15)),
    "an option of a volume": ("volumes: ['./a:/b:fast']", "not known", (4, 15)),
    "a target that is relative": ("volumes: ['./a:b']", "absolute path inside", (4, 15)),
    "a type of mount": ("volumes: [{type: npipe, target: /b}]", "bind, volume or tmpfs", (4, 22)),
    "a bind without a source": ("volumes: [{type: bind, target: /b}]", "needs a source", (4, 15)),
    "a tmpfs with a source": ("volumes: [{type: tmpfs, source: x, target: /b}]", "has no source", (4, 15)),
    "options of another type": ("volumes: [{type: tmpfs, target: /b, bind: {}}]", "no bind: options", (4, 15)),
    "a device without a path": ("devices: ['vendor.com/class=x']", "Container Device Interface", (4, 15)),
    "permissions of a device": ("devices: ['/dev/a:/dev/a:x']", "rwm", (4, 15)),
    "a check of no known sort": ("healthcheck: {test: [curl, x]}", "CMD or CMD-SHELL", (4, 25)),
    "an open quotation": ("command: 'echo \"x'", "not closed", (4, 14)),
    "a host without an address": ("extra_hosts: [db]", "HOST=ADDRESS", (4, 19)),
    "a host with a name": ("extra_hosts: ['db=other']", "write an address", (4, 19)),
    "a resolver that is a name": ("dns: [resolver.lan]", "", (4, 11)),
    "a fixed address": ("networks: {default: {ipv4_address: 10.0.0.300}}", "", (4, 40)),
    "a condition": ("depends_on: {a2: {condition: healthy}}", "service_healthy", (4, 34)),
    "replicas": ("deploy: {replicas: many}", "whole number", (4, 24)),
    "a signal": ("stop_signal: SIG TERM", "a signal", (4, 18)),
    "a capability": ("cap_add: [net admin]", "NET_ADMIN", (4, 15)),
    "a mode": ("secrets: [{source: s, mode: 0999}]", "whole number", (4, 33)),
    "an image with spaces": ("image: 'a b'", "", (4, 12)),
    "a variable without a name": ("environment: ['=x']", "NAME=VALUE", (4, 19)),
    "a number with several spellings": ("environment: {A: 1e9}", "several spellings", (4, 22)),
    "a list where a mapping belongs": ("logging: [x]", "mapping", (4, 14)),
    "a mapping where a list belongs": ("ports: {a: b}", "write a list", (4, 12)),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_wrong_value_is_told_at_its_place(case: str, site: Site) -> None:
    fields, said, where = VALUES[case]
    text = application(fields).replace("    image: busybox\n", "    build: .\n") if "image:" in fields else None
    found = site.problems(text or application(fields, "  a2: {image: x}\nsecrets: {s: {file: ./s}}"))
    assert len(found) == 1, "\n".join(map(str, found))
    assert said in str(found[0])
    assert place(found[0]) == where
    assert found[0].line in (text or application(fields)).splitlines()


@pytest.mark.parametrize(
    ("fields", "said", "code"),
    [
        ("prots: ['80']", 'did you mean "ports"?', "CND-0201"),
        ("tty: true", "not supported here", "CND-1407"),
        ("links: [db]", "not supported here", "CND-1407"),
        ("uts: host", "not supported here", "CND-1407"),
        ("userns_mode: host", "not supported here", "CND-1407"),
        ("deploy: {mode: global}", "Docker Swarm", "CND-1407"),
        ("deploy: {placement: {constraints: [node.role == manager]}}", "Docker Swarm", "CND-1407"),
        ("deploy: {update_config: {parallelism: 2}}", "Docker Swarm", "CND-1407"),
        ("build: {context: ., cache_from: [x]}", "not supported here", "CND-1407"),
        ("volumes: [{type: volume, target: /a, consistency: cached}]", "not supported here", "CND-1407"),
        ("healthcheck: {intervall: 3s}", 'did you mean "interval"?', "CND-0201"),
    ],
)
def test_no_key_is_ignored(fields: str, said: str, code: str, site: Site) -> None:
    found = site.problem(fields)
    assert (found.code.id, place(found)[0]) == (code, 4)
    assert said in str(found)


def test_a_reservation_of_graphics_cards_is_refused_at_its_place(site: Site) -> None:
    found = site.problem(
        "deploy:\n  resources:\n    reservations:\n      devices:\n        - {driver: nvidia, capabilities: [gpu]}"
    )
    assert (found.code.id, place(found)) == ("CND-1407", (7, 11))
    assert found.line.strip() == "devices:"


@pytest.mark.parametrize("text", ["${A", "${1}", "$", "${A!x}", "a$ b", "${}"])
def test_a_malformed_variable(text: str, site: Site) -> None:
    found = site.problem(f"hostname: '{text}'")
    assert (found.code.id, place(found)) == ("CND-1401", (4, 15))


@pytest.mark.parametrize("text", ["${A:?tell me}", "${A?tell me}", "${B:?tell me}"])
def test_a_required_variable(text: str, site: Site) -> None:
    found = site.problem(f"hostname: '{text}'", {"B": ""})
    assert found.code.id == "CND-1402"
    assert "tell me" in found.summary


def test_an_unset_variable_is_a_warning(site: Site) -> None:
    (found,) = site.load(application("labels: ['a=$NOPE']")).warnings
    assert (found.code.id, found.severity, place(found)) == ("CND-1403", "warning", (4, 14))


@pytest.mark.parametrize("name", ["Shop", "-shop", "a b", "shop!"])
def test_a_name_that_docker_could_not_use(name: str, site: Site) -> None:
    (found,) = site.problems(f"name: '{name}'\nservices: {{a: {{image: x}}}}\n")
    assert place(found) == (1, 7)


def test_a_value_that_came_from_a_variable_is_never_shown(site: Site) -> None:
    secret = {"PASSWORD": "hunter2 hunter2"}
    for fields in ("ports: ['${PASSWORD}']", "image: ${PASSWORD}", "user: 5\nhostname: $PASSWORD", "dns: $PASSWORD"):
        text = application(fields)
        told = "\n".join(
            str(each) + each.line for each in site.problems(text.replace("image: busybox\n    image", "image"), secret)
        )
        assert "hunter2" not in told


def test_a_reservation_that_docker_does_not_keep_is_a_warning(site: Site) -> None:
    (found,) = site.load(application("deploy: {resources: {reservations: {cpus: 0.5}}}")).warnings
    assert (found.code.id, place(found)) == ("CND-1418", (4, 47))
