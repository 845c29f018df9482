"""What an application may not say, told at the place in its manifest or its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from deployment_world import Site, place

from conduit.resources.deployment_leaves import BAD_LEAF
from conduit.resources.deployment_limits import WITHOUT_IPV4
from conduit.resources.deployment_secrets import MISPLACED


@pytest.mark.parametrize(
    "field",
    [
        "command: ['--password=${PW}']",
        "labels: {pw: '${PW}'}",
        "labels: ['${PW}=1']",
        "healthcheck: {test: [CMD, '${PW}']}",
        "build: {context: ., args: {PW: '${PW}'}}",
        "environment: ['${PW}=1']",
    ],
)
def test_a_secret_where_everyone_can_read_it_is_refused(site: Site, field: str) -> None:
    text = "deployments:\n  shop:\n    env: {PW: {secret: DB}}\n    compose:\n      services:\n        a:\n"
    found = site.problem(f"{text}          image: a\n          {field}\n")
    assert (found.code, place(found)) == (MISPLACED, "site.yaml:8")


@pytest.mark.parametrize("label", ["io.conduit.mark", "com.docker.compose.project"])
@pytest.mark.parametrize("section", ["services", "networks", "volumes"])
def test_labels_that_conduit_writes_are_refused_at_their_place(site: Site, section: str, label: str) -> None:
    names = {"services": "a", "networks": "default", "volumes": "v"}
    labelled = {each: f"labels: {{{label}: x}}" if each == section else "" for each in names}
    found = site.problem(
        "deployments:\n  a:\n    compose:\n"
        f"      services: {{a: {{image: a, volumes: ['v:/v'], {labelled['services']}}}}}\n"
        f"      networks: {{default: {{{labelled['networks']}}}}}\n"
        f"      volumes: {{v: {{{labelled['volumes']}}}}}\n"
    )
    assert (found.code, place(found)) == (BAD_LEAF, f"site.yaml:{4 + list(names).index(section)}")


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("{}", "exactly one of compose and file", "site.yaml:2"),
        ("{file: a.yaml, compose: {}}", "exactly one of compose and file", "site.yaml:2"),
        ("{file: nothing.yaml}", "there is no such file", "nothing.yaml"),
        ("{compose: {services: {a: {imag: a}}}}", 'unknown key "imag"', "site.yaml:2"),
        ("{compose: {services: {a: {image: a}}}, env: {a-b: x}}", "letters, digits and _", "site.yaml:2"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(site: Site, text: str, words: str, line: str) -> None:
    found = site.problems(f"deployments:\n  a: {text}\n")[0]
    assert words in f"{found.summary} {found.hint}"
    assert place(found).startswith(line)


def test_places_in_its_file_are_shown_as_the_manifest_is_also_with_settings_elsewhere(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox keeps its conduit.yaml in a directory of its own; places were absolute there."""
    monkeypatch.chdir(directory)
    site = Site(directory / "settings", desired=str(directory / "desired"))
    site.write("../desired/app/compose.yaml", "services:\n  web: {image: nginx}\n")
    site.write("../desired/site.yaml", "deployments:\n  app: {file: app/compose.yaml}\n")
    leaves = site.expand("deployments: {}")
    assert str(leaves["container/app-web-1"].source).startswith("desired/app/compose.yaml:2:")


def test_a_network_without_ipv4_is_refused(site: Site) -> None:
    text = "deployments:\n  a:\n    compose:\n      services: {a: {image: a}}\n      networks:\n        default:\n"
    found = site.problem(f"{text}          enable_ipv4: false\n")
    assert (found.code, place(found)) == (WITHOUT_IPV4, "site.yaml:7")


def test_a_file_that_is_not_there_is_told_with_the_place_that_names_it(site: Site) -> None:
    """Regression: the place of the missing file was all that was told, and nobody knew where it was named."""
    (found,) = site.problems("deployments:\n  a:\n    file: nothing.yaml\n")
    ((words, named),) = found.related
    assert (words, named.line, named.column) == ("named here", 3, 11)
    assert named.file.endswith("site.yaml")
