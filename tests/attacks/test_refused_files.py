"""Hostile files (Y1 to Y8): whatever the tree or conduit.yaml holds, it is refused without harm, hang or echo."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from attack_world import CANARY, Attacked, problems_in

from conduit.engine import Engine
from conduit.errors import LoadError
from conduit.manifests.settings_file import read_settings
from tests.conftest import run_program

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
    "y3_merge": ("CND-0107", {"merge.yaml": "services:\n  x: {<<: {upstream: 10.0.0.9:80}}\n"}),
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


def test_every_hostile_file_is_refused_by_name(attacked: Attacked) -> None:
    expected = {f"desired/{row}/{name}": code for row, (code, files) in TREES.items() for name in files}
    problems = attacked.refuse(
        {f"{row}/{name}": content for row, (_, files) in TREES.items() for name, content in files.items()}
    )
    assert {problem.place.split(":")[0]: problem.code for problem in problems} == expected
    (twice,) = (problem for problem in problems if "twice.yaml" in problem.place)
    assert (twice.place, "line 3" in twice.message) == ("desired/y4/twice.yaml:4:5", True)
    assert not (attacked.site.directory / "canary-ran").exists()


def test_the_door_of_settings_has_the_same_verdict(shared: Attacked) -> None:
    before, path = shared.look(), shared.site.directory / "other.yaml"
    for row, (code, files) in TREES.items():
        for number, content in enumerate(files.values()):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            with pytest.raises(LoadError) as caught:
                read_settings(path)
            found = {told.code.id for told in caught.value.diagnostics}
            if number == 0 and row in ("y1", "y2", "y8"):
                told = shared.run("apply", "--yes", "--json", "--config", str(path))
                assert (told.code, {problem.code for problem in problems_in(told)}) == (1, found)
            assert code in found
    assert shared.look() == before


PORTS = ["22:22", "0755", "1_0", "٣٣", "²", "8080.0", "-0", "9999999999", "no", '"80"', "true", "[80]", "null"]
NUMBERS = ["9223372036854775808", ".nan", ".inf", "1e999", "0x" + "f" * 17]


def test_y5_what_looks_like_a_number_is_never_another_number(attacked: Attacked) -> None:
    record = (
        '  r{0}: {{name: "_a._tcp.r{0}.home.arpa", type: SRV, value: t.home.arpa, priority: 1, weight: 1, port: {1}}}\n'
    )
    files = {
        "ports.yaml": "dns_records:\n" + "".join(record.format(number, port) for number, port in enumerate(PORTS)),
        "numbers.yaml": "dns_records:\n" + "".join(record.format(number, n) for number, n in enumerate(NUMBERS)),
    }
    told = [tuple(problem.place.split(":")[:2]) for problem in attacked.refuse(files)]
    lines = {name: range(2, text.count("\n") + 1) for name, text in files.items()}
    assert sorted(told) == sorted((f"desired/{name}", str(line)) for name in files for line in lines[name])


def test_y5_words_stay_words(attacked: Attacked) -> None:
    bodies = ["dns: no", "dns: off", "websockets: yes", "dns: 0", "domain: 1.5", "upstream: 22:22", "domain: no"]
    text = "services:\n" + "".join(f"  s{n}: {{upstreams: [10.0.0.9:80], {b}}}\n" for n, b in enumerate(bodies))
    told = attacked.refuse({"words.yaml": text})
    assert sorted({int(problem.place.split(":")[1]) for problem in told}) == [2, 3, 4, 5, 6, 7, 8]
    assert [problem.message for problem in told if "no.home.arpa" in problem.message], "a name, but not a full one"


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


def test_y6_an_unfinished_merge_is_refused_though_no_file_holds_a_marker(attacked: Attacked) -> None:
    def git(*words: str, given: str = "") -> str:
        done = run_program("git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words, cwd=place, input=given)
        assert done.code == 0, done
        return done.stdout.strip()

    place = attacked.site.directory
    try:
        git("init", "--quiet")
        git("commit", "--quiet", "--allow-empty", "--message", "first")
        blob = git("hash-object", "-w", "desired/good.yaml")
        git("update-index", "--index-info", given=f"100644 {blob} 2\tdesired/good.yaml\n")
        (problem,) = attacked.refuse({})
        assert (problem.code, problem.place) == ("CND-0121", "desired/good.yaml")
    finally:
        shutil.rmtree(place / ".git")


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


def test_y8_the_door_of_settings_has_the_same_verdict(shared: Attacked) -> None:
    for sort, make in ODDITIES.items():
        path = shared.site.directory / f"{sort}.yaml"
        make(path)
        told = shared.run("validate", "--json", "--config", str(path))
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
        assert f'secret "file:{place}"' in ran.stdout
    after = attacked.look()
    assert (after.config, after.answers) == (before.config, before.answers)


def test_y7_a_manifest_cut_anywhere_invents_nothing(shared: Attacked) -> None:
    """What is left of a cut file is refused or holds fewer names, and a tree without any name is not obeyed."""
    text = "services:\n" + "".join(
        f'  s{number}:\n    upstream: "10.0.1.{number}:3000"\n    aliases: [s{number}.lan]\n' for number in range(1, 5)
    )
    base = shared.site.directory
    (base / "cut").mkdir()
    (base / "cut.yaml").write_text(shared.site.settings_file.read_text().replace("desired: desired", "desired: cut"))
    settings = read_settings(base / "cut.yaml")
    found = []
    for end in range(len(text) + 1):
        (base / "cut" / "all.yaml").write_text(text[:end])
        try:
            found.append({key.name for key in Engine(settings).load().roots})
        except LoadError:
            continue
    assert found[-1] == {"s1", "s2", "s3", "s4"}
    assert all(names <= found[-1] for names in found)


def test_a_key_of_one_form_is_not_told_as_unknown_to_the_other(shared: Attacked) -> None:
    """Of the ways to run dnsmasq only the nearest one complains; once it asked "did you mean pid_file?" of pid_file."""
    path = shared.site.directory / "forms.yaml"
    section = "{address: '127.0.0.1:1', hosts_file: h, conf_file: c, process: {pid_file: p, argv: [/bin/true]}}"
    path.write_text(f"dnsmasq: {section}\n")
    told = problems_in(shared.run("validate", "--json", "--config", str(path)))
    assert [problem.code for problem in told] == ["CND-0202", "CND-0201"]
    assert '"start"' in told[0].message
    assert '"argv"' in told[1].message
