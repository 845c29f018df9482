"""Hostile files (Y1 to Y8): whatever the tree or conduit.yaml holds, it is refused without harm, hang or echo."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from attack_world import CANARY, Attacked, problems_in

from tests.faults import oracle

GOOD_ENOUGH = "services:\n  x: {upstream: 10.0.0.9:80}\n"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(['*' + before] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
CONFLICT = (
    "<<<<<<< HEAD\n{0}  x: {{upstream: 10.0.0.9:80}}\n=======\n{0}  x: {{upstream: 10.0.0.8:80}}\n>>>>>>> other\n"
)

TREES: Mapping[str, tuple[str, Mapping[str, str | bytes]]] = {
    "y1": (
        "CND-0106",
        {
            "system.yaml": 'services: !!python/object/apply:os.system ["touch canary-ran"]\n',
            "custom.yaml": "services:\n  x: {upstream: !vault abc}\n",
            "binary.yaml": "services:\n  x: {upstream: !!binary eA==}\n",
            "local.yaml": "services:\n  x: ! {upstream: 10.0.0.9:80}\n",
        },
    ),
    "y2": ("CND-0107", {"laughs.yaml": LAUGHS, "many.yaml": "a: &a x\nb: [" + "*a, " * 51 + "]\n"}),
    "y3": (
        "CND-0108",
        {"lists.yaml": "[" * 5000, "maps.yaml": "{a: " * 5000, "dashes.yaml": "- " * 5000},
    ),
    "y3_recursion": ("CND-0107", {"self.yaml": "a: &a [*a]\n", "map.yaml": "a: &a {b: *a}\n"}),
    "y3_merge": ("CND-0109", {"merge.yaml": "services:\n  x: {<<: {upstream: 10.0.0.9:80}}\n"}),
    "y4": ("CND-0105", {"twice.yaml": "services:\n  x:\n    upstream: 10.0.0.9:80\n    upstream: 10.0.0.8:80\n"}),
    "y6": (
        "CND-0103",
        {
            "mapping.yaml": "services:\n" + CONFLICT.format(""),
            "block.yaml": "vars:\n  v: |\n" + CONFLICT.format("  ").replace("\n", "\n    "),
        },
    ),
    "y8": (
        "CND-0102",
        {
            "latin.yaml": b"services:\n  # \xe9\n",
            "bom.yaml": b"\xef\xbb\xbf" + GOOD_ENOUGH.encode(),
            "crlf.yaml": GOOD_ENOUGH.replace("\n", "\r\n").encode(),
            "nul.yaml": b"services:\n  x: {upstream: a\0b}\n",
            "utf16.yaml": GOOD_ENOUGH.encode("utf-16"),
            "escape.yaml": b"# \x1b[2J\nservices: {}\n",
        },
    ),
}


@pytest.mark.parametrize("row", TREES)
def test_each_file_is_refused_by_name(attacked: Attacked, row: str) -> None:
    code, files = TREES[row]
    problems = attacked.refuse(files)
    assert {problem.place.split(":")[0] for problem in problems} == {f"desired/{name}" for name in files}
    assert {problem.code for problem in problems} == {code}
    assert not (attacked.site.directory / "canary-ran").exists()


def test_y4_both_lines_are_told(attacked: Attacked) -> None:
    (problem,) = attacked.refuse(TREES["y4"][1])
    assert problem.place == "desired/twice.yaml:4:5"
    assert "line 3" in problem.message


@pytest.mark.parametrize("row", ["y1", "y2", "y3", "y4", "y6", "y8"])
def test_the_door_of_settings_has_the_same_verdict(attacked: Attacked, row: str) -> None:
    code, files = TREES[row]
    before = attacked.look()
    for name, content in files.items():
        path = attacked.site.directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        told = attacked.run("apply", "--yes", "--json", "--config", str(path))
        assert told.code == 1
        assert {problem.code for problem in problems_in(told)} == {code}
        path.unlink()
    assert attacked.look() == before


PORTS = ["22:22", "0755", "1_0", "٣٣", "²", "8080.0", "-0", "9999999999", "no", '"80"', "true", "[80]", "null"]
NUMBERS = ["9223372036854775808", ".nan", ".inf", "1e999", "0x" + "f" * 17]


def test_y5_what_looks_like_a_number_is_never_another_number(attacked: Attacked) -> None:
    record = (
        '  r{0}: {{name: "_a._tcp.r{0}.home.arpa", type: SRV, value: t.home.arpa, priority: 1, weight: 1, port: {1}}}\n'
    )
    text = "dns_records:\n" + "".join(record.format(number, port) for number, port in enumerate(PORTS))
    problems = attacked.refuse({"ports.yaml": text})
    assert [int(problem.place.split(":")[1]) for problem in problems] == list(range(2, len(PORTS) + 2))
    text = "dns_records:\n" + "".join(record.format(number, port) for number, port in enumerate(NUMBERS))
    problems = attacked.refuse({"ports.yaml": text})
    assert [int(problem.place.split(":")[1]) for problem in problems] == list(range(2, len(NUMBERS) + 2))
    assert {problem.code for problem in problems} == {"CND-0110"}


def test_y5_words_stay_words(attacked: Attacked) -> None:
    bodies = ["dns: no", "dns: off", "websockets: yes", "dns: 0", "domain: 1.5", "upstream: 22:22", "domain: no"]
    text = "services:\n" + "".join(f"  s{n}: {{upstreams: [10.0.0.9:80], {b}}}\n" for n, b in enumerate(bodies))
    told = attacked.refuse({"words.yaml": text})
    assert sorted({int(problem.place.split(":")[1]) for problem in told}) == [2, 3, 4, 5, 6, 7]
    ran = attacked.run("validate")
    assert ran.code == 0, oracle.told(ran)


def _link(path: Path) -> None:
    path.symlink_to("/etc/shadow")


def _device(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("making a device takes root")
    os.mknod(path, 0o020666, os.makedev(1, 5))


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2 * 2**30)


def _closed(path: Path) -> None:
    path.write_text(GOOD_ENOUGH)
    path.chmod(0)


ODDITIES: dict[str, Callable[[Path], None]] = {
    "link": _link,
    "pipe": os.mkfifo,
    "device": _device,
    "directory": Path.mkdir,
    "huge": _huge,
}


def test_y8_what_is_no_plain_file_is_refused_unread(attacked: Attacked) -> None:
    for name, make in ODDITIES.items():
        make(attacked.site.desired / f"{name}.yaml")
    (attacked.site.desired / "elsewhere").symlink_to("/etc")
    problems = attacked.refuse({})
    names = {f"desired/{name}.yaml" for name in ODDITIES} | {"desired/elsewhere"}
    assert {problem.place for problem in problems} == names
    assert {problem.code for problem in problems} == {"CND-0101"}


def test_y8_a_file_without_permission_is_refused(attacked: Attacked) -> None:
    """Root passes file modes; without the capability for that, it meets them as everyone does."""
    _closed(attacked.site.desired / "closed.yaml")
    dropped = "-dac_override,-dac_read_search"
    before = ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}"] if os.geteuid() == 0 else ["env"]
    (problem,) = attacked.refuse({}, before=before)
    assert (problem.code, problem.place) == ("CND-0101", "desired/closed.yaml")
    assert "permission denied" in problem.message


@pytest.mark.parametrize("sort", [*ODDITIES, "missing"])
def test_y8_the_door_of_settings_has_the_same_verdict(attacked: Attacked, sort: str) -> None:
    path = attacked.site.directory / "odd.yaml"
    ODDITIES.get(sort, lambda path: None)(path)
    try:
        told = attacked.run("validate", "--json", "--config", str(path))
    finally:
        if sort != "missing":
            path.rmdir() if sort == "directory" else path.unlink()
    assert told.code == 1
    assert [problem.code for problem in problems_in(told)] == ["CND-1001"]


def test_y8_a_secret_from_a_file_that_is_none(attacked: Attacked) -> None:
    """The third door: a secret that names a file is not a way to read one that is open, linked or no file."""
    open_file = attacked.site.directory / "open"
    open_file.write_text(CANARY)
    open_file.chmod(0o644)
    link = attacked.site.directory / "link"
    link.symlink_to("/etc/shadow")
    before = attacked.look()
    for place in (open_file, link, Path("/dev/zero"), Path("/etc")):
        body = f'{{upstream: "{attacked.upstream}", basic_auth: {{a: {{secret: "file:{place}"}}}}}}'
        attacked.write({"guarded.yaml": f"services:\n  guarded: {body}\n"})
        ran = attacked.run("apply", "--yes", "--no-prove")
        assert ran.code != 0
        assert "CND-09" in ran.stdout + ran.stderr
    after = attacked.look()
    assert (after.config, after.answers) == (before.config, before.answers)


def test_y7_a_manifest_cut_anywhere_is_never_read_as_something_else(attacked: Attacked) -> None:
    """A service is there as it was written, or it is not there; a cut may hide one but never change one."""
    text = "services:\n" + "".join(
        f'  s{number}:\n    upstream: "10.0.1.{number}:3000"\n    aliases: [s{number}.lan]\n' for number in range(1, 5)
    )
    whole = _loaded(attacked, text)
    assert len(whole) == 5
    for end in range(len(text)):
        for key, spec in _loaded(attacked, text[:end]).items():
            assert whole[key] == spec, f"cut at {end}: {text[:end]!r}"


def _loaded(attacked: Attacked, text: str) -> Mapping[object, object]:
    from conduit.errors import LoadError

    attacked.write({"cut.yaml": text})
    try:
        return {key: resource.spec for key, resource in attacked.engine().load().roots.items()}
    except LoadError as error:
        assert all(problem.source and problem.source.file for problem in error.diagnostics)
        return {}
