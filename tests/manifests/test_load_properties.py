"""Properties of loading, tried on generated manifests."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from conduit.dialect.document import parse
from conduit.errors import Diagnostic, LoadError
from conduit.manifests.load import Manifests
from conduit.model import Key

FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXT = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x1F600, exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cn"))
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=25
)


def problems_of(load: Callable[..., Manifests], content: bytes) -> Sequence[Diagnostic]:
    """The problems of a manifest that may load or not."""
    try:
        load(content)
    except LoadError as error:
        return error.diagnostics
    return ()


class _Quoting(yaml.SafeDumper):
    """Quotes every text and never uses an alias."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@FEW
@given(TREES, st.booleans())
def test_what_yaml_writes_is_what_loads(tree: Any, flow: bool) -> None:
    text = yaml.dump(tree, Dumper=_Quoting, allow_unicode=True, default_flow_style=flow, sort_keys=False)
    assume("<<<<<<<" not in text and ">>>>>>>" not in text)
    assert parse("a.yaml", text.encode()).data == tree


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, (dict, list)):
        for part, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, part), item
            yield from _paths(item, (*path, part))


@FEW
@given(st.dictionaries(TEXT, TREES, min_size=1, max_size=4))
def test_find_points_at_the_text_of_each_value(tree: Any) -> None:
    text = yaml.dump(tree, Dumper=_Quoting, allow_unicode=True, sort_keys=False, width=10**6)
    document = parse("a.yaml", text.encode())
    for path, value in _paths(tree):
        line, column = document.place(document.find(path))
        there = text.split("\n")[line - 1][column - 1 :]
        if isinstance(value, (dict, list)):
            assert there[0] in ("{[" if not value else '-"?')
        elif isinstance(value, str):
            assert there[0] == '"'
        else:
            assert yaml.safe_load(there.partition(" ")[0]) == value or there.startswith("null")


@FEW
@given(st.binary(max_size=300))
def test_any_bytes_load_or_are_refused(load: Callable[..., Manifests], content: bytes) -> None:
    assert all(problem.source and problem.summary for problem in problems_of(load, content))


WORDS = "pages: vars: x port 80 ~ null needs ignore hosts é { } [ ] : - , &a *a !!str ' << ? {{x}} {% {{ }} # @ \\"
PIECES = st.sampled_from(
    [*WORDS.split(), '"', " ", "  ", "\n", "\n  ", ": ", "- ", "|\n", ">-\n", "---\n", "%YAML 1.1\n"]
)


@settings(FEW, max_examples=400)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_arrangement_of_yaml_loads_or_is_refused(load: Callable[..., Manifests], text: str) -> None:
    assert all(problem.source and problem.summary for problem in problems_of(load, text))


WHOLE = """\
vars: {host: "10.0.0.5"}
pages:
  one:
    upstream: "{{ host }}:80"
    backends: [a, &b {address: b, weight: 2}, *b]
    ignore: [{path: port, reason: é, until: 2040-01-01}]
  two: {headers: {X-Y: 'é'}}
needies: {x: {upstream: y}}
""".encode()


def test_y7_a_file_cut_anywhere_loads_or_is_refused(load: Callable[..., Manifests]) -> None:
    whole = load(WHOLE)
    assert len(whole.resources) == 3
    for end in range(len(WHOLE)):
        try:
            cut = load(WHOLE[:end])
        except LoadError:
            continue
        assert cut.resources.keys() <= whole.resources.keys()
        assert cut.digest != whole.digest


def test_the_collector_is_left_as_it_was(load: Callable[..., Manifests]) -> None:
    assert gc.isenabled()
    with pytest.raises(LoadError):
        load("a: [")
    assert gc.isenabled()
    gc.disable()
    try:
        load("{}")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_every_path_in_a_spec_leads_to_its_place_in_the_file(load: Callable[..., Manifests]) -> None:
    text = (
        'pages:\n  x:\n    headers: {"a.b": "é", a: "2"}\n'
        "    backends:\n    - one\n    - {address: two}\n    check:\n      every: é\n"
    )
    manifests = load(text)
    key = Key("page", "x")
    places = {
        "": (2, 3), "headers": (3, 14), "headers.a.b": (3, 22), "headers.a": (3, 30), "backends.0": (5, 7),
        "backends.1.address": (6, 17), "backends.1.weight": (6, 7), "backends.9": (5, 5), "check.every": (8, 14),
        "nothing": (3, 5),
    }  # fmt: skip
    for path, place in places.items():
        assert manifests.locate(key, path)[1:] == place, path
    with pytest.raises(KeyError):
        manifests.locate(Key("page", "absent"))


def test_y9_many_files_and_one_large_file_load_the_same(load: Callable[..., Manifests]) -> None:
    count = 2000
    one = load("pages:\n" + "".join(f"  p{n}: {{port: {n % 100 + 1}}}\n" for n in range(count)))
    many = load({f"d{n % 7}/p{n:05}.yaml": f"pages: {{p{n}: {{port: {n % 100 + 1}}}}}\n" for n in range(count)})
    assert {key: r.spec for key, r in one.resources.items()} == {key: r.spec for key, r in many.resources.items()}
    assert len(one.resources) == count
