"""Everything that is refused: the rule, the place, the words, and that all of it is told at once."""

from __future__ import annotations

import pytest

from tests.compose.kit import Site, application, codes, place


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


def test_no_key_of_an_included_or_extended_file_is_ignored(site: Site) -> None:
    site.write("other.yaml", "servces: {}\nservices: {b: {image: x}}\n")
    for fields, shared in (("", "include: [other.yaml]"), ("extends: {service: b, file: other.yaml}", "")):
        found = site.problem(fields, shared=shared)
        assert (found.code.id, place(found), found.hint) == ("CND-0201", (1, 1), 'did you mean "services"?')


@pytest.mark.parametrize("text", ["[]", "text", ""])
def test_an_included_file_holds_an_application(text: str, site: Site) -> None:
    site.write("other.yaml", text)
    assert codes(site.problems(application("", "include: [other.yaml]"))) == ["CND-0203"]


def test_a_key_that_stands_twice_hides_nothing_else_of_a_compose_file(site: Site) -> None:
    found = site.problems(application("hostname: a\nhostname: b\nusr: x"))
    assert [(each.code.id, place(each)) for each in found] == [("CND-0105", (5, 5)), ("CND-0201", (6, 5))]
