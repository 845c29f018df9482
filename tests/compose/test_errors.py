"""Everything that is refused: the rule, the place, the words, and that all of it is told at once."""

from __future__ import annotations

import pytest

from tests.compose.kit import Site, application, codes, place

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


@pytest.mark.parametrize("key", ["service", "modles", "models"])
def test_no_key_of_the_top_level_is_ignored(key: str, site: Site) -> None:
    (found,) = site.problems(application("", f"{key}: {{}}"))
    assert key in found.summary


REFERENCES = {
    "network": ("networks: [front]", "networks: {fronts: }", 'did you mean "fronts"?'),
    "volume": ("volumes: ['data:/data']", "volumes: {date: }", 'did you mean "date"?'),
    "secret": ("secrets: [key]", "", "declare it under secrets:"),
    "config": ("configs: [conf]", "", "declare it under configs:"),
    "service": ("depends_on: [db]", "", "declare it under services:"),
    "shared service": ("network_mode: service:db", "", "declare it under services:"),
}


@pytest.mark.parametrize("case", REFERENCES)
def test_a_reference_to_nothing_is_an_error(case: str, site: Site) -> None:
    fields, shared, hint = REFERENCES[case]
    found = site.problem(fields, shared=shared)
    assert (found.code.id, place(found)[0]) == ("CND-1413", 4)
    assert hint in found.hint


CLASHES = {
    "two ways to a network": "network_mode: bridge\nnetworks: [default]",
    "ports on the host's network": "network_mode: host\nports: ['80:80']",
    "one name for two containers": "container_name: web\ndeploy: {replicas: 2}",
    "two mounts at one place": "volumes: ['./a:/x', './b:/x/']",
    "a mount over a tmpfs": "volumes: ['./a:/x']\ntmpfs: [/x]",
}


@pytest.mark.parametrize("case", CLASHES)
def test_fields_that_exclude_each_other(case: str, site: Site) -> None:
    assert site.problem(CLASHES[case]).code.id == "CND-1415"


def test_two_services_want_one_container_name(site: Site) -> None:
    found = site.problem("container_name: web", shared="  b: {image: x, container_name: web}")
    assert found.code.id == "CND-1415"
    assert [source.line for _, source in found.related] == [4]


def test_what_is_external_cannot_be_configured(site: Site) -> None:
    found = site.problem("volumes: ['v:/v']", shared="volumes: {v: {external: true, driver: local}}")
    assert found.code.id == "CND-1415"


def test_two_different_limits(site: Site) -> None:
    found = site.problem("mem_limit: 1g\ndeploy: {resources: {limits: {memory: 2g}}}")
    assert (found.code.id, [source.line for _, source in found.related]) == ("CND-1412", [5])


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("{file: ./a, environment: B}", "exactly one"),
        ("{content: x}", "exactly one"),
        ("{environment: NOT_SET}", "NOT_SET, which is not set"),
        ("{external: true}", "not supported"),
    ],
)
def test_a_secret_has_one_source(secret: str, said: str, site: Site) -> None:
    assert said in str(site.problem("secrets: [s]", shared=f"secrets: {{s: {secret}}}"))


def test_a_service_needs_an_image(site: Site) -> None:
    (found,) = site.problems("services: {a: {command: x}}\n")
    assert (found.code.id, place(found)) == ("CND-1414", (1, 12))


def test_an_application_needs_services(site: Site) -> None:
    assert codes(site.problems("volumes: {v: }\n")) == ["CND-1414"]


