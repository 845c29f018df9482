"""The quick answer of `diff`: given only while nothing changed that the empty plan was drawn from, else never."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conduit.model import Key
from conduit.report import ApplyOptions
from tests.engine.by_hand import edit, hosts_file
from tests.engine.conftest import World
from tests.engine.settled_world import (
    DAMAGES,
    NOTHING,
    RECORD,
    add_foreign_conf,
    add_foreign_route,
    is_settled,
    kept,
    manifest,
)


@pytest.mark.parametrize("name", DAMAGES)
def test_the_diff_after_a_damage_tells_it(quiet: World, name: str) -> None:
    damage = DAMAGES[name]
    damage.do(quiet)
    assert not is_settled(quiet)
    done = quiet.site.conduit("diff", "--detailed-exitcode")
    assert (done.code, damage.words in done.stdout + done.stderr) == (damage.code, True), done
    assert not is_settled(quiet) or name == "a commit" or "unmanaged" in damage.words


@pytest.fixture
def applied(service: World) -> World:
    """The site with one service, an answer kept by an apply of one edited field."""
    manifest(service).write_text(manifest(service).read_text() + "    timeouts: {read: 5s}\n")
    assert service.apply(prove=False).exit_code == 0
    assert is_settled(service)
    return service


def test_an_apply_that_left_nothing_keeps_the_answer(applied: World) -> None:
    before = kept(applied).read_bytes()
    assert applied.site.conduit("diff", "--detailed-exitcode") == (0, NOTHING, "")
    assert applied.plan().empty
    assert kept(applied).read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        "a manifest edited, its size and time kept",
        "a route changed in Caddy",
        "a foreign route added in Caddy",
        "the hosts file edited",
        "older hosts served",
        "a certificate damaged",
        "a killed run",
    ],
)
def test_the_diff_after_an_apply_and_a_damage_tells_it(applied: World, name: str) -> None:
    test_the_diff_after_a_damage_tells_it(applied, name)


@pytest.mark.parametrize("neighbour", [add_foreign_conf, edit(hosts_file, "127.0.0.1 web", "127.0.0.9 web")])
def test_what_moved_while_a_plan_waited_keeps_no_answer(service: World, neighbour: Callable[[World], None]) -> None:
    """The apply touches Caddy and dnsmasq; it reads back what it wrote, and what else is there now."""
    engine = service.engine()
    service.site.write("more.yaml", RECORD)
    manifest(service).write_text(manifest(service).read_text() + "    timeouts: {read: 5s}\n")
    plan = engine.plan()
    neighbour(service)
    engine.apply(plan, ApplyOptions(prove=False))
    assert not is_settled(service)


def test_an_apply_that_waited_for_a_certificate_keeps_the_answer(quiet: World) -> None:
    quiet.site.write("more.yaml", "services:\n  two: {upstream: '127.0.0.1:9'}\n")
    assert quiet.apply(prove=False).exit_code == 0
    assert is_settled(quiet)
    assert quiet.plan().empty
    test_the_diff_after_a_damage_tells_it(quiet, "a certificate damaged")


def test_an_apply_of_a_part_keeps_no_answer(quiet: World) -> None:
    manifest(quiet).write_text(manifest(quiet).read_text() + "    timeouts: {read: 5s}\n")
    assert quiet.apply(prove=False, targets=(Key("service", "web"),)).exit_code == 0
    assert not kept(quiet).exists()


def test_what_is_unmanaged_is_told_again_and_again(quiet: World) -> None:
    add_foreign_route(quiet)
    told = [quiet.site.conduit("diff", "--detailed-exitcode") for _ in range(3)]
    assert is_settled(quiet)
    assert [each.stdout for each in told] == [f"  ? 1 unmanaged object left alone (-v lists them)\n\n{NOTHING}"] * 3
    assert quiet.site.conduit("diff", "-q").stdout == NOTHING
    assert "unmanaged, left alone" in quiet.site.conduit("diff", "-v").stdout
