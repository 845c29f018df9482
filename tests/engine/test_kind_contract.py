"""What every leaf kind owes the engine, on real daemons.

empty -> create -> live equals the wish -> empty plan -> one field -> exactly that field -> damage behind its back ->
drift -> heal -> prune; and a neighbour that is not ours stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from conduit.change import Action, Origin
from conduit.model import Key
from conduit.resources import load_kinds
from conduit.settled import settled
from tests.engine.by_hand import admin, conf_file
from tests.engine.conftest import World
from tests.engine.kind_cases import DOCKER, LEAVES
from tests.engine.record_cases import RECORDS

CASES = LEAVES | RECORDS


@pytest.fixture
def settings(name: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.getfixturevalue("docker_settings") if name in DOCKER else {}


@pytest.fixture
def proxies(name: str) -> tuple[str, ...]:
    return ("caddy", "nginx") if name == "vhost" else ("caddy",)


@pytest.mark.parametrize("name", CASES)
def test_a_leaf_lives_changes_drifts_heals_and_goes(world: World, upstream: Callable[..., Any], name: str) -> None:
    case = CASES[name]
    address = upstream().address if name in ("route", "vhost") else ""
    neighbour = make_neighbour(world)
    case.prepare(world)
    key = Key.parse(case.key)

    world.site.write("x.yaml", case.first.replace("UPSTREAM", address))
    (created,) = world.changes()
    assert (created.key, created.action) == (key, Action.CREATE)
    assert world.apply().exit_code == 0
    assert case.before in case.seen(world)
    (live,) = [each for each in world.engine().live(key.kind) if each.key == key]
    assert live.owned
    assert world.plan().empty

    world.site.write("x.yaml", case.second.replace("UPSTREAM", address))
    (changed,) = world.changes()
    assert [field.path for field in changed.diff.fields][:1] == [case.field]
    assert len({field.path.split(".")[0] for field in changed.diff.fields}) == 1
    assert changed.origin is Origin.PENDING
    assert changed.source.line > 0
    assert world.apply().exit_code == 0
    assert case.after in case.seen(world)
    assert world.plan().empty

    case.damage(world)
    assert world.plan().drift, "damage by hand must show up as drift"
    assert world.apply().exit_code == 0
    assert case.after in case.seen(world)
    assert world.plan().empty

    world.site.write("x.yaml", "dns_records:\n  other: {name: o.home.arpa, type: A, value: 10.0.0.7}\n")
    assert world.apply(allow_deletes=1).exit_code == 0
    assert key not in [each.key for each in world.engine().live(key.kind)]
    assert case.after not in case.seen(world)
    assert neighbour() == "untouched"


@pytest.mark.parametrize("name", CASES)
def test_the_quick_answer_ends_with_any_change(world: World, upstream: Callable[..., Any], name: str) -> None:
    """An edit or damage alike: `conduit.settled` may say of no kind that nothing differs when something does."""
    case = CASES[name]
    address = upstream().address if name in ("route", "vhost") else ""
    case.prepare(world)
    for manifest in (case.first, case.second):
        world.site.write("x.yaml", manifest.replace("UPSTREAM", address))
        assert settled(world.site.settings_file) is None
        assert world.apply(prove=False).exit_code == 0
        assert world.plan().empty
        assert settled(world.site.settings_file) is not None
    case.damage(world)
    assert settled(world.site.settings_file) is None


def make_neighbour(world: World) -> Callable[[], str]:
    """Put foreign things beside ours in both daemons; the result tells whether they are as they were."""
    foreign = {"listen": ["127.0.0.1:0"], "automatic_https": {"disable": True}, "routes": [{"@id": "theirs"}]}
    admin(world, "POST", "/config/apps", {"http": {"servers": {"theirs": foreign}}})
    stray = conf_file(world).parent / "theirs.conf"
    stray.write_text("address=/theirs.example/10.1.1.1\n")

    def look() -> str:
        same = admin(world, "GET", "/config/apps/http/servers/theirs") == foreign
        same = same and stray.read_text() == "address=/theirs.example/10.1.1.1\n"
        return "untouched" if same else "changed"

    return look


def test_every_leaf_kind_has_a_case() -> None:
    """Objects that are kept whatever is declared have tests of their own, such as tests/docker/test_volumes.py."""
    leaves = {kind.name for kind in load_kinds().values() if not kind.composite and not kind.keeps}
    assert leaves == {Key.parse(case.key).kind for case in CASES.values()}


def test_every_record_type_has_a_case() -> None:
    types = get_args(load_kinds()["dns_record"].spec.model_fields["type"].annotation)
    assert set(types) <= CASES.keys()
