"""The quick answer of `diff` after an apply of containers: kept when all is as it was left, never believed after that.

See docs/decisions/0009-evidence-of-a-settled-site.md.
"""

from __future__ import annotations

import pytest

from conduit.report import ApplyOptions
from tests.docker.container_world import SLEEP, Containers
from tests.engine.settled_world import NOTHING, is_settled

DATABASE = f"{SLEEP}, networks: {{front: {{}}}}"
BY_HAND = {
    "it stopped": "stop web{slot}",
    "it has another limit": "update --memory 96m --memory-swap 192m web{slot}",
    "it left its network": "network disconnect front web{slot}",
    "it has another name": "rename web{slot} other",
    "another one stopped": "stop database",
    "it is gone": "rm --force web{slot}",
    "a foreign one appeared": "run --detach --name theirs sandbox/busybox:1 true",
}
"""What somebody does with Docker's CLI right after an apply."""


@pytest.fixture
def applied(containers: Containers) -> Containers:
    """Two containers, one of which was replaced by the last apply."""
    declare(containers, "one")
    containers.apply()
    declare(containers, "two")
    containers.apply()
    return containers


def declare(containers: Containers, says: str) -> None:
    web = f"{SLEEP}, networks: {{front: {{}}}}, memory: 64m, environment: {{SAYS: {says}}}"
    containers.declare("networks: {front: {}}\n", web=web, database=DATABASE)


def test_an_apply_of_containers_keeps_the_answer(applied: Containers) -> None:
    assert applied.running() == ["database", "web-b"]
    assert is_settled(applied.world)
    assert applied.site.conduit("diff", "--detailed-exitcode") == (0, NOTHING, "")
    assert applied.settled()
    applied.declare("networks: {front: {}}\n", database=DATABASE)
    applied.apply()
    assert applied.running() == ["database"]
    assert is_settled(applied.world)
    assert applied.settled()


def test_what_is_done_by_hand_right_after_an_apply_is_told(applied: Containers) -> None:
    for what, words in BY_HAND.items():
        (web,) = [name for name in applied.running() if name.startswith("web")]
        applied.hand(*words.format(slot=web.removeprefix("web")).split())
        assert not is_settled(applied.world), what
        foreign = what.startswith("a foreign")
        done = applied.site.conduit("diff", "--detailed-exitcode")
        assert (done.code, "No changes" in done.stdout) == ((0, True) if foreign else (3, False)), (what, done)
        applied.apply()


def test_what_another_container_did_meanwhile_keeps_no_answer(applied: Containers) -> None:
    declare(applied, "three")
    engine = applied.world.engine()
    plan = engine.plan()
    applied.hand("stop", "database")
    assert engine.apply(plan, ApplyOptions(prove=False)).exit_code == 0
    assert not is_settled(applied.world)
    assert applied.change().key.name == "database"


def test_an_apply_that_waited_for_an_image_keeps_the_answer(containers: Containers) -> None:
    """What the container is made from becomes known only while it is applied. The site has had an apply before."""
    containers.site.write("more.yaml", "networks: {front: {}}\n")
    containers.apply()
    containers.declare(web=SLEEP)
    containers.apply()
    assert is_settled(containers.world)
    assert containers.settled()
    ours = containers.hand("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "conduit.internal/*")
    containers.hand("image", "rm", ours)
    assert not is_settled(containers.world)
