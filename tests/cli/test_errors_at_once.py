"""Every error of a tree in one answer, whichever step finds it, and none that only follows from another."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

BROKEN = """services:
  odd: {upsteam: "10.0.0.1:80"}
  meta: {upstream: "169.254.169.254:80"}
  Loud: {upstream: "10.0.0.2:80", domain: c.example}
  lost: {upstream: "10.0.0.2:80", domain: c.example, needs: [servce/one]}
"""
"""Four that are wrong by themselves: a key, a value, a name, a kind."""
TOGETHER = """services:
  one: {upstream: "10.0.0.2:80", domain: a.example}
  two: {upstream: "10.0.0.2:80", domain: A.example., dns: false}
  three: {deployment: nope}
  four: {deployment: app}
  five: {upstream: "10.0.0.2:80", needs: [service/odd, deployment/app]}
  six: {upstream: "10.0.0.2:80", needs: [service/seven]}
deployments:
  app: {compose: {services: {web: {imagee: x}}}}
domains:
  outside: {domain: b.example, service: odd}
"""
"""What is wrong only when it is seen beside the rest: one and two, three, six, and the application itself."""


def told(nowhere: Callable[..., Any], directory: Path, **files: str) -> list[tuple[str, int]]:
    """The code and line of each error of `conduit validate`."""
    with (directory / "conduit.yaml").open("a") as settings:
        settings.write("docker: {}\n")
    for name, text in files.items():
        (directory / "desired" / f"{name}.yaml").write_text(text)
    done = nowhere("validate")
    assert done.returncode == 1
    return [(code, int(line)) for line, code in re.findall(r":(\d+):\d+: error: .* \[(CND-\d+)\]", done.stderr)]


def test_what_is_wrong_together_is_told_beside_what_is_wrong_alone(nowhere: Callable[..., Any], tmp_path: Path) -> None:
    """They came one step after the other: whoever had mended the first was told of the next."""
    alone = [("CND-0201", 2), ("CND-0203", 3), ("CND-0204", 4), ("CND-0203", 5)]
    together = [("CND-0304", 3), ("CND-1540", 4), ("CND-0302", 7), ("CND-0201", 9)]
    assert told(nowhere, tmp_path, alone=BROKEN, together=TOGETHER) == [*alone, *together]


def test_where_a_file_does_not_parse_nothing_is_said_of_what_may_stand_in_it(
    nowhere: Callable[..., Any], tmp_path: Path
) -> None:
    assert told(nowhere, tmp_path, alone=BROKEN, together=TOGETHER, torn="services: {seven: [}\n") == [
        ("CND-0201", 2),
        ("CND-0203", 3),
        ("CND-0204", 4),
        ("CND-0203", 5),
        ("CND-0104", 1),
    ]


def test_a_daemon_that_is_not_named_is_told_once_for_each_that_needs_it(
    nowhere: Callable[..., Any], tmp_path: Path
) -> None:
    """It was told for each container, image and network of an application."""
    (tmp_path / "desired" / "a.yaml").write_text(
        "deployments: {app: {compose: {services: {one: {image: x}, two: {image: x}}}}}\n"
    )
    assert nowhere("validate").stderr.count("deployment/app needs docker") == 1


def test_a_key_that_stands_twice_in_the_settings_hides_no_other_mistake(
    nowhere: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "conduit.yaml").write_text("desired: desired\ndesired: other\ncady: {}\n")
    assert re.findall(r"yaml:(\d+):\d+: error: .* \[(CND-\d+)\]", nowhere("validate").stderr) == [
        ("2", "CND-0105"),
        ("3", "CND-1002"),
    ]


def test_a_key_that_stands_twice_hides_nothing_that_is_wrong_together(
    nowhere: Callable[..., Any], tmp_path: Path
) -> None:
    """Neither what is wrong inside the application that holds it, nor what two names claim."""
    text = """services:
  one: {upstream: "10.0.0.2:80", domain: a.example}
  two: {upstream: "10.0.0.2:80", domain: a.example, dns: false, dns: false}
deployments:
  app: {compose: {services: {web: {image: x, image: y, usr: x}}}}
"""
    assert told(nowhere, tmp_path, twice=text) == [
        ("CND-0304", 3),
        ("CND-0105", 3),
        ("CND-0105", 5),
        ("CND-0201", 5),
    ]


def test_what_is_wrong_together_points_at_its_field_and_shows_the_line(
    nowhere: Callable[..., Any], tmp_path: Path
) -> None:
    """Only the name was pointed at, and no line shown."""
    (tmp_path / "desired" / "a.yaml").write_text("""services:
  one:
    upstream: 127.0.0.1:80
  two:
    upstream: 10.0.0.2:80
    aliases: [two.example, two]
  three:
    upstream: 10.0.0.2:80
    needs: [service/none]
""")
    said = nowhere("validate").stderr
    upstream, aliases = ("3:15", "    upstream: 127.0.0.1:80", 14), ("6:28", "    aliases: [two.example, two]", 27)
    for place, line, caret in (upstream, aliases):
        assert f"desired/a.yaml:{place}: error: service/" in said
        assert f" | {line}\n       | {' ' * caret}^" in said
    assert "desired/a.yaml:9:12: error: service/three refers to service/none" in said


def test_two_that_share_a_name_are_told_once_with_all_that_both_claim(
    nowhere: Callable[..., Any], tmp_path: Path
) -> None:
    """It was an error for the record and another for the route, though one changed line mends both."""
    text = "".join(f'  {name}: {{upstream: "10.0.0.2:80", domain: a.example}}\n' for name in ("one", "two"))
    (tmp_path / "desired" / "a.yaml").write_text(f"services:\n{text}")
    said = nowhere("validate").stderr
    assert said.count("CND-0304]") == 1
    assert "service/two and service/one both claim dns a.example A and route a.example /" in said


def test_a_daemon_that_is_not_set_up_is_told_once(nowhere: Callable[..., Any], tmp_path: Path) -> None:
    """Regression: each resource told of it, so that a site without one section had a thousand errors."""
    sites = "".join(f'  s{number}: {{upstream: "10.0.0.2:80", proxy: nginx}}\n' for number in range(3))
    (tmp_path / "desired" / "sites.yaml").write_text(f"services:\n{sites}")
    done = nowhere("validate")
    (error,) = [line for line in done.stderr.splitlines() if ": error: " in line]
    assert "service/s0 and 2 more need nginx, which conduit.yaml does not name [CND-0305]" in error
    assert "desired/sites.yaml:2:" in error
