"""One change of dnsmasq: the mildest way to carry it out, and the way back to an earlier one."""

from __future__ import annotations

import pytest
from dnsmasq_world import MOVED_A, TEXT, A, World
from msgspec.structs import replace

from conduit.change import Action, Change, Diff, Disturbance, Origin
from conduit.model import Key, Live, Native, Source
from conduit.spec import Resource

OUTSIDE = {"name": "a.public.example", "value": "10.0.0.5"}


def change(live: Native | None, want: Native | None, action: Action = Action.UPDATE) -> Change:
    key = Key("dns_record", "a")
    holder = Live(key, "a", live, owned=True) if live else None
    return Change(action, key, "dnsmasq", Diff(), Origin.PENDING, Source("x"), key, native=want, live=holder)


def test_plain_addresses_cost_a_signal_and_the_rest_a_restart(world: World) -> None:
    world.apply(a=A, t=TEXT)
    first = world.daemon.pid
    world.apply(a=MOVED_A, t=TEXT)
    assert world.daemon.pid == first, "SIGHUP is enough for an address"
    world.apply(a=MOVED_A, t=TEXT | {"value": "two"})
    assert world.daemon.pid != first, "a text needs a restart"
    assert (world.dig("a.home.arpa"), world.dig("t.home.arpa", "TXT")) == (["10.0.0.9"], ['"two"'])


@pytest.mark.parametrize(
    ("live", "want", "expected"),
    [
        (A, MOVED_A, Disturbance.RELOAD),
        (None, A, Disturbance.RELOAD),
        (A, None, Disturbance.RELOAD),
        (None, OUTSIDE, Disturbance.RESTART),
        (OUTSIDE, None, Disturbance.RESTART),
        (OUTSIDE, OUTSIDE | {"value": "10.0.0.9"}, Disturbance.RELOAD),
        (TEXT, TEXT | {"value": "two"}, Disturbance.RESTART),
        (A, TEXT, Disturbance.RESTART),
    ],
)
def test_the_plan_says_what_really_happens(
    world: World, live: dict | None, want: dict | None, expected: Disturbance
) -> None:
    reading = world.apply(**({"a": live} if live else {}))
    forms = [spec and world.native(**spec) for spec in (live, want)]
    assert world.provider.impact(change(*forms), reading).disturbance is expected
    before = world.daemon.pid
    world.apply(**({"a": want} if want else {}))
    assert (world.daemon.pid == before) == (expected is Disturbance.RELOAD)


def test_protection_is_said_to_cost_what_it_costs(world: World) -> None:
    world.apply(a=A, t=TEXT, o=OUTSIDE)
    for owner, spec, expected in (("a", A, "reload"), ("t", TEXT, "restart"), ("o", OUTSIDE, "reload")):
        live = next(live for live in world.lives() if live.key.name == owner)
        want = Resource(live.key, world.kind.spec(**spec), Source("x"), protect=True)
        planned = replace(change(None, live.native), key=live.key, live=live, want=want)
        assert world.provider.impact(planned, world.provider.read()).disturbance == expected
        before = world.daemon.pid
        world.apply(protected=(owner,), a=A, t=TEXT, o=OUTSIDE)
        assert (world.daemon.pid == before) == (expected == "reload")
        world.apply(a=A, t=TEXT, o=OUTSIDE)


def test_one_commit_acts_once(world: World) -> None:
    world.apply(a=A)
    reached: list[str] = []
    world.fail = reached.append
    world.apply(a=MOVED_A, t=TEXT, u={"name": "u.home.arpa", "type": "TXT", "value": "x"})
    assert reached == [f"dnsmasq.commit.{p}" for p in ("staged", "renamed", "stopped", "reloaded", "after")]


def test_a_dnsmasq_that_does_not_run_is_started_by_the_first_apply(world: World) -> None:
    world.daemon.stop()
    world.apply(a=A)
    assert world.dig("a.home.arpa") == ["10.0.0.5"]


def test_an_earlier_reading_can_be_restored(world: World) -> None:
    earlier = world.apply(a=A, t=TEXT)
    now = world.apply(a=MOVED_A)
    restored = world.provider.restore(earlier, now)
    assert restored.version == earlier.version, "with its old stamps"
    assert (world.dig("a.home.arpa"), world.dig("t.home.arpa", "TXT")) == (["10.0.0.5"], ['"one"'])
    assert world.provider.restore(restored, restored) is restored


def test_the_state_before_the_first_apply_can_be_restored(world: World) -> None:
    earlier = world.provider.read()
    world.provider.restore(earlier, world.apply(a=A))
    assert not world.hosts.exists()
    assert world.dig("a.home.arpa") == []
