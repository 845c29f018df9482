"""The Compose profile of the YAML dialect, and applications written inside a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from conduit.compose.dialect import below, read
from conduit.compose.load import load_inline
from conduit.compose.nodes import Node
from conduit.dialect import document as manifests
from conduit.errors import LoadError
from tests.compose.kit import Site, application


def sound(text: str) -> Node:
    """Return a Compose file that nothing is wrong with. Raises `LoadError` with what is."""
    found, wrong = read("compose.yaml", text.encode())
    if wrong:
        raise LoadError(wrong)
    return found


def plain(text: str) -> object:
    return sound(text).plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0440", 288),
        ("0o440", 288),
        ("0", 0),
        ("0890", "0890"),
        ("on", "on"),
        ("no", "no"),
        ("5601:5601", "5601:5601"),
        ("22:22", "22:22"),
        ("1_000", "1_000"),
        ("2020-01-01", "2020-01-01"),
        ("'0440'", "0440"),
        ("~", None),
        ("{{ name }}", {"{'name': None}": None}),
    ],
)
def test_scalars_are_those_of_compose(text: str, value: object) -> None:
    if isinstance(value, dict):
        with pytest.raises(LoadError):
            plain(f"a: {text}")
    else:
        assert plain(f"a: {text}") == {"a": value}


def test_braces_are_text() -> None:
    assert plain("a: 'docker inspect --format {{.Name}}'") == {"a": "docker inspect --format {{.Name}}"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}", {"x": 1, "y": 3}),
        ("a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a}", {"x": 1, "y": 3}),
        ("a: &a {x: 1}\nc: &c {x: 2, z: 3}\nb: {<<: [*a, *c]}", {"x": 1, "z": 3}),
        ("a: &a {x: 1}\nc: &c {<<: *a, y: 2}\nb: {<<: *c}", {"x": 1, "y": 2}),
        ("b: {<<: {x: 1}}", {"x": 1}),
        ("a: &a {x: 1}\na2: &a {x: 2}\nb: *a", {"x": 2}),
        ("a: &a [1, &b 2]\nb: [*b, *a]", [2, [1, 2]]),
    ],
)
def test_anchors_and_merge_keys(text: str, value: object) -> None:
    found = plain(text)
    assert isinstance(found, dict)
    assert found["b"] == value


def test_what_is_merged_keeps_its_place() -> None:
    root = sound("a: &a\n  x: {deep: 1}\nb:\n  <<: *a\n  y: 2\nc: *a\n")
    for path in (("b", "x", "deep"), ("c", "x", "deep")):
        assert root.find(path).source[1:] == (2, 13)
    assert root.find(("b", "y")).source[1:] == (5, 6)


def test_merge_keys_stay_refused_in_manifests() -> None:
    with pytest.raises(LoadError, match="merge keys"):
        manifests.parse("m.yaml", b"a: &a {x: 1}\nb: {<<: *a}\n")


def test_sixty_services_may_share_a_fragment(site: Site) -> None:
    services = "".join(f"  s{n}: {{<<: *base}}\n" for n in range(60))
    loaded = site.load(f"x-base: &base {{image: x, restart: always}}\nservices:\n{services}")
    assert len(loaded.application.services) == 60


def test_an_application_inside_a_manifest(tmp_path: Path) -> None:
    text = "deployments:\n  wiki:\n    compose:\n      services:\n        web: {image: wiki, volumes: ['./d:/d']}\n"
    document = manifests.parse("desired/wiki.yaml", text.encode())
    root = below(document, ("deployments", "wiki", "compose"))
    loaded = load_inline(root, tmp_path, {}, name="wiki")
    web = loaded.application.services["web"]
    assert (loaded.application.name, web.volumes[0].source) == ("wiki", str(tmp_path / "d"))
    assert loaded.source(("services", "web", "image")) == ("desired/wiki.yaml", 5, 22)


def test_errors_inside_a_manifest_have_its_places(tmp_path: Path) -> None:
    text = "deployments:\n  wiki:\n    compose:\n      services:\n        web: {image: wiki, prots: []}\n"
    root = below(manifests.parse("desired/wiki.yaml", text.encode()), ("deployments", "wiki", "compose"))
    with pytest.raises(LoadError) as caught:
        load_inline(root, tmp_path, {}, name="wiki")
    (found,) = caught.value.diagnostics
    assert found.source == ("desired/wiki.yaml", 5, 28)
    assert 'did you mean "ports"?' in found.hint


@pytest.mark.parametrize("key", ["compose:", "compose :", '"compose":', '"com\\x70ose":', "? compose\n    :"])
def test_an_application_is_one_however_its_key_is_written(key: str) -> None:
    document = manifests.parse("a.yaml", f"deployments:\n  a:\n    {key} {{mode: 0440}}\n".encode())
    assert document.data["deployments"]["a"]["compose"] == {"mode": 288}


def test_every_part_of_an_application_has_a_place(site: Site) -> None:
    loaded = site.load(application("ports: ['80:80']\nmem_limit: 1g\ndepends_on: [b]", "  b: {image: x}"))
    assert loaded.source(("services", "a", "ports", 0, "target")).line == 4
    assert loaded.source(("services", "a", "deploy", "resources", "limits", "memory")).line == 5
    assert loaded.source(("services", "a", "depends_on", "b")).line == 6
