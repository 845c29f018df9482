"""Hostile files: bounded in time and memory, refused in words, and nothing is opened that is not named."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit.compose.load import load_file
from conduit.errors import Diagnostic, LoadError
from conduit.providers.files import read_regular
from tests.compose.kit import Site, application, codes


def laughs(depth: int) -> str:
    """Return a file whose aliases stand for 10 ** depth values."""
    lines = ['x-0: &a0 ["ha"]'] + [
        f"x-{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, depth)
    ]
    return "\n".join(lines) + "\n" + application("")


def test_a_billion_laughs(site: Site) -> None:
    assert codes(site.problems(laughs(9))) == ["CND-0107"]


def test_a_billion_laughs_of_merge_keys(site: Site) -> None:
    lines = ["x-0: &a0 {k0: 1, l0: 2}"]
    for level in range(1, 30):
        lines.append(f"x-{level}: &a{level} {{k{level}: *a{level - 1}, l{level}: *a{level - 1}}}")
    assert codes(site.problems("\n".join(lines) + "\n" + application(""))) == ["CND-0107"]


def test_a_billion_laughs_of_variables(site: Site) -> None:
    site.write(".env", "A=ha\n" + "".join(f"V{n}=${{V{n - 1}:-x}}${{V{n - 1}:-x}}\n" for n in range(1, 60)))
    assert codes(site.problems(application("labels: {a: $V59}"))) == ["CND-1406"]


def test_a_billion_laughs_of_extends(site: Site) -> None:
    text = (
        "services:\n" + "".join(f"  s{n}: {{image: x, extends: s{n + 1}}}\n" for n in range(60)) + "  s60: {image: x}\n"
    )
    assert set(codes(site.problems(text))) == {"CND-1409"}


def test_includes_beyond_their_depth_are_one_error(site: Site) -> None:
    for level in range(15):
        site.write(f"{level}.yaml", f"include: [{level + 1}.yaml]\n")
    site.write("15.yaml", application(""))
    assert codes(site.problems("include: [0.yaml]\n" + application("").replace("a:", "b:"))) == ["CND-1409"]


def test_too_many_files_are_refused(site: Site) -> None:
    names = [f"{n}.env" for n in range(250)]
    for name in names:
        site.write(name, "A=1\n")
    assert "CND-1405" in codes(site.problems(application(f"env_file: [{', '.join(names)}]")))


def test_too_many_services_are_one_error(site: Site) -> None:
    text = "services:\n" + "".join(f"  s{n}: {{image: x}}\n" for n in range(501))
    assert codes(site.problems(text)) == ["CND-1409"]


def test_more_problems_than_anybody_reads(site: Site) -> None:
    found = site.problems(application("\n".join(f"key{n}: 1" for n in range(20_000))))
    assert codes(found) == ["CND-1420"]


def test_a_huge_file(site: Site) -> None:
    found = site.problems("#" * (1 << 20) + "\n" + application(""))
    assert codes(found) == ["CND-1405"]
    assert found[0].line == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (application("labels: " + "[" * 60 + "]" * 60), "CND-0108"),
        (application("x-a: &a [*a]"), "CND-0107"),
        (application("<<: 5"), "CND-0107"),
        (application("<<: [{}, 5]"), "CND-0107"),
        (application("hostname: !!python/object/apply:os.system [id]"), "CND-0106"),
        (application("ports: !reset []"), "CND-0106"),
        (application("hostname: a\nhostname: b"), "CND-0105"),
        (application("hostname: a\x00b"), "CND-0102"),
        (application("hostname: a\x1b[31mb"), "CND-0102"),
        (application("").replace("\n", "\r\n"), "CND-0102"),
        (b"\xff\xfe" + application("").encode(), "CND-0102"),
        (b"\xef\xbb\xbf" + application("").encode(), "CND-0102"),
        (application("<<<<<<< HEAD\nhostname: a"), "CND-0103"),
        (application("hostname: [a"), "CND-0104"),
        ("a: 1\n---\n" + application(""), "CND-0111"),
        ("[]", "CND-0203"),
        ("text", "CND-0203"),
        ("", "CND-0203"),
    ],
)
def test_yaml_that_is_refused(text: str | bytes, code: str, site: Site) -> None:
    assert code in codes(site.problems(text))


@pytest.mark.parametrize(
    "fields",
    [
        'labels: {a: "x\\0y"}',
        'command: ["x\\0y"]',
        'hostname: "a\\nb"',
        'hostname: "a\\e[31m"',
        'container_name: "a/../b"',
        'image: "x;id"',
        'image: "--privileged"',
        'image: "$$(id)"',
        'image: "x@sha256:zz"',
        'volumes: ["./a\\0b:/x"]',
        'volumes: ["./a:/x\\ny"]',
        'volumes: ["../../../../../../x\\u202e:/x"]',
        'network_mode: "host;id"',
        'pid: "host\\n"',
        'user: "0\\n0"',
        'secrets: ["../../etc/shadow"]',
        'build: ""',
        'volumes: ["~other/x:/x"]',
    ],
)
def test_text_that_would_mean_something_else_elsewhere(fields: str, site: Site) -> None:
    text = application(fields).replace("    image: busybox\n", "" if "image:" in fields else "    image: busybox\n", 1)
    assert site.problems(text)


def irregular(directory: Path, name: str) -> Iterator[str]:
    """Yield the ways a name may lead to something that is no plain file."""
    target = directory / "target.yaml"
    target.write_text("services: {b: {image: x}}\nA=1\n")
    path = directory / name
    path.symlink_to(target)
    yield "link"
    path.unlink()
    os.mkfifo(path)
    yield "pipe"
    path.unlink()
    path.mkdir()
    yield "directory"
    path.rmdir()
    yield "absent"


@pytest.mark.parametrize(
    ("name", "fields", "shared"),
    [
        ("o.yaml", "extends: {service: b, file: o.yaml}", ""),
        ("o.yaml", "", "include: [o.yaml]"),
        ("o.env", "env_file: o.env", ""),
        ("o.env", "", "include: [{path: fine.yaml, env_file: o.env}]"),
    ],
)
def test_only_plain_files_are_read(name: str, fields: str, shared: str, site: Site) -> None:
    site.write("fine.yaml", "networks: {}\n")
    for _ in irregular(site.directory, name):
        assert "CND-1405" in codes(site.problems(application(fields, shared)))


def test_the_first_file_and_its_env_are_plain_too(site: Site) -> None:
    site.write("other", "A=1\n")
    (site.directory / ".env").symlink_to(site.directory / "other")
    assert codes(site.problems(application(""))) == ["CND-1405"]
    (site.directory / "compose.yaml").unlink()
    with pytest.raises(LoadError, match="no such file"):
        load_file(site.directory / "compose.yaml", {})


@pytest.mark.parametrize("shared", ["include: [/etc/shadow]", "include: [{path: /etc/hostname}]"])
def test_no_other_file_of_the_machine_is_shown_in_an_error(shared: str, site: Site) -> None:
    read: list[str] = []

    def watched(path: Path, limit: int) -> bytes:
        read.append(str(path))
        return read_regular(path, limit)

    path = site.write("compose.yaml", application("", shared))
    with pytest.raises(LoadError, match=r"ends with \.yaml or \.yml"):
        load_file(path, {}, read=watched)
    assert set(read) == {str(path), str(site.directory / ".env")}


def test_a_file_of_variables_is_never_shown(site: Site) -> None:
    site.write("o.env", "GOOD=1\nthe password is hunter2\n")
    (found,) = site.problems(application("env_file: o.env"))
    assert (found.code.id, found.source and found.source.line) == ("CND-1406", 2)
    assert "hunter2" not in str(found) + found.line


def test_only_what_is_named_is_read_and_all_of_it_is_remembered(site: Site) -> None:
    site.write("e.env", "A=1\n")
    site.write("o.yaml", "services: {b: {image: y}}\n")
    site.write("unread.yaml", "not: read\n")
    loaded = site.load(application("env_file: e.env\nextends: {service: b, file: o.yaml}", "secrets: {s: {file: ./s}}"))
    assert {Path(name).name for name in loaded.files} == {"compose.yaml", "e.env", "o.yaml"}


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12), st.just("${A:-$B}")
)
SHAPES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
NAMES = (
    "build command configs container_name depends_on deploy devices dns env_file environment expose extends extra_hosts"
    " healthcheck image labels logging mem_limit networks ports profiles secrets sysctls tmpfs ulimits volumes"
)
FIELD_NAMES = st.sampled_from(NAMES.split())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=300)
@given(
    fields=st.dictionaries(FIELD_NAMES, SHAPES, max_size=4),
    shared=st.dictionaries(
        st.sampled_from(["networks", "volumes", "secrets", "configs", "include", "name"]), SHAPES, max_size=2
    ),
)
def test_any_shape_is_an_application_or_errors_with_places(
    fields: object, shared: dict[str, object], site: Site
) -> None:
    told: tuple[Diagnostic, ...] = ()
    try:
        site.load(json.dumps({"services": {"a": fields}, **shared}))
    except LoadError as error:
        told = error.diagnostics
        assert told
    assert all(found.source for found in told)