def test_services_that_wait_for_each_other_are_told_with_the_way(site: Site) -> None:
    first = "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [c]}\n"
    text = f"{first}  c: {{image: x, ipc: 'service:a'}}\n"
    (found,) = site.problems(text)
    assert found.code.id == "CND-1408"
    assert any(way in found.summary for way in ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"))


def test_a_service_cannot_wait_for_itself(site: Site) -> None:
    assert "a -> a" in site.problem("depends_on: [a]").summary


def test_a_dependency_that_is_switched_off(site: Site) -> None:
    found = site.problem("depends_on: [b]", shared="  b: {image: x, profiles: [p]}")
    assert (found.code.id, place(found)) == ("CND-1416", (4, 18))


def test_services_that_extend_each_other(site: Site) -> None:
    text = "services:\n  a: {image: x, extends: b}\n  b: {image: x, extends: {service: a}}\n"
    assert {found.code.id for found in site.problems(text)} == {"CND-1408"}


def test_a_base_that_is_not_there(site: Site) -> None:
    assert site.problem("extends: bb", shared="  bbb: {image: x}").hint == 'did you mean "bbb"?'
    site.write("other.yaml", "services: {}\n")
    assert site.problem("extends: {service: b, file: other.yaml}").code.id == "CND-1410"


def test_files_that_include_each_other(site: Site) -> None:
    site.write("sub/compose.yaml", "include: [../compose.yaml]\n")
    found = site.problems("include: [sub/compose.yaml]\nservices: {a: {image: x}}\n")
    assert codes(found) == ["CND-1408"]
    assert found[0].source
    assert found[0].source.file.endswith("sub/compose.yaml")


def test_an_included_name_that_is_taken(site: Site) -> None:
    site.write("other.yaml", "services: {a: {image: y}}\n")
    (found,) = site.problems("include: [other.yaml]\nservices: {a: {image: x}}\n")
    assert (found.code.id, place(found)) == ("CND-1411", (2, 12))


def test_an_included_name_may_mean_the_same(site: Site) -> None:
    site.write("other.yaml", "networks: {front: {internal: true}}\n")
    text = application("networks: [front]", "networks: {front: {internal: true}}\ninclude: [other.yaml]")
    assert site.load(text).application.networks["front"].internal


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


def test_all_errors_come_at_once(site: Site) -> None:
    site.write("other.yaml", "services:\n  b: {image: x, restart: often}\n")
    found = site.problems(
        application("prots: []\nmem_limit: lots\nports: ['x']\nvolumes: [{type: bind}]", "include: [other.yaml]")
    )
    lines = [(source.file.rpartition("/")[2], source.line) for each in found if (source := each.source)]
    assert lines == [
        ("compose.yaml", 4),
        ("compose.yaml", 5),
        ("compose.yaml", 6),
        ("compose.yaml", 7),
        ("other.yaml", 2),
    ]


def test_a_problem_in_a_merged_fragment_points_at_the_fragment_and_comes_once(site: Site) -> None:
    text = "x-base: &base\n  image: x\n  restart: often\nservices:\n  a: *base\n  b:\n    <<: *base\n"
    found = site.problems(text)
    assert {place(each) for each in found} == {(3, 12)}


def test_a_value_that_came_from_a_variable_is_never_shown(site: Site) -> None:
    secret = {"PASSWORD": "hunter2 hunter2"}
    for fields in ("ports: ['${PASSWORD}']", "image: ${PASSWORD}", "user: 5\nhostname: $PASSWORD", "dns: $PASSWORD"):
        text = application(fields)
        told = "\n".join(
            str(each) + each.line for each in site.problems(text.replace("image: busybox\n    image", "image"), secret)
        )
        assert "hunter2" not in told


def test_no_key_of_an_included_or_extended_file_is_ignored(site: Site) -> None:
    site.write("other.yaml", "servces: {}\nservices: {b: {image: x}}\n")
    for fields, shared in (("", "include: [other.yaml]"), ("extends: {service: b, file: other.yaml}", "")):
        found = site.problem(fields, shared=shared)
        assert (found.code.id, place(found), found.hint) == ("CND-0201", (1, 1), 'did you mean "services"?')


@pytest.mark.parametrize("text", ["[]", "text", ""])
def test_an_included_file_holds_an_application(text: str, site: Site) -> None:
    site.write("other.yaml", text)
    assert codes(site.problems(application("", "include: [other.yaml]"))) == ["CND-0203"]


def test_a_reservation_that_docker_does_not_keep_is_a_warning(site: Site) -> None:
    (found,) = site.load(application("deploy: {resources: {reservations: {cpus: 0.5}}}")).warnings
    assert (found.code.id, place(found)) == ("CND-1418", (4, 47))


def test_a_key_that_stands_twice_hides_nothing_else_of_a_compose_file(site: Site) -> None:
    found = site.problems(application("hostname: a\nhostname: b\nusr: x"))
    assert [(each.code.id, place(each)) for each in found] == [("CND-0105", (5, 5)), ("CND-0201", (6, 5))]
