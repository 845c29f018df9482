"""Variables: one pass, nothing evaluated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conduit.errors import Diagnostic
from conduit.manifests.load import Manifests

SITE = "vars: {host: 10.0.0.5, port: 3000, live: true, list: [a, b], sly: '{{ 7*7 }} {{ host }}', braces: '{{'}\n"


def page(load: Callable[..., Manifests], fields: str) -> Any:
    return next(iter(load(SITE + f"pages:\n  x: {{{fields}}}\n").resources.values())).spec


def test_a_variable_stands_for_its_value_in_text(load: Callable[..., Manifests]) -> None:
    assert page(load, 'upstream: "{{ host }}:{{port}}"').upstream == "10.0.0.5:3000"
    assert page(load, 'upstream: "live={{ live }}\\n"').upstream == "live=true\n"


def test_a_lone_variable_takes_its_own_type(load: Callable[..., Manifests]) -> None:
    found = page(load, 'port: "{{ port }}", live: "{{ live }}", backends: "{{ list }}"')
    assert (found.port, found.live, found.backends) == (3000, True, ("a", "b"))


def test_variables_are_filled_in_however_deep_they_stand(load: Callable[..., Manifests]) -> None:
    found = page(load, 'backends: [{address: "{{ host }}"}], headers: {x: "{{ host }}!"}')
    assert found.backends[0].address == "10.0.0.5"
    assert found.headers == {"x": "10.0.0.5!"}


def test_i12_the_value_of_a_variable_is_never_a_template(load: Callable[..., Manifests]) -> None:
    assert page(load, 'upstream: "{{ sly }}"').upstream == "{{ 7*7 }} {{ host }}"
    assert page(load, 'upstream: "{{ braces }}x"').upstream == "{{x"


def test_other_braces_are_text(load: Callable[..., Manifests]) -> None:
    assert page(load, 'upstream: "{x} ${jndi:} <%= %> }}"').upstream == "{x} ${jndi:} <%= %> }}"


@pytest.mark.parametrize(
    "template",
    [
        "{{7*7}}", "{% for x in y %}", "{{cycler.__init__.__globals__}}", "{{ host | upper }}", "{{ list[0] }}",
        "{{ f() }}", "{# gone #}", "a {{ 'x' }}", "{{ host", "{{ }}", "{% raw %}{{ host }}{% endraw %}",
        "{{ self }}{{ 1 }}", "{{ host }}\\r",
    ],
)  # fmt: skip
def test_i12_everything_else_is_refused_with_its_place_and_never_evaluated(
    refuse: Callable[..., list[Diagnostic]], template: str
) -> None:
    (problem,) = refuse(SITE + f'pages:\n  x: {{headers: {{y: "{template}"}}}}\n')
    assert problem.code.id == "CND-0115"
    assert problem.source == ("desired/a.yaml", 3, 20)
    assert "49" not in str(problem)


def test_an_undefined_name_names_the_nearest(refuse: Callable[..., list[Diagnostic]]) -> None:
    (problem,) = refuse(SITE + 'pages:\n  x: {upstream: "{{ hots }}:1"}\n')
    assert problem.code.id == "CND-0116"
    assert problem.hint == 'did you mean "host"?'
    assert problem.source == ("desired/a.yaml", 3, 17)


def test_a_list_does_not_fit_into_text(refuse: Callable[..., list[Diagnostic]]) -> None:
    (problem,) = refuse(SITE + 'pages:\n  x: {upstream: "a {{ list }}"}\n')
    assert problem.code.id == "CND-0119"


def test_variables_of_all_files_are_merged(load: Callable[..., Manifests]) -> None:
    files = {
        "vars.yaml": "vars: {a: one}\n",
        "z.yaml": "vars: {b: two}\n",
        "m.yaml": 'pages: {x: {upstream: "{{a}}-{{b}}"}}\n',
    }
    assert next(iter(load(files).resources.values())).spec.upstream == "one-two"


def test_the_same_variable_in_two_files_names_both(refuse: Callable[..., list[Diagnostic]]) -> None:
    (problem,) = refuse({"a.yaml": "vars: {x: 1}\n", "b.yaml": "vars: {x: 1}\n"})
    assert problem.code.id == "CND-0114"
    assert problem.source.file == "desired/b.yaml"
    assert problem.related == (("first here", ("desired/a.yaml", 1, 8)),)


def test_a_variable_has_a_name_that_can_be_used(refuse: Callable[..., list[Diagnostic]]) -> None:
    (problem,) = refuse("vars: {my-host: 1}\n")
    assert problem.code.id == "CND-0204"


def test_a_broken_file_does_not_make_variables_undefined(refuse: Callable[..., list[Diagnostic]]) -> None:
    problems = refuse(
        {"vars.yaml": "vars: {a: [}\n", "b.yaml": 'pages: {x: {upstream: "{{ a }}", prot: 1}, y: {prot: 1}}\n'}
    )
    assert [p.code.id for p in problems] == ["CND-0201", "CND-0104"]


def test_jinja_is_not_imported_without_a_template(run: Callable[..., Any]) -> None:
    code = (
        "import sys, pathlib, tempfile\n"
        "from conduit.manifests.load import load\nfrom conduit.manifests.tree import read_tree\n"
        "from conduit.settings import Settings\n"
        "base = pathlib.Path(tempfile.mkdtemp()); (base / 'a.yaml').write_text('vars: {x: 1}\\n')\n"
        "load(read_tree(base, base), Settings(desired=base), {}, 0.0, base / 'cache')\n"
        "print('jinja2' in sys.modules)\n"
    )
    import sys

    assert run(sys.executable, "-c", code).stdout == "False\n"
